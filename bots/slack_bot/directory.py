"""Who somebody is in a workspace, and which user groups they are in: asked of Slack, and remembered for a while."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bots.conversation.screens import Choice
from bots.conversation.speaker import Speaker
from bots.network import UNREACHABLE
from bots.slack_bot.hearing import Heard
from bots.slack_bot.library import asked_to_wait, reason
from bots.slack_bot.members import homes
from core.identities.signed import Place, SignedIdentity

log = logging.getLogger(__name__)

PERSON_SECONDS, GROUPS_SECONDS = 300.0, 60.0
SECONDS = 2.0
"""How long an answer of Slack's is waited for; without it people may do what needs no rights."""
KEPT = 20_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Person:
    name: str
    zone: str | None
    locale: str | None
    full: bool
    """Neither a guest, nor a bot, nor deactivated."""
    administers: bool


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    users: frozenset[str]


@dataclass(frozen=True, slots=True)
class Groups:
    """`told`: False where the app may not ask for them. Who is in which is not known then."""

    all: Mapping[str, Group] = field(default_factory=dict)
    told: bool = True

    def of(self, user_id: str) -> frozenset[str] | None:
        return frozenset(each for each, group in self.all.items() if user_id in group.users) if self.told else None


class Kept(Generic[T]):
    """What was asked for, for so many seconds; one that is too old serves while Slack does not answer. Whoever asks for
    the same at the same time waits for one call."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._found: OrderedDict[str, tuple[float, T | None]] = OrderedDict()
        """Until when nobody asks again, and what is known until then."""
        self._asking: dict[str, asyncio.Task[T | None]] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        until, known = self._found.get(key, (0.0, None))
        if time.monotonic() < until:
            return known
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key, known, ask))
            asking.add_done_callback(lambda _: self._asking.pop(key))
        return await asyncio.shield(asking)

    async def _ask(self, key: str, known: T | None, ask: Callable[[], Awaitable[T]]) -> T | None:
        try:
            found = await asyncio.wait_for(ask(), SECONDS)
        except SlackApiError as error:
            log.info("Slack does not say who is who: %s", reason(error))
            self._keep(key, asked_to_wait(error.response.headers, 0.0), known)
            return known
        except UNREACHABLE as error:
            log.info("Slack does not say who is who: %s", reason(error))
            return known
        self._keep(key, self._seconds, found)
        return found

    def _keep(self, key: str, seconds: float, found: T | None) -> None:
        self._found[key] = (time.monotonic() + seconds, found)
        self._found.move_to_end(key)
        if len(self._found) > KEPT:
            self._found.popitem(last=False)


class Directory:
    def __init__(self) -> None:
        self._people: Kept[Person] = Kept(PERSON_SECONDS)
        self._groups: Kept[Groups] = Kept(GROUPS_SECONDS)

    async def speaker(self, heard: Heard, client: AsyncWebClient) -> Speaker:
        person, groups = await asyncio.gather(
            self._people.get(f"{heard.team_id}:{heard.user_id}", lambda: _person(client, heard.user_id)),
            self._groups.get(heard.team_id, lambda: _groups(client)),
        )
        roles = groups.of(heard.user_id) if groups is not None else None
        place = Place(heard.team_id, heard.channel_id, roles)
        name = person.name if person is not None else heard.user_name
        ours = heard.home_team_id == heard.team_id
        return Speaker(
            SignedIdentity("slack", heard.home_team_id, heard.user_id, name, place),
            heard.key,
            space_name=heard.channel_name,
            zone=person.zone if person is not None else None,
            locale=person.locale if person is not None else None,
            manages_events=ours and person is not None and person.full,
            administers=ours and person is not None and person.administers,
            groups=tuple(Choice(f"@{group.name}", number) for number, group in (groups or Groups()).all.items()),
            unsure=person is None or groups is None,
            home_of=homes(client),
        )


async def _person(client: AsyncWebClient, user_id: str) -> Person:
    user: dict[str, Any] = (await client.users_info(user=user_id, include_locale=True))["user"]
    profile = user.get("profile") or {}
    limited = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
    return Person(
        name=str(profile.get("display_name") or profile.get("real_name") or user.get("name") or ""),
        zone=user.get("tz") or None,
        locale=user.get("locale") or None,
        full=not any(user.get(each) for each in limited),
        administers=bool(user.get("is_admin") or user.get("is_owner")),
    )


async def _groups(client: AsyncWebClient) -> Groups:
    """Who is in which group. Workspaces of the free plan have none."""
    try:
        found = await client.usergroups_list(include_users=True)
    except SlackApiError as error:
        said = error.response.get("error")
        if said in ("paid_teams_only", "plan_upgrade_required", "missing_scope"):
            return Groups(told=said != "missing_scope")
        raise
    return Groups(
        {
            str(each["id"]): Group(
                str(each.get("handle") or each.get("name") or each["id"]), frozenset(each.get("users") or ())
            )
            for each in found["usergroups"]
        }
    )

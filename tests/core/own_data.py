"""Somebody who left traces everywhere there are any, and a look into every cell of the database for them."""

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import LargeBinary, select, update

from core.accounts.links import ask_to_sign_in, register
from core.accounts.model import AskForLink
from core.accounts.sessions import begin_session
from core.accounts.users import vouch
from core.chat.installations import Grant, install
from core.db.models import Base, Event, Integration
from core.delivery.addresses import discord_direct, mail_channel
from core.delivery.channels import read_channel
from core.events.model import EventView, NewEvent
from core.events.usecases import create_event
from core.identities.actors import actor_of_identity
from core.identities.direct import direct_channel
from core.identities.linking import confirm_linking, mint_link_of_identity
from core.identities.signed import SignedIdentity
from core.integrations.usecases import disable_channel, store_integration
from core.invitations.accept import accept_invitation
from core.invitations.model import NewInChat, NewMail, OneAddress
from core.invitations.offer import invite, invite_organizer
from core.keys import KeyMissingError
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.tokens import browser_token, invitation_token
from core.work import SYSTEM, Actor, Core, Once, Work
from tests.core.look import NOBODY, rows
from tests.core.steps import joined
from tests.people import OPERATOR, Town

ADDRESS = "zebulon@example.net"
NAME = "Zebulon Quist"
MEMBER = "80351110224678912"
"""What Discord calls them."""
IN_SLACK = "U0ZEBULON"
HOOK = "json://192.0.2.7/zebulons-secret-path"
LATER = dt.timedelta(days=10)


@dataclass
class Zebulon:
    """An account that has one of everything, and another one that was merged into it. `theirs` is an event of theirs
    that is over by now, `alices` one that is to come."""

    user_id: int
    actor: Actor
    theirs: EventView
    alices: EventView


async def zebulon(town: Town) -> Zebulon:
    core = town.core
    alices = await town.event(town.in_(days=30))
    # Before the account there was an address.
    await joined(town, alices, ADDRESS)
    await core.act(NOBODY, register, mail_channel(ADDRESS), browser_token(core.keys))
    issued = await core.act(OPERATOR, vouch, ADDRESS, display_name=NAME, timezone="Europe/Berlin")
    me = Actor(issued.user_id, "api")

    async def sign_in(work: Work) -> int:
        return (await begin_session(work, issued.user_id, "Zebulon Quist's own browser"))[0]

    at_site = Actor(issued.user_id, "web", None, await core.step(sign_in))
    in_chat = await actor_of_identity(core, SignedIdentity("discord", "", MEMBER, f"{NAME} in chat"), "discord")
    await core.act(in_chat, direct_channel)
    await core.act(at_site, confirm_linking, (await core.act(in_chat, mint_link_of_identity)).token)
    in_slack = await actor_of_identity(core, SignedIdentity("slack", "T0001", IN_SLACK, f"{NAME} at work"), "slack")
    await core.act(at_site, confirm_linking, (await core.act(in_slack, mint_link_of_identity)).token)
    await core.act(in_slack, install, granted_by(IN_SLACK))
    await ask_to_sign_in(core, NOBODY, AskForLink(email=ADDRESS), browser_token(core.keys))
    hook = await core.act(me, store_integration, read_channel(HOOK), f"{NAME}'s hook", "zebulon", confirmed=True)
    await core.act(me, store_integration, mail_channel("zoe@example.net"), "Zoe", "zoe", confirmed=False)
    new = NewEvent(name="Chess", start_date=town.in_(days=2), contact=ADDRESS)
    once = Once.of(f"{issued.user_id}:POST /api/events", "key", None)
    theirs = await core.act_once(once, me, create_event, new)
    person = _Person(me)
    await town.follow(person, alices, hook.id)  # type: ignore[arg-type]
    await town.follow(town.bob, theirs)
    await core.act(me, send_message, theirs.id, NewMessage(title="Bring a board", body="And pieces."))
    await core.act(town.alice.actor, send_message, alices.id, NewMessage(title="Hello", body="To all."))
    await core.act(town.alice.actor, invite, alices.id, NewMail(kind="email", email=ADDRESS))
    member = NewInChat(kind="identity", platform="discord", external_id=MEMBER, name=f"{NAME} in chat")
    await core.act(town.alice.actor, invite, alices.id, member)
    asked = await core.act(town.alice.actor, invite_organizer, alices.id, OneAddress(email=ADDRESS))
    await core.act(me, accept_invitation, invitation_token(core.keys, asked.id))
    await core.act(SYSTEM, disable_channel, hook.id, "It is gone.")
    town.clock.shift += LATER
    return Zebulon(issued.user_id, me, theirs, alices)


def granted_by(member: str) -> Grant:
    """Their workspace, into which they put the app."""
    return Grant(
        platform="slack", tenant_id="T0001", name="At work", token="xoxb-one", scopes="commands", external_id=member
    )


@dataclass
class _Person:
    actor: Actor


def traces(core: Core) -> list[str]:
    """What must be found nowhere: addresses, names, URLs, masked ones, and the keyed hashes of where they lead."""
    ends = [channel.destination for channel in (mail_channel(ADDRESS), read_channel(HOOK), discord_direct(MEMBER))]
    return [
        "ebulon",
        "quist",
        "secret-path",
        "z•••",
        "zoe",
        MEMBER,
        *(core.keys.digest("destination", each) for each in ends),
    ]


async def found_in(core: Core, needles: list[str]) -> list[str]:
    """`table.column: needle` for every cell that holds one, whatever its type; sealed values are opened."""
    found = []
    async with core.db.read_rows() as connection:
        for table in Base.metadata.sorted_tables:
            for row in (await connection.execute(select(table))).mappings():
                for column in table.columns:
                    text = _text(core, row[column.name], sealed=isinstance(column.type, LargeBinary))
                    found += [f"{table.name}.{column.name}: {each}" for each in needles if each in text]
    return sorted(set(found))


def _text(core: Core, value: Any, *, sealed: bool) -> str:
    if sealed and value is not None:
        try:
            value = core.keys.open(value)
        except KeyMissingError:
            value = value.hex()
    return json.dumps(value, default=str, ensure_ascii=False).lower()


async def cancelled(town: Town, event: EventView) -> None:
    async with town.core.db.write() as session:
        await session.execute(update(Event).where(Event.public_id == event.id).values(status="cancelled"))


async def channels_of(town: Town, user_id: int | None) -> list[Integration]:
    mine = Integration.user_id == user_id if user_id is not None else Integration.user_id.is_(None)
    return await rows(town.core, select(Integration).where(mine).order_by(Integration.id))

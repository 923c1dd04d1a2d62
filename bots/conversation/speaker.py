"""Who speaks, as the platform just signed it, and one turn of the conversation with them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from bots.conversation.actions import Action
from bots.conversation.dialect import DIALECTS, Dialect
from bots.conversation.screens import Choice
from core.accounts.users import my_account
from core.chat.find import Sees
from core.chat.settings import ChatSettings, chat_settings
from core.errors import Code, SoonishError
from core.identities.actors import Known, known_by, with_account
from core.identities.signed import LABELS, Place, Platform, SignedIdentity
from core.ids import LARGEST_ID
from core.wiring import Outbound
from core.work import SYSTEM, Actor, Core, Once, UseCase

P = ParamSpec("P")
T = TypeVar("T")


def _nobody_says(channel_id: str) -> str:
    return ""


async def _nobody_tells(member: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Speaker:
    """Everything that came with an interaction, and may have changed by the next one."""

    signed: SignedIdentity
    key: str
    """Of the interaction: its repetition carries the same."""
    space_name: str = ""
    """Of the channel, as `#general`; empty in direct messages."""
    sees: Sees | None = field(default=None, repr=False, compare=False)
    """Whether they may look into a channel of this place, by its id; None where the platform does not tell."""
    zone: str | None = None
    """From the profile, where the platform tells it."""
    locale: str | None = None
    manages_events: bool = False
    """The platform's own right to put events on."""
    administers: bool = False
    groups: tuple[Choice, ...] = ()
    """What may be chosen where a role is asked for, where the platform has no list of its own."""
    channel_called: Callable[[str], str] = field(default=_nobody_says, repr=False, compare=False)
    """`#general` for a channel's id, where the platform has said what it is called; else empty."""
    home_of: Callable[[str], Awaitable[str | None]] = field(default=_nobody_tells, repr=False, compare=False)
    """Slack: the workspace whose member somebody is; empty where it knows nobody of that id, None where it does not
    say just now."""
    unsure: bool = False
    """The platform did not say just now what they may do here; nothing that depends on it is done."""

    @property
    def platform(self) -> Platform:
        return self.signed.platform

    @property
    def place(self) -> Place | None:
        return self.signed.place

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.platform]

    @property
    def calendar(self) -> str:
        """The words of the button that puts an event among those of this place; empty where there are none."""
        return self.dialect.calendar if self.place is not None and self.place.tenant_id else ""

    def rights_are_known(self) -> None:
        """Raises SoonishError while they are not."""
        if self.unsure:
            raise SoonishError(
                Code.UNAVAILABLE, f"{LABELS[self.platform]} did not say just now what you may do here.",
                hint="Try again in a moment.",
            )  # fmt: skip


def number_in(text: str) -> int:
    """A row's id out of a press. Raises SoonishError for what no button of ours says."""
    if not (text.isascii() and text.isdecimal() and 0 < int(text[:20]) <= LARGEST_ID):
        raise SoonishError(Code.NOT_FOUND, "This button is from another time.", hint="Ask again with a command.")
    return int(text)


def of_draft(more: str) -> tuple[int, str, str]:
    """Out of a preview's button: its draft, the mark of what the preview shows, and what else it says. A form has no
    mark: what it is sent with is what is meant."""
    number, _, rest = more.partition(",")
    mark, _, rest = rest.partition(",")
    return number_in(number), mark, rest


@dataclass(slots=True)
class Turn:
    """One command, press or form, and what it may use to answer."""

    core: Core
    outbound: Outbound
    speaker: Speaker
    given: Mapping[str, str] = field(default_factory=dict)
    action: Action | None = None
    again: Callable[[], Awaitable[Action]] | None = None
    """Keeps what was typed, should it be refused: the press that opens the form with it."""
    only_looks: bool = False
    """What is completed while somebody types makes no account and writes nothing."""
    _known: Known | None = None
    _actor: Actor | None = None
    _here: ChatSettings | None = None
    _zone: tuple[str, bool] | None = None

    @property
    def event_id(self) -> str:
        """The event that the press or the option names."""
        return self.action.event if self.action is not None and self.action.event else self.given.get("event", "")

    @property
    def more(self) -> str:
        return self.action.more if self.action is not None else ""

    @property
    def number(self) -> int:
        """What `more` numbers."""
        return number_in(self.more)

    async def who(self) -> Actor:
        """Their account; the first time one is made. Asked for late: a form must open before anything is written."""
        if self.only_looks:
            return await self.looking()
        if self._actor is None:
            self._actor = await with_account(self.core, await self._found(), self.speaker.platform)
        return self._actor

    async def looking(self) -> Actor:
        """Them, and nobody's account while they have none: to look makes none."""
        return self._actor or (await self._found()).actor(self.speaker.platform)

    async def _found(self) -> Known:
        if self._known is None:
            self._known = await known_by(self.core, self.speaker.signed)
        return self._known

    async def look(self, query: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `ask`, for what takes no account."""
        return await self.core.ask(await self.looking(), query, *args, **kwargs)

    async def ask(self, query: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.core.ask(await self.who(), query, *args, **kwargs)

    async def act(self, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Once for each interaction, however often the platform repeats it."""
        return await self.once(self._key(use_case), use_case, *args, **kwargs)

    async def acted(self, use_case: Callable[..., Awaitable[T]]) -> T | None:
        """What `act` answered to this interaction before, should the platform repeat it."""
        return await self.done_before(self._key(use_case), use_case)

    def _key(self, use_case: Callable[..., Awaitable[T]]) -> str:
        return f"{self.speaker.platform}:{self.speaker.key}:{use_case.__name__}"

    async def once(self, key: str, use_case: UseCase[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Once for that key, whichever interaction asks: a preview's button does what it does one time."""
        actor = await self.who()
        return await self.core.act_once(Once(f"{actor.user_id}:chat", key, ""), actor, use_case, *args, **kwargs)

    async def done_before(self, key: str, use_case: Callable[..., Awaitable[T]]) -> T | None:
        """What `once` answered to this key, if it did."""
        actor = await self.who()
        return await self.core.answered(Once(f"{actor.user_id}:chat", key, ""), use_case)

    async def here(self) -> ChatSettings:
        """The settings of this server or workspace; the plain ones in direct messages. Nothing is written for it: forms
        wait."""
        place = self.speaker.place
        if place is None or not place.tenant_id:
            return ChatSettings()
        if self._here is None:
            self._here = await self.core.ask(SYSTEM, chat_settings, self.speaker.platform, place.tenant_id)
        return self._here

    async def zone(self) -> tuple[str, bool]:
        """The clock that they mean, and whether they set it themselves."""
        if self._zone is None:
            self._zone = await self._meant()
        return self._zone

    async def _meant(self) -> tuple[str, bool]:
        own = (await self.ask(my_account)).timezone if (await self.who()).user_id is not None else None
        if own:
            return own, True
        found = self.speaker.zone or (await self.here()).timezone
        return found or self.core.settings.default_timezone, False

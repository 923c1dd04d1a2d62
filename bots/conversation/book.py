"""Every command there is, and what each press, form and option leads to: for both platforms and the documentation."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from bots.conversation.screens import Answer, Choices
from bots.conversation.speaker import Turn

Handler = Callable[[Turn], Awaitable[Answer]]
Completer = Callable[[Turn, str], Awaitable[Choices]]
Who = Literal["everybody", "creators", "organizers", "themselves", "admins"]


@dataclass(frozen=True, slots=True)
class Option:
    """`completes` names what is offered while it is typed."""

    name: str
    words: str
    required: bool = False
    completes: str | None = None
    choices: tuple[str, ...] = ()
    kind: Literal["text", "member", "role", "channel"] = "text"
    """Other than text: one of the platform's own, and what comes in is its id."""


@dataclass(frozen=True, slots=True)
class Command:
    """`opens_form`: it answers with a form, which a platform must be given at once, unless all of one of `unless` are
    typed."""

    group: Literal["event", "me", "soonish"]
    name: str
    words: str
    who: Who
    handler: Handler
    options: tuple[Option, ...] = ()
    opens_form: bool = False
    unless: tuple[tuple[str, ...], ...] = ()

    @property
    def words_last(self) -> Option | None:
        """What takes any words, and may just stand behind the name of an event."""
        free = (each for each in self.options if each.kind == "text" and not (each.completes or each.choices))
        return next(free, None) if self.options and self.options[0].completes else None

    def asks(self, given: Mapping[str, str]) -> bool:
        """Whether a form is the answer to this."""
        return self.opens_form and not any(all(given.get(name, "").strip() for name in each) for each in self.unless)


@dataclass(frozen=True, slots=True)
class Press:
    """What an action leads to, by button, menu or form."""

    handler: Handler
    opens_form: bool = False


class Book:
    """Filled once, when the modules of the verbs are imported."""

    def __init__(self) -> None:
        self.commands: dict[tuple[str, str], Command] = {}
        self._by_name: dict[str, Command] = {}
        self.presses: dict[str, Press] = {}
        self.completers: dict[str, Completer] = {}

    def command(
        self, group: Literal["event", "me", "soonish"], name: str, words: str, who: Who, *options: Option,
        opens_form: bool = False, unless: tuple[tuple[str, ...], ...] = (),
    ) -> Callable[[Handler], Handler]:  # fmt: skip
        def put(handler: Handler) -> Handler:
            assert name not in self._by_name  # noqa: S101
            made = Command(group, name, words, who, handler, options, opens_form, unless)
            self.commands[group, name] = self._by_name[name] = made
            return handler

        return put

    def called(self, name: str) -> Command | None:
        """No two commands are called alike, whatever their group."""
        return self._by_name.get(name)

    def press(self, verb: str, *, opens_form: bool = False) -> Callable[[Handler], Handler]:
        def put(handler: Handler) -> Handler:
            assert verb not in self.presses  # noqa: S101
            self.presses[verb] = Press(handler, opens_form)
            return handler

        return put

    def completes(self, name: str) -> Callable[[Completer], Completer]:
        def put(completer: Completer) -> Completer:
            self.completers[name] = completer
            return completer

        return put


BOOK = Book()

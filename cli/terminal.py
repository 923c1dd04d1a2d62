"""What the commands share: their common options, the wired core for as long as they need it, and how answers are shown.

Imports nothing heavy at the top: `soonish --help` must not wait for a database driver.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from core.settings import Settings
    from core.work import Actor, Core

T = TypeVar("T")
M = TypeVar("M", bound="BaseModel")

EventId = Annotated[str, typer.Argument(metavar="EVENT", help="The event's id, as in its link.")]
Limit = Annotated[int, typer.Option(min=1, max=1000)]
Cursor = Annotated[str | None, typer.Option(help="Where the page before ended.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Who = Annotated[
    str | None,
    typer.Option(
        "--as", envvar="SOONISH_AS", metavar="EMAIL", help="Whose account acts; unset: the only one there is."
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

VIA = "cli"
LARGEST_ID = 2**63 - 1
"""As core.ids has it, which would bring pydantic along."""


def settings_in_force() -> "Settings":
    """The environment's settings; what it leaves open is as the stack that runs on this data folder decided."""
    from cli.stack import running_stack
    from core.settings import Settings

    settings = Settings()
    stack = running_stack(settings.soonish_data)
    if stack is None:
        return settings
    server, _, port = stack.smtp.rpartition(":")
    decided: dict[str, str | int] = {"public_base_url": stack.url, "temporal_url": stack.temporal}
    if stack.mailbox:
        decided |= {"smtp_server": server, "smtp_port": int(port), "smtp_security": "none"}
    left_open = {name: value for name, value in decided.items() if name not in settings.model_fields_set}
    return settings.model_copy(update=left_open)


@asynccontextmanager
async def opened(settings: "Settings | None" = None) -> "AsyncIterator[Core]":
    from core.wiring import build_core

    core = build_core(settings or settings_in_force())
    try:
        yield core
    finally:
        await core.db.close()


def acting(who: str | None, use: "Callable[[Core, Actor], Awaitable[T]]") -> T:
    """Run something in the name of an account."""

    async def whole() -> T:
        from core.accounts.users import actor_by_email
        from core.work import Actor

        async with opened() as core:
            actor = await core.ask(Actor(None, VIA), actor_by_email, who)
            return await use(core, actor)

    return asyncio.run(whole())


def operating(use: "Callable[[Core, Actor], Awaitable[T]]") -> T:
    """Run something as the operator, who is nobody's account."""

    async def whole() -> T:
        from core.work import Actor

        async with opened() as core:
            return await use(core, Actor(None, VIA))

    return asyncio.run(whole())


def show(answer: M, words: Callable[[M], None], *, as_json: bool) -> None:
    """One JSON document, or words for people."""
    if as_json:
        typer.echo(answer.model_dump_json(indent=2))
    else:
        words(answer)


def show_json(document: Any) -> None:
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def facts(rows: Iterable[tuple[str, object]]) -> None:
    """`label  value` lines; what is empty is left out."""
    shown = [(label, str(value)) for label, value in rows if value not in (None, "")]
    width = max((len(label) for label, _ in shown), default=0)
    for label, value in shown:
        first, *rest = value.split("\n")
        typer.echo(f"  {label:<{width}}  {first}")
        for line in rest:
            typer.echo(f"  {'':<{width}}  {line}")


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, none: str) -> None:
    """Columns as wide as they need to be: nothing is cut off, so that it can be copied and piped."""
    if not rows:
        typer.echo(none)
        return
    cells = [[str(value) for value in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(head), *cells]) for i in range(len(head))]
    typer.secho("  ".join(f"{name:<{width}}" for name, width in zip(head, widths, strict=True)).rstrip(), dim=True)
    for row in cells:
        typer.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def progress(what: str, *, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, on the error stream so that the answer stays alone."""
    if not shown:
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def sure(question: str, *, yes: bool) -> None:
    """Ask the person, or refuse where nobody can answer."""
    import sys

    from core.errors import invalid

    if yes:
        return
    if not sys.stdin.isatty():
        raise invalid("This cannot be taken back, so it wants a yes.", hint="Add --yes.")
    typer.confirm(question, abort=True, err=True)


def how_many(count: int, one: str, many: str | None = None) -> str:
    """`1 channel`, `2 channels`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def given(**options: Any) -> dict[str, Any]:
    """The options that were typed."""
    return {name: value for name, value in options.items() if value is not None}

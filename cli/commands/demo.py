"""`soonish demo`: the whole story on the stack that runs here, step by step."""

import asyncio
import json
import signal
from contextlib import suppress
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from cli.demo.stage import Line


class Platform(StrEnum):
    DISCORD = "discord"
    SLACK = "slack"


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    platform: Annotated[Platform | None, typer.Argument(help="Where the conversation is; unset: Discord.")] = None,
    chat: Annotated[
        bool, typer.Option("--chat", help="A conversation in chat instead, on a stack of its own that is gone after.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a step.")] = False,
) -> None:
    """Play the whole story on the running stack, in about a minute; exit 1 if a promise was not kept."""
    from cli.demo.chat import play_chat
    from cli.demo.story import play
    from core.settings import Settings

    async def until_stopped() -> bool:
        """Ctrl-C and SIGTERM alike end the demo in order: what it opened is closed."""
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        if not chat and platform is None:
            return await play(Settings(), teller)
        return await play_chat(teller, (platform or Platform.DISCORD).value)

    teller = _say_json if as_json else Teller()
    kept = False
    with suppress(asyncio.CancelledError):
        kept = asyncio.run(until_stopped())
    if isinstance(teller, Teller):
        teller.close()
    if not kept:
        raise typer.Exit(1)


def _say_json(line: "Line") -> None:
    if line.kind != "wait":
        shown = {name: value for name, value in asdict(line).items() if value not in (None, {})}
        typer.echo(json.dumps(shown, ensure_ascii=False))


class Teller:
    """Lines for people; what is waited for is shown by a spinner that the next line takes away."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(highlight=False)
        self._status: Any = None

    def __call__(self, line: "Line") -> None:
        self.close()
        if line.kind == "wait":
            if self._console.is_terminal:
                self._status = self._console.status(line.text)
                self._status.start()
            return
        text = _FORMS[line.kind](line)
        self._console.print(text, style=_style(line), markup=False, soft_wrap=True)
        if line.link:
            self._console.print(f"    {line.link}", style="dim", markup=False, soft_wrap=True)

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


_FORMS = {
    "act": lambda line: f"\n{line.text}",
    "step": lambda line: f"  · {line.text}",
    "promise": lambda line: f"  {'✓' if line.ok else '✗'} {line.text}",
    "end": lambda line: f"\n{line.text}" + "".join(f"\n  ✗ {text}" for text in line.data["broken"]),
}


def _style(line: "Line") -> str | None:
    if line.kind == "act":
        return "bold"
    return None if line.ok is None else ("green" if line.ok else "bold red")

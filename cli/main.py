"""The terminal's front door: every command there is. Each imports what it needs when it runs."""

import os
import sys
from contextlib import suppress
from typing import NoReturn

import typer

from cli.commands import (
    accounts,
    admin,
    channels,
    demo,
    events,
    follows,
    invitations,
    messages,
    operate,
    privacy,
    run,
    when,
)
from cli.refusals import Front


def build() -> typer.Typer:
    app = typer.Typer(
        name="soonish",
        cls=Front,
        help="Tells people what is coming, where they already are.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    for module in (
        run,
        demo,
        accounts,
        events,
        when,
        follows,
        invitations,
        messages,
        channels,
        privacy,
        operate,
        admin,
    ):
        module.add_to(app)
    return app


def main() -> None:
    try:
        build()(prog_name="soonish")
    except SystemExit as end:
        _leave(end.code)


def _leave(code: str | int | None) -> NoReturn:
    """Without Python's own last steps where Temporal's client is loaded: a call that was given up because Temporal
    hangs still runs in the client's threads, and one that comes back meanwhile prints a page of Rust."""
    if "temporalio" not in sys.modules:
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))

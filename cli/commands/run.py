"""`soonish run`: everything at once, or one role in this process."""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.settings import Settings


log = logging.getLogger(__name__)


class Role(StrEnum):
    WEB = "web"
    WORKER = "worker"
    MAIL = "mail"
    DISCORD = "discord"
    SLACK = "slack"


def add_to(app: typer.Typer) -> None:
    app.command()(run)


def run(
    role: Annotated[Role | None, typer.Argument(help="One role alone; unset: everything, supervised.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where the site (or the mail role) listens.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every role's log.")] = False,
) -> None:
    """Run Soonish until Ctrl-C: Temporal, mailbox, worker, site and bots, or one role alone."""
    from core.settings import Settings

    settings = Settings()
    if role is None:
        from cli.supervisor import run_embedded

        run_embedded(settings, port, verbose=verbose)
        return
    from cli.logs import set_up_logging

    set_up_logging("DEBUG" if verbose else None, settings.log_format)
    if port is not None:
        settings = settings.model_copy(update={"smtp_port" if role is Role.MAIL else "web_port": port})
    ROLES[role](settings)


def _web(settings: "Settings") -> None:
    """With a signing secret Slack's requests come in here too."""
    with _loading():
        from cli.processes import wait_at_gate
        from web.main import serve

        slack = None
        if settings.slack_signing_secret is not None:
            from bots.slack_bot.app import endpoint

            slack = endpoint
    wait_at_gate()
    _refuse_missing_keys(settings)
    serve(settings, ready=_says(f"serving on {settings.web_host}, port {settings.web_port}"), slack=slack)


def _worker(settings: "Settings") -> None:
    with _loading():
        from cli.processes import wait_at_gate
        from worker.main import run as work
    wait_at_gate()
    _refuse_missing_keys(settings)
    where = f"{settings.temporal_url}, queue {settings.temporal_task_queue}"
    work(settings, ready=_says(f"taking work from Temporal at {where}"))


def _discord(settings: "Settings") -> None:
    """Ends with `NOT_AGAIN` where waiting would mend nothing: a wrong token stays wrong until somebody sets another."""
    with _loading():
        from bots.discord_bot.main import NotAllowedError
        from bots.discord_bot.main import run as talk
        from cli.processes import NOT_AGAIN, wait_at_gate
        from cli.refusals import say
    wait_at_gate()
    _refuse_missing_keys(settings)
    try:
        talk(settings, ready=_says("connecting to Discord"))
    except NotAllowedError as refusal:
        say(refusal)
        raise typer.Exit(NOT_AGAIN) from None


def _slack(settings: "Settings") -> None:
    """By a socket. As `_discord` ends: a wrong token stays wrong."""
    with _loading():
        from bots.slack_bot.main import NotAllowedError
        from bots.slack_bot.main import run as talk
        from cli.processes import NOT_AGAIN, wait_at_gate
        from cli.refusals import say
    wait_at_gate()
    _refuse_missing_keys(settings)
    try:
        talk(settings, ready=_says("connecting to Slack"))
    except NotAllowedError as refusal:
        say(refusal)
        raise typer.Exit(NOT_AGAIN) from None


def _says(words: str) -> Callable[[], None]:
    """A role's first line: an empty log would leave open whether it works at all."""
    from cli.processes import signal_ready

    def ready() -> None:
        log.info(words)
        signal_ready()

    return ready


def _mail(settings: "Settings") -> None:
    """The development mailbox: every mail becomes a file in the data folder."""
    import os

    import uvloop

    from cli.mailsink import serve
    from core.errors import conflict

    if settings.production:
        raise conflict("The mailbox is for development only.", hint="Name a real mail server: SMTP_SERVER.")
    os.umask(0o077)
    uvloop.run(serve(settings.soonish_data / "mailbox", settings.smtp_port))


@contextmanager
def _loading() -> Iterator[None]:
    """For the imports of a role. What they make stays for good: looking for garbage in it takes a tenth of the time
    to import it, and would take its time again in every full collection later.
    """
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def _refuse_missing_keys(settings: "Settings") -> None:
    """Before anything is served: without its key a channel's address cannot be read."""
    from cli.terminal import opened
    from core.operations.keys import check_keys

    async def check() -> None:
        async with opened(settings) as core:
            await check_keys(core)

    asyncio.run(check())


ROLES: dict[Role, Callable[["Settings"], None]] = {
    Role.WEB: _web, Role.WORKER: _worker, Role.MAIL: _mail, Role.DISCORD: _discord,
    Role.SLACK: _slack,
}  # fmt: skip

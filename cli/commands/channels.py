"""`soonish channel …`: where somebody's messages go. A URL is a secret, so never an argument: `ps` shows those."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal import LARGEST_ID, AsJson, Who, Yes, acting, how_many, show, sure, table

if TYPE_CHECKING:
    from core.integrations.model import IntegrationView, Removed, Tested
    from core.pages import Page
    from core.work import Actor, Core

Number = Annotated[
    int, typer.Argument(metavar="CHANNEL", min=1, max=LARGEST_ID, help="The channel's number, as in channel list.")
]


def add_to(app: typer.Typer) -> None:
    channel = typer.Typer(help="Your channels.", no_args_is_help=True)
    channel.command()(add)
    channel.command("list")(list_)
    channel.command("test")(try_out)
    channel.command("on")(on)
    channel.command("off")(off)
    channel.command()(remove)
    app.add_typer(channel, name="channel")


def add(
    name: Annotated[str, typer.Option(help="What you call it.")],
    tag: Annotated[str | None, typer.Option(help="One word to choose it by; unset: its kind.")] = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Add a channel: its Apprise URL is asked for, or read from the standard input. A test is sent first."""
    from core.integrations.model import IntegrationView, NewIntegration
    from core.integrations.usecases import add_integration
    from core.wiring import build_outbound

    new = NewIntegration(name=name, apprise_url=_secret_url(), tag=tag)

    async def add_it(core: "Core", actor: "Actor") -> IntegrationView:
        outbound = build_outbound(core)
        await outbound.sender.start()
        try:
            return await add_integration(core, outbound, actor, new)
        finally:
            await outbound.sender.close()

    show(acting(who, add_it), _one, as_json=as_json)


def list_(who: Who = None, as_json: AsJson = False) -> None:
    """List your channels."""
    from core.integrations.usecases import list_integrations
    from core.pages import PageRequest

    page = PageRequest(limit=1000)
    show(acting(who, lambda core, actor: core.ask(actor, list_integrations, page)), _many, as_json=as_json)


def try_out(channel: Number, who: Who = None, as_json: AsJson = False) -> None:
    """Send a test through a channel; exit 1 if it does not arrive."""
    from core.integrations.model import Tested
    from core.integrations.usecases import try_integration
    from core.wiring import build_outbound

    async def try_it(core: "Core", actor: "Actor") -> Tested:
        outbound = build_outbound(core)
        await outbound.sender.start()
        try:
            return await try_integration(core, outbound, actor, channel)
        finally:
            await outbound.sender.close()

    tested = acting(who, try_it)
    show(tested, _tested, as_json=as_json)
    if not tested.delivered:
        raise typer.Exit(1)


def on(channel: Number, who: Who = None, as_json: AsJson = False) -> None:
    """Switch a channel on; what waited for it is sent."""
    _switch(channel, who, active=True, as_json=as_json)


def off(channel: Number, who: Who = None, as_json: AsJson = False) -> None:
    """Switch a channel off; messages for it wait."""
    _switch(channel, who, active=False, as_json=as_json)


def remove(channel: Number, yes: Yes = False, who: Who = None, as_json: AsJson = False) -> None:
    """Remove a channel; what it follows ends."""
    from core.integrations.usecases import remove_integration

    sure("Remove this channel and end what it follows?", yes=yes)
    show(acting(who, lambda core, actor: core.act(actor, remove_integration, channel)), _removed, as_json=as_json)


def _switch(channel: int, who: str | None, *, active: bool, as_json: bool) -> None:
    from core.integrations.model import IntegrationChange
    from core.integrations.usecases import change_integration

    change = IntegrationChange(is_active=active)
    show(acting(who, lambda core, actor: core.act(actor, change_integration, channel, change)), _one, as_json=as_json)


def _secret_url() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Apprise URL (not shown)", hide_input=True, err=True)).strip()
    return sys.stdin.readline().strip()


def _state(channel: "IntegrationView") -> str:
    if channel.is_active:
        return "on"
    return (
        "waits for its address to confirm" if not channel.confirmed else f"off {channel.disabled_reason or ''}".strip()
    )


def _one(channel: "IntegrationView") -> None:
    typer.echo(f"{channel.id}  {channel.name} ({channel.kind}, tag {channel.tag}): {_state(channel)}")


def _many(page: "Page[IntegrationView]") -> None:
    rows = [(c.id, c.kind, c.tag, _state(c), c.name) for c in page.items]
    table(("NUMBER", "KIND", "TAG", "STATE", "NAME"), rows, none="No channels yet: soonish channel add --help")


def _tested(answer: "Tested") -> None:
    typer.echo("It arrived." if answer.delivered else f"It did not arrive: {answer.reason}")


def _removed(answer: "Removed") -> None:
    typer.echo(f"Removed; {how_many(answer.ended_subscriptions, 'subscription')} ended.")

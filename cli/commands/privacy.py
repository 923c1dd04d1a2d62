"""`soonish account …`: everything there is about an account, and erasing it, when its person asks the operator to."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal import AsJson, Who, Yes, acting, how_many, show, sure

if TYPE_CHECKING:
    from core.privacy.erase import Erased
    from core.work import Actor, Core


def add_to(app: typer.Typer) -> None:
    account = typer.Typer(help="An account's own data.", no_args_is_help=True)
    account.command()(export)
    account.command()(erase)
    app.add_typer(account, name="account")


def export(
    who: Who = None,
    as_json: Annotated[bool, typer.Option("--json", help="As always: this command knows no other form.")] = True,
) -> None:
    """Print everything about an account as one JSON document. No secret is in it."""
    acting(who, _print)


async def _print(core: "Core", actor: "Actor") -> None:
    from core.privacy.export import export_account

    async for piece in await export_account(core, actor):
        typer.echo(piece, nl=False)


def erase(
    never_again: Annotated[
        bool, typer.Option("--never-again", help="And never write to their addresses again.")
    ] = False,
    yes: Yes = False,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Erase an account, at once and for good. Refused while it owns events to come."""
    from core.privacy.erase import erase_account

    sure("Erase this account for good?", yes=yes)
    done = acting(who, lambda core, actor: core.act(actor, erase_account, never_again=never_again))
    show(done, _erased, as_json=as_json)


def _erased(answer: "Erased") -> None:
    typer.echo(f"Erased. {how_many(answer.ended_subscriptions, 'subscription')} ended.")

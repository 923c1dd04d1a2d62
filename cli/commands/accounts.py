"""`soonish token …`: the operator vouches for an address, and takes tokens back."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal import LARGEST_ID, AsJson, operating, show, table

if TYPE_CHECKING:
    import datetime as dt

    from core.accounts.users import Tokens


def add_to(app: typer.Typer) -> None:
    token = typer.Typer(help="API tokens.", no_args_is_help=True)
    token.command("create")(create)
    token.command("list")(list_)
    token.command()(revoke)
    app.add_typer(token, name="token")


def create(
    email: Annotated[str, typer.Option(help="The person's address; you vouch that it is theirs.")],
    name: Annotated[str | None, typer.Option(help="What others see; unset: the part before the @.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name, for a new account.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API token, and the account if there is none. It is shown this once."""
    from pydantic import TypeAdapter

    from core.accounts.users import vouch
    from core.text import Name
    from core.zones import zone

    shown_name = TypeAdapter(Name).validate_python(name) if name is not None else None
    if timezone is not None:
        zone(timezone)
    issued = operating(
        lambda core, operator: core.act(operator, vouch, email, display_name=shown_name, timezone=timezone)
    )
    show(issued, lambda answer: typer.echo(answer.token), as_json=as_json)


def list_(
    email: Annotated[str, typer.Option(help="Whose.")],
    as_json: AsJson = False,
) -> None:
    """List somebody's API tokens; what they are is never shown again."""
    from core.accounts.users import list_tokens

    show(operating(lambda core, operator: core.ask(operator, list_tokens, email)), _many, as_json=as_json)


def revoke(
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=LARGEST_ID, help="As in the list.")],
    as_json: AsJson = False,
) -> None:
    """Take an API token back; it opens nothing any more."""
    from core.accounts.users import revoke_token

    answer = operating(lambda core, operator: core.act(operator, revoke_token, number))
    show(answer, lambda done: typer.echo(f"Token {done.revoked} opens nothing any more."), as_json=as_json)


def _many(tokens: "Tokens") -> None:
    rows = [(t.id, _minute(t.created_at), _minute(t.used_at) if t.used_at else "never") for t in tokens.items]
    table(("NUMBER", "MADE (UTC)", "LAST USED"), rows, none="No tokens: soonish token create --help")


def _minute(moment: "dt.datetime") -> str:
    return f"{moment:%Y-%m-%d %H:%M}"

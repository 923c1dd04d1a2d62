"""`soonish token create`: the operator vouches for an address."""

from typing import Annotated

import typer

from cli.terminal import AsJson, operating, show


def add_to(app: typer.Typer) -> None:
    token = typer.Typer(help="API tokens.", no_args_is_help=True)
    token.command("create")(create)
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
    from core.times import zone

    shown_name = TypeAdapter(Name).validate_python(name) if name is not None else None
    if timezone is not None:
        zone(timezone)
    issued = operating(
        lambda core, operator: core.act(operator, vouch, email, display_name=shown_name, timezone=timezone)
    )
    show(issued, lambda answer: typer.echo(answer.token), as_json=as_json)

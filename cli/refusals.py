"""The one place where an error becomes words and an exit code: 1 for a refusal, 2 for a command typed wrong."""

import json
import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from core.complaints import complaint
from core.errors import Code, SoonishError

OPTIONS = {
    "start_date": "--start",
    "when": "--when",
    "end_date": "--end",
    "location": "--where",
    "apprise_url": "the channel's URL",
    "integration_ids": "--integration",
    "tags": "--tag",
    "subscription_ids": "--to",
}
"""What a field of the core is called here, where the names differ."""


class Front(TyperGroup):
    """Every command runs inside `invoke`, so that none needs error handling of its own."""

    def invoke(self, ctx: Any) -> Any:
        as_json = "--json" in ctx.args
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except typer.TyperException as error:  # typed wrong
            if not as_json:
                raise
            say_json(error.format_message(), "See the command's --help.", None)
            raise typer.Exit(error.exit_code) from None
        except Exception as error:  # noqa: BLE001 - the last place
            refusal = as_refusal(error)
            if as_json:
                say_json(refusal.message, refusal.hint, refusal.field)
            else:
                say(refusal)
            raise typer.Exit(1) from None


def as_refusal(error: Exception) -> SoonishError:
    """What a person may read about it. The text of an unknown error may quote anything, so only its kind is shown."""
    if isinstance(error, SoonishError):
        return error
    if (invalid := _invalid(error)) is not None:
        return invalid
    if (database := _database(error)) is not None:
        return database
    trace = "".join(traceback.format_tb(error.__traceback__))
    return SoonishError(
        Code.UNAVAILABLE, f"Something went wrong that should not have: {type(error).__name__}.", hint=trace
    )


def say(refusal: SoonishError) -> None:
    name = OPTIONS.get(refusal.field or "")
    named = name is not None and not refusal.message.startswith(f"{name}: ")
    typer.secho(f"{name}: {refusal.message}" if named else refusal.message, fg="red", err=True)
    if refusal.hint:
        typer.echo(refusal.hint, err=True)


def say_json(message: str, hint: str | None, field: str | None) -> None:
    typer.echo(json.dumps({"error": message, "hint": hint, "field": field}, ensure_ascii=False), err=True)


def _invalid(error: Exception) -> SoonishError | None:
    """A model's complaints as sentences, without what was typed: it may be a secret."""
    if "pydantic" not in sys.modules:
        return None
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return None
    found = error.errors(include_input=False, include_url=False)
    setting = error.title == "Settings"
    lines = [_complaint(each, setting=setting) for each in found]
    field = ".".join(str(part) for part in found[0]["loc"]) or None
    hint = "Set it in the environment, or in .env." if setting else "See --help."
    return SoonishError(Code.INVALID, "\n".join(lines), hint=hint, field=None if setting else field)


def _complaint(found: Any, *, setting: bool) -> str:
    message = complaint(found)
    name = str(found["loc"][0]) if found["loc"] else ""
    if not name:
        return message
    shown = name.upper() if setting else OPTIONS.get(name, f"--{name.replace('_', '-')}")
    return f"{shown}: {message}"


def _database(error: Exception) -> SoonishError | None:
    """SQLAlchemy's own text quotes the statement and its values; the driver's does not."""
    if "sqlalchemy" not in sys.modules:
        return None
    from sqlalchemy.exc import DBAPIError

    if not isinstance(error, DBAPIError):
        return None
    words = str(error.orig).split("\n", 1)[0]
    if any(sign in words for sign in ("no such table", "no such column", "does not exist")):
        return SoonishError(
            Code.UNAVAILABLE, "The database is not set up, or not up to date.", hint="Run: soonish db upgrade"
        )
    return SoonishError(Code.UNAVAILABLE, f"The database refused: {words}.", hint="Run: soonish doctor")

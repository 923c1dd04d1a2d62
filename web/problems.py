"""The one place where a refusal becomes HTTP: a status, problem details (RFC 9457) for programs, a page for people."""

import http
import logging
import secrets
from dataclasses import dataclass, field
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from core.errors import Code, SoonishError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUS = {
    Code.INVALID: 422,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.NOT_FOUND: 404,
    Code.CONFLICT: 409,
    Code.TOO_LARGE: 413,
    Code.LIMITED: 429,
    Code.UNAVAILABLE: 503,
}
_TRY_AGAIN = 5
_ERRORS_AT_MOST = 20
_NAME_AT_MOST = 80


class FieldError(BaseModel):
    field: str
    """Path of the field, such as `name` or `subscription_ids.3`; `body` for the whole."""
    message: str


class Problem(BaseModel):
    """RFC 9457 problem details, with a hint and the fields concerned."""

    type: str
    title: str
    status: int
    detail: str
    """What happened, for a person."""
    hint: str | None = None
    """What to do about it."""
    errors: list[FieldError] = []


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is wrong, in the form that both kinds of answer are made from."""

    status: int
    detail: str
    hint: str | None = None
    errors: list[FieldError] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def problem(self, base_url: str) -> Problem:
        title = http.HTTPStatus(self.status).phrase
        where = f"{base_url}/api/docs#problem-{self.status}"
        return Problem(
            type=where, title=title, status=self.status, detail=self.detail, hint=self.hint, errors=self.errors
        )


def refusal_of(error: Exception, scope: Scope) -> Refusal:
    """What to say about an error. What nobody expected is logged with its trace and named by a reference only."""
    if isinstance(error, SoonishError):
        return _of_soonish(error)
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, (OperationalError, InterfaceError, PoolTimeoutError)):
        log.error("the database did not serve %s", _route(scope), exc_info=error)
        return Refusal(
            503,
            "The database does not answer right now.",
            f"Try again in {_TRY_AGAIN} seconds.",
            headers={"Retry-After": str(_TRY_AGAIN)},
        )
    reference = secrets.token_hex(4)
    log.error("reference %s: %s failed", reference, _route(scope), exc_info=error)
    return Refusal(500, "Something broke on our side.", f"If it happens again, tell us this reference: {reference}.")


def _of_soonish(error: SoonishError) -> Refusal:
    headers = {}
    if error.code is Code.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    errors = [FieldError(field=error.field, message=error.message)] if error.field else []
    return Refusal(STATUS[error.code], error.message, error.hint, errors, headers)


def _of_http(error: HTTPException) -> Refusal:
    """What the framework itself refuses: unknown addresses, wrong methods, bodies it cannot read."""
    headers = dict(error.headers or {})
    detail, hint = _FRAMEWORK.get(error.status_code, (str(error.detail), None))
    # The framework says 400 for a body it cannot parse; there is one status for bad input here.
    return Refusal(422 if error.status_code == 400 else error.status_code, detail, hint, headers=headers)


_FRAMEWORK = {
    400: ("The body cannot be read.", "Send it as the documentation says."),
    404: ("There is nothing at this address.", "Check the link."),
    405: ("This address does not take that method.", "See the Allow header."),
}


def _of_validation(error: RequestValidationError) -> Refusal:
    found = error.errors()
    if any(each["loc"][0] == "path" for each in found):
        # An id that cannot exist is an id that does not exist.
        return Refusal(404, "There is nothing with this id.", "Check the link or the id.")
    errors: dict[str, FieldError] = {}
    for each in found:
        name = _field(each["loc"])
        errors.setdefault(name, FieldError(field=name, message=_words(each)))
    shown = list(errors.values())[:_ERRORS_AT_MOST]
    first = shown[0]
    more = f" {len(errors) - 1} more below." if len(errors) > 1 else ""
    return Refusal(422, f"{first.field}: {first.message}{more}", "Correct the fields named in errors.", shown)


def refusal_of_fields(error: ValidationError) -> str:
    """What is wrong with what a page's form sent, in a sentence."""
    return _words(dict(error.errors()[0]))


def _field(location: tuple[int | str, ...]) -> str:
    """`name` or `subscription_ids.3`: what stands behind it names a branch of a union, not a field."""
    if len(location) < 2 or isinstance(location[1], int):
        return "body"
    index = f".{location[2]}" if len(location) > 2 and isinstance(location[2], int) else ""
    name = "".join(ch for ch in str(location[1])[:_NAME_AT_MOST] if ch.isprintable())
    return f"{name}{index}"


def _words(error: dict[str, Any]) -> str:
    """A sentence about the rule that was broken; it never repeats what was sent."""
    kind, context = str(error["type"]), error.get("ctx", {})
    if kind == "value_error":
        return _sentence(str(context.get("error", "This is not valid")))
    if kind == "string_too_short" and context.get("min_length") == 1:
        return "This cannot be empty."
    template = _RULES.get(kind)
    if template is not None:
        return template.format(**context)
    return _sentence(_BY_PREFIX.get(kind.split("_", 1)[0], "This is not valid"))


_RULES = {
    "missing": "This is required.",
    "extra_forbidden": "There is no such field.",
    "string_too_long": "At most {max_length} characters.",
    "string_too_short": "At least {min_length} characters.",
    "string_unicode": "This is not valid text.",
    "too_long": "At most {max_length} entries.",
    "too_short": "At least {min_length} entry; leave it out to mean all.",
    "greater_than_equal": "Must be {ge} or more.",
    "less_than_equal": "Must be {le} or less.",
    "literal_error": "Must be {expected}.",
    "string_pattern_mismatch": "This has a character that is not allowed here.",
    "json_invalid": "This is not JSON.",
    "model_attributes_type": "Must be a JSON object.",
}
_BY_PREFIX = {
    "string": "Must be text",
    "int": "Must be a whole number",
    "bool": "Must be true or false",
    "list": "Must be a list",
    "dict": "Must be a JSON object",
    "model": "Must be a JSON object",
}


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _route(scope: Scope) -> str:
    """The route, not the address: that may be a secret link."""
    return f"{scope['method']} {getattr(scope.get('route'), 'path', '(no route)')}"

"""The one place where a refusal becomes HTTP: a status, problem details (RFC 9457) for programs, a page for people."""

import http
import logging
from dataclasses import dataclass, field

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from core.complaints import complaint
from core.errors import Code, SoonishError
from core.trail import current

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
    reference = current()
    log.error("%s failed, reference %s", _route(scope), reference, exc_info=error)
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
    408: ("What you sent did not arrive in time.", "Send it again over a better connection."),
    405: ("This address does not take that method.", "See the Allow header."),
}


def _of_validation(error: RequestValidationError) -> Refusal:
    found = error.errors()
    if any(each["loc"][0] == "path" for each in found):
        # An id that cannot exist is an id that does not exist.
        return Refusal(404, "There is nothing at this address.", "Check the link.")
    errors: dict[str, FieldError] = {}
    for each in found:
        name = _field(each["loc"])
        errors.setdefault(name, FieldError(field=name, message=complaint(each)))
    shown = list(errors.values())[:_ERRORS_AT_MOST]
    first = shown[0]
    more = f" {len(errors) - 1} more below." if len(errors) > 1 else ""
    return Refusal(422, f"{first.field}: {first.message}{more}", "Correct the fields named in errors.", shown)


def _field(location: tuple[int | str, ...]) -> str:
    """`name` or `subscription_ids.3`: what stands behind it names a branch of a union, not a field."""
    if len(location) < 2 or isinstance(location[1], int):
        return "body"
    index = f".{location[2]}" if len(location) > 2 and isinstance(location[2], int) else ""
    name = "".join(ch for ch in str(location[1])[:_NAME_AT_MOST] if ch.isprintable())
    return f"{name}{index}"


def _route(scope: Scope) -> str:
    """The route, not the address: that may be a secret link."""
    return f"{scope['method']} {getattr(scope.get('route'), 'path', '(no route)')}"

"""The one error that a person may read. Each transport turns it into its own form in one place."""

from enum import StrEnum


class Code(StrEnum):
    """What kind of refusal it is; a transport maps it (the web to a status, the terminal to an exit code)."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"


class SoonishError(Exception):
    """A refusal: a sentence that says what happened, a hint that says what to do, the field it concerns."""

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        hint: str | None = None,
        field: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.field = field
        self.retry_after = retry_after
        """Seconds after which trying again makes sense."""


class UnprovedError(SoonishError):
    """Refused until whoever is signed in says once more who they are."""


class AnotherRequestError(SoonishError):
    """Refused because the key of this request named another one before."""


def invalid(message: str, *, field: str | None = None, hint: str | None = None) -> SoonishError:
    return SoonishError(Code.INVALID, message, field=field, hint=hint)


def not_found(what: str) -> SoonishError:
    return SoonishError(Code.NOT_FOUND, f"There is no such {what}.", hint="Check the link.")


def conflict(message: str, *, hint: str | None = None) -> SoonishError:
    return SoonishError(Code.CONFLICT, message, hint=hint)

"""The three cookies there are: who is signed in, which browser asked for a link, and where somebody was going who had
to sign in first. Each only on request."""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from core.settings import Settings

SESSION, ASKED, NEXT = "soonish", "soonish-asked", "soonish-next"
SECURE_PREFIX = "__Host-"
SESSION_NAMES = (SESSION, SECURE_PREFIX + SESSION)
_KEPT = 400 * 24 * 3600
"""As long as browsers keep one; when it ends is for the session's row to say."""
_ASKED_SECONDS = 15 * 60
_WAYS_BACK = re.compile(r"/link/[\w-]{32}", re.ASCII)
"""A cookie may have been put there by somebody else: it leads to our own pages that ask before they do something."""


@dataclass(frozen=True, slots=True)
class Cookies:
    secure: bool
    """Not in development over http, where a browser would not send them back."""

    @classmethod
    def of(cls, settings: Settings) -> "Cookies":
        return cls(settings.production or settings.public_base_url.startswith("https://"))

    def session(self, request: Request) -> str | None:
        return request.cookies.get(self._name(SESSION))

    def asked(self, request: Request) -> str | None:
        return request.cookies.get(self._name(ASKED))

    def keep_session(self, response: Response, token: str) -> None:
        self._set(response, SESSION, token, _KEPT)

    def keep_asked(self, response: Response, token: str) -> None:
        self._set(response, ASKED, token, _ASKED_SECONDS)

    def next(self, request: Request) -> str | None:
        kept = request.cookies.get(self._name(NEXT), "")
        return kept if _WAYS_BACK.fullmatch(kept) else None

    def keep_next(self, response: Response, path: str) -> None:
        self._set(response, NEXT, path, _ASKED_SECONDS)

    def drop_next(self, response: Response) -> None:
        self._set(response, NEXT, "", 0)

    def drop_session(self, response: Response) -> None:
        self._set(response, SESSION, "", 0)

    def drop_asked(self, response: Response) -> None:
        self._set(response, ASKED, "", 0)

    def _name(self, name: str) -> str:
        return SECURE_PREFIX + name if self.secure else name

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            self._name(name), value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

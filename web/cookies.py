"""The cookies there are: who is signed in, which browser asked for a link or went to a chat platform, and where it was.
Each only on request."""

from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from core.settings import Settings

SESSION, ASKED, BACK = "soonish", "soonish-asked", "soonish-back"
SECURE_PREFIX = "__Host-"
SESSION_NAMES = (SESSION, SECURE_PREFIX + SESSION)
_KEPT = 400 * 24 * 3600
"""As long as browsers keep one; when it ends is for the session's row to say."""
_ASKED_SECONDS = 15 * 60


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

    def back(self, request: Request) -> str | None:
        """Where somebody was who had to say who they are first."""
        kept = request.cookies.get(self._name(BACK))
        return unquote(kept) if kept is not None else None

    def keep_back(self, response: Response, path: str) -> None:
        self._set(response, BACK, quote(path, safe=""), _ASKED_SECONDS)

    def drop_back(self, response: Response) -> None:
        self._set(response, BACK, "", 0)

    def keep_session(self, response: Response, token: str) -> None:
        self._set(response, SESSION, token, _KEPT)

    def keep_asked(self, response: Response, token: str) -> None:
        self._set(response, ASKED, token, _ASKED_SECONDS)

    def drop_session(self, response: Response) -> None:
        self._set(response, SESSION, "", 0)

    def drop_asked(self, response: Response) -> None:
        self._set(response, ASKED, "", 0)

    @property
    def session_name(self) -> str:
        return self._name(SESSION)

    def _name(self, name: str) -> str:
        return SECURE_PREFIX + name if self.secure else name

    def _set(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            self._name(name), value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

"""Templates to pages. Everything is escaped; what may run or load is said by the policy."""

import functools
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from core.settings import Settings
from web.assets import load_assets
from web.links import linked

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ACCOUNT = "Soonish-Account"
"""The header by which `app.js` asks whose a page would be now."""
_TEMPLATES = Path(__file__).parent / "templates"


class Wrong(dict[str, str]):
    """What is wrong with a form: words by the field that they stand beside, `""` for what is about none of them. While
    its page is written it says where the focus goes, which is to one place only: the first field that is wrong, or the
    words, where no field is."""

    _taken = False

    def takes_focus(self, name: str = "") -> bool:
        if self._taken or (not name and len(self) > 1):
            return False
        self._taken = True
        return True


class Pages:
    def __init__(self, settings: Settings) -> None:
        self.assets = load_assets()
        self._env = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            auto_reload=False,
        )
        # `signed_in`: the id of who is, False of a visitor. Pages that do not ask (None) link neither in nor out.
        self._env.globals.update(
            static=self.static, base_url=settings.public_base_url, signed_in=None, here=None, operates=False,
            way_in="", lists=settings.list_public_events,
        )  # fmt: skip
        self._env.filters["linked"] = linked
        self.version = _version()
        """Changes with any template or static file."""

    def text(self, name: str, /, **context: Any) -> str:
        """`wrong` in the context: what is wrong with its form, by field."""
        return self._env.get_template(name).render(context | {"wrong": Wrong(context.get("wrong") or {})})

    def page(
        self, name: str, /, *, status: int = 200, headers: dict[str, str] | None = None, **context: Any
    ) -> HTMLResponse:
        """Says in its head whose it is, where it is the page of somebody who is signed in."""
        answer = HTMLResponse(self.text(name, **context), status, headers)
        if whose := context.get("signed_in"):
            answer.headers[ACCOUNT] = str(whose)
        return answer

    def static(self, name: str) -> str:
        """The address of a static file's current content."""
        return f"/static/{name}?v={self.assets[name].version}"


@functools.cache
def _version() -> str:
    found = hashlib.sha256("".join(asset.version for asset in load_assets().values()).encode())
    for path in sorted(_TEMPLATES.iterdir()):
        found.update(path.read_bytes())
    return found.hexdigest()[:12]

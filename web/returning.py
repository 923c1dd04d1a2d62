"""Where somebody goes on after proving who they are: a place on this site, and nowhere else."""

from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

HOME = "/events"
_LONGEST = 500


def way_back(text: str | None) -> str:
    """What a query, a form or a cookie names, if it is a path of ours; whatever a browser could read as another site
    (`//evil.example`, `/\\evil.example`, a tab in between) leads to one's events instead."""
    if not text or len(text) > _LONGEST or text[0] != "/" or text[1:2] == "/" or "\\" in text:
        return HOME
    return text if all("!" <= ch <= "~" for ch in text) else HOME


def page_of(scope: Scope, base_url: str) -> str:
    """The page of ours whose form was sent."""
    headers = Headers(scope=scope)
    found = urlsplit(headers.get("referer", ""))
    ours = found.netloc.lower() in (headers.get("host", "").lower(), urlsplit(base_url).netloc.lower())
    return way_back(found.path + (f"?{found.query}" if found.query else "")) if ours else HOME


def prove_first(back: str) -> str:
    """The page that asks who is there, and then leads back."""
    return f"/sign-in/again?next={quote(back, safe='')}"

"""Where somebody goes on after proving who they are: a place on this site, and nowhere else."""

from urllib.parse import quote

from starlette.types import Scope

from web.routing import methods_of, routes_of

HOME = "/events"
_LONGEST = 500


def way_back(text: str | None) -> str:
    """What a query, a form or a cookie names, if it is a path of ours; whatever a browser could read as another site
    (`//evil.example`, `/\\evil.example`, a tab in between) leads to one's events instead."""
    if not text or len(text) > _LONGEST or text[0] != "/" or text[1:2] == "/" or "\\" in text:
        return HOME
    return text if all("!" <= ch <= "~" for ch in text) else HOME


def page_above(scope: Scope) -> str:
    """The page that a form was on: the nearest one at or above the address that took the form. What a browser says of
    where it comes from may be missing, or itself be an address that only takes forms."""
    routes, path = routes_of(scope["app"]), str(scope["path"])
    while path:
        if any("GET" in methods_of(route) and route.path_regex.match(path) for route in routes.alike(path)):
            return way_back(path)
        path = path.rpartition("/")[0]
    return HOME


def prove_first(back: str) -> str:
    """The page that asks who is there, and then leads back."""
    return f"/sign-in/again?next={quote(back, safe='')}"

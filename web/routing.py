"""The short way from a path to its route."""

from collections.abc import Iterable, Sequence

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

_Shape = tuple[str, int, str | None]


class Routes(BaseRoute):
    """One route to Starlette, which would try all of them one after another: that took longer than a small answer
    itself. Here only those are tried that have as many parts as the path, the same first one and, unless theirs is a
    parameter, the same last one. The first that fits wins; a word goes before a parameter."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self.all: list[APIRoute] = []
        self._alike: dict[_Shape, list[APIRoute]] = {}
        for route in routes:
            assert isinstance(route, APIRoute), route  # noqa: S101 - a mount has no number of parts
            assert ":path}" not in route.path, route.path  # noqa: S101 - nor has a path within one
            self.all.append(route)
            first, count, last = _shape(route.path)
            self._alike.setdefault((first, count, None if "{" in last else last), []).append(route)

    def alike(self, path: str) -> Sequence[APIRoute]:
        """Those that may fit."""
        first, count, last = _shape(path)
        return [*self._alike.get((first, count, last), ()), *self._alike.get((first, count, None), ())]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """A route says itself which it is, in its child scope."""
        partial: tuple[Match, Scope] = Match.NONE, {}
        if scope["type"] == "http":
            for route in self.alike(scope["path"]):
                found = route.matches(scope)
                if found[0] is Match.FULL:
                    return found
                if found[0] is Match.PARTIAL and partial[0] is Match.NONE:
                    partial = found
        return partial

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises 405 with every method that the address takes, where it does not take this one."""
        if scope["method"] not in scope["route"].methods:
            raise HTTPException(405, headers={"Allow": ", ".join(self._methods(scope["path"]))})
        await scope["route"].handle(scope, receive, send)

    def _methods(self, path: str) -> list[str]:
        fitting = [methods_of(route) for route in self.alike(path) if route.path_regex.match(path)]
        return sorted(frozenset().union(*fitting))


def methods_of(route: APIRoute) -> frozenset[str]:
    """HEAD is answered wherever GET is."""
    named = frozenset(route.methods or ())
    return named | {"HEAD"} if "GET" in named else named


def _shape(path: str) -> tuple[str, int, str]:
    parts = path.split("/")
    return parts[1] if len(parts) > 1 else "", len(parts), parts[-1]


def routes_of(app: FastAPI) -> Routes:
    routes = app.state.routes
    assert isinstance(routes, Routes)  # noqa: S101 - narrows what Starlette keeps untyped
    return routes

"""The short way from a path to its route."""

from collections.abc import Iterable, Sequence

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send


class Routes(BaseRoute):
    """One route to Starlette, which would try all of them one after another: that took longer than a small answer
    itself. Here only those are tried whose first part is the path's and that have as many parts; the first that fits
    wins."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self.all: list[APIRoute] = []
        self._alike: dict[tuple[str, int], list[APIRoute]] = {}
        for route in routes:
            assert isinstance(route, APIRoute), route  # noqa: S101 - a mount has no number of parts
            assert ":path}" not in route.path, route.path  # noqa: S101 - nor has a path within one
            self.all.append(route)
            self._alike.setdefault(_shape(route.path), []).append(route)

    def alike(self, path: str) -> Sequence[APIRoute]:
        """Those that may fit."""
        return self._alike.get(_shape(path), ())

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


def _shape(path: str) -> tuple[str, int]:
    return path[1:].partition("/")[0], path.count("/")


def routes_of(app: FastAPI) -> Routes:
    routes = app.state.routes
    assert isinstance(routes, Routes)  # noqa: S101 - narrows what Starlette keeps untyped
    return routes

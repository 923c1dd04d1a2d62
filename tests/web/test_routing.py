"""From a path to its route: few are tried, and none hides another."""

import itertools

from starlette.routing import Match

from tests.web.conftest import Stage
from web.routing import routes_of

AT_MOST = 5
"""Routes that are tried for one path."""


async def test_every_route_is_reached_by_its_own_address_and_few_are_tried_for_it(stage: Stage) -> None:
    routes = routes_of(stage.app)
    for route in routes.all:
        path = route.path_format.format_map(dict.fromkeys(route.param_convertors, "1" * 10))
        for method in route.methods or ():
            match, found = routes.matches({"type": "http", "path": path, "root_path": "", "method": method})
            assert (match, found["route"]) == (Match.FULL, route), (method, path)
            tried = itertools.takewhile(lambda each: each is not route, routes.alike(path))  # noqa: B023
            assert sum(1 for _ in tried) < AT_MOST, (method, path)


async def test_a_method_that_an_address_does_not_take_is_told_which_it_takes(stage: Stage) -> None:
    refused = await stage.alice.send("DELETE", "/api/events")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_an_address_with_a_part_too_many_or_an_empty_one_is_not_there(stage: Stage) -> None:
    event = await stage.event()
    for path in (f"/e/{event}/", f"//e/{event}", f"/e//{event}", f"/e/{event}/x/y/z", "/static/../app.css", "//"):
        assert (await stage.visitor.get(path)).status == 404, path


async def test_who_asks_for_an_icon_without_having_seen_a_page_gets_it(stage: Stage) -> None:
    asked = await stage.visitor.get("/favicon.ico")
    assert (await stage.visitor.get(asked.headers["location"])).headers["content-type"] == "image/svg+xml"

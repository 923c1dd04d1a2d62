"""The cookies: what they may be read and sent by, and that the API's document says the truth about who is let in."""

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response

from core.settings import Settings
from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import COOKIE, signed_in
from tests.web.test_strangers import RULES
from web.cookies import Cookies


def in_production(folder: Path) -> Settings:
    return Settings(
        _env_file=None, soonish_env="production", soonish_data=folder, public_base_url="http://inside.example",
        secret_key="s" * 32, encryption_keys="e" * 32, smtp_server="mail.example", temporal_url="temporal:7233",
    )  # fmt: skip


def written(cookies: Cookies) -> list[str]:
    answer = Response()
    cookies.keep_session(answer, "token")
    cookies.keep_asked(answer, "token")
    cookies.keep_back(answer, "/e/abc?x=1;y")
    cookies.drop_session(answer)
    cookies.drop_asked(answer)
    cookies.drop_back(answer)
    return answer.headers.getlist("set-cookie")


def test_in_production_every_cookie_is_bound_to_this_host_and_to_tls(tmp_path: Path) -> None:
    found = written(Cookies.of(in_production(tmp_path)))
    assert len(found) == 6
    for cookie in found:
        flags = {each.strip().lower() for each in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-soonish")
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags
        assert not any(flag.startswith("domain") for flag in flags)


def test_over_plain_http_in_development_they_are_still_kept_from_scripts_and_other_sites() -> None:
    for cookie in written(Cookies(secure=False)):
        flags = {each.strip().lower() for each in cookie.split(";")[1:]}
        assert not cookie.startswith("__Host-")
        assert {"httponly", "samesite=lax", "path=/"} <= flags
        assert "secure" not in flags


def test_a_way_back_is_read_as_it_was_written() -> None:
    cookies, answer = Cookies(secure=True), Response()
    cookies.keep_back(answer, "/e/abc?x=1;y")
    pair = answer.headers["set-cookie"].partition(";")[0]
    request = Request({"type": "http", "headers": [(b"cookie", pair.encode())]})
    assert cookies.back(request) == "/e/abc?x=1;y"


async def test_a_cookie_that_a_neighbouring_host_could_have_set_is_not_read(stage: Stage) -> None:
    browser = await signed_in(stage)
    browser.jar = {"soonish": browser.jar[COOKIE]}
    assert (await browser.get("/api/me")).status == 401


OPEN = {"POST /api/auth/login", "POST /api/events/{event_id}/subscribe"}
"""Open to everybody, and 401 for what the table sends: a wrong password, channels without an account."""


async def test_the_document_says_of_every_route_who_is_let_in(stage: Stage) -> None:
    document = (await stage.visitor.get("/api/openapi.json")).json
    scheme = document["components"]["securitySchemes"]["session"]
    assert (scheme["type"], scheme["in"], scheme["name"]) == ("apiKey", "cookie", COOKIE)
    said = {
        f"{method.upper()} {path}": operation.get("security", [{}])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    assert set(said) == {route for route in RULES if " /api/" in route and not route.endswith((".json", "/docs"))}
    for route, security in said.items():
        names = {name for each in security for name in each}
        if route not in OPEN:
            assert ({} in security) == (RULES[route].anonymous != 401), route
        assert names in (set(), {"session"}, {"token", "session"}), route
        if names == {"session"}:
            assert RULES[route].stranger == 403, route  # carol comes with a token


async def test_a_cookie_is_known_wherever_the_document_says_so(stage: Stage) -> None:
    document = (await stage.visitor.get("/api/openapi.json")).json
    browser = await signed_in(stage, "carol@example.org")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "logout" in path or "session" not in str(operation.get("security", "")):
                continue
            where = path.replace("{event_id}", "Ab3dEf6hJk")
            where = "/".join("999" if part.startswith("{") else part for part in where.split("/"))
            rule = RULES[f"{method.upper()} {path}"]
            body = rule.body if path != "/api/auth/login" else {"email": "carol@example.org"}
            answer = await browser.send(method.upper(), where, json=body)
            assert answer.status != 401, (method, path)
            assert str(answer.status) in operation["responses"], (method, path, answer.status)
            other = await Browser(stage.app).send(method.upper(), where, json=body)
            assert (other.status == 401) == (rule.anonymous == 401 and path != "/api/auth/login"), (method, path)


@pytest.mark.parametrize("path", ["/account", "/sign-in/again", "/e/{}", "/"])
async def test_whatever_shows_who_is_signed_in_is_stored_by_nobody(stage: Stage, path: str) -> None:
    answer = await (await signed_in(stage)).get(path.format(await stage.event()))
    assert (answer.status, answer.headers["cache-control"]) == (200, "private, no-store")

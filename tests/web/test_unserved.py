"""A form that cannot be served this moment is given back whole: its page sends it again, and it is done once."""

import contextlib
import html
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from core.errors import Code, SoonishError
from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in
from tests.web.test_creating import TYPED, fields

AWAY = OperationalError("SELECT 1", {}, Exception("no such host"))
BUSY = SoonishError(Code.LIMITED, "Too many of these.", retry_after=60)


@pytest.fixture
async def alice(stage: Stage) -> Browser:
    return await signed_in(stage, "alice@example.org")


@contextlib.contextmanager
def failing(stage: Stage, how: str, error: Exception) -> Iterator[None]:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    with pytest.MonkeyPatch.context() as patch:
        for name in how.split():
            patch.setattr(stage.core.db, name, fail)
        yield


@pytest.mark.parametrize("how", ["write", "read read_rows write"])
async def test_what_was_typed_is_kept_while_the_database_is_away_and_sent_again_is_done_once(
    stage: Stage, alice: Browser, how: str
) -> None:
    look = await alice.form("/new", {**TYPED, "step": "look"})
    press = {**fields(look), "step": "create"}
    with failing(stage, how, AWAY):
        held = await alice.form("/new", press)
    assert (held.status, held.headers["retry-after"], held.headers["cache-control"]) == (503, "5", "no-store")
    assert "The database does not answer right now." in held.text
    assert '<form method="post" action="/new">' in held.text
    assert '<button class="btn primary" name="step" value="create">Send it again</button>' in held.text
    kept = {name: html.unescape(text) for name, text in fields(held).items()}
    assert kept == {name: html.unescape(text) for name, text in press.items() if name != "step"}
    again, twice = [await alice.form("/new", {**kept, "step": "create"}) for _ in range(2)]
    assert (again.status, again.headers["location"]) == (303, twice.headers["location"])


async def test_what_was_typed_is_kept_when_something_breaks_or_is_too_much_at_once(
    stage: Stage, alice: Browser
) -> None:
    event, title = await stage.event(), "A title that took <long>"
    for error, status in ((KeyError("broken"), 500), (BUSY, 429)):
        with failing(stage, "write", error):
            held = await alice.form(f"/e/{event}/people", {"email": "x@example.org", "title": title, "step": "email"})
            plain = await alice.form("/account/sessions/1/end", {})
        assert held.status == plain.status == status
        if status == 500:
            assert html.unescape(fields(held)["title"]) == title
        assert "Send it again" not in plain.text


async def test_no_page_holds_a_password_nor_what_a_page_still_has_or_a_program_sent(
    stage: Stage, alice: Browser
) -> None:
    event = await stage.event()
    with failing(stage, "read read_rows write", AWAY):
        answers = [
            await alice.form("/account/password", {"password": "correct horse battery", "current": ""}),
            await alice.form(f"/e/{event}/subscribe", {"email": "kim@example.org"}, hx_request="true"),
            await stage.alice.post("/api/events", {"name": "Kim's party"}),
        ]
    for answer in answers:
        assert answer.status == 503
        assert not any(text in answer.text for text in ("Send it again", "horse", "kim@", "Kim"))

"""Input that is wrong: a clear refusal that names the field, and nothing changed."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from tests.conftest import Inhabited
from tests.web.conftest import HOOK, START, Stage, Untouched, playing, settings_in
from web.routes import API


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, inhabited: Inhabited) -> AsyncIterator[Stage]:
    """One stage for all of them: what is refused changes nothing."""
    async with playing(settings_in(tmp_path_factory.mktemp("refused")), inhabited) as made:
        yield made


LONG = "x" * 10_000
EVENTS: list[tuple[dict[str, Any], str]] = [
    ({"start_date": START}, "name"),
    ({"name": "Film"}, "start_date"),
    ({"name": "", "start_date": START}, "name"),
    ({"name": LONG, "start_date": START}, "name"),
    ({"name": "Film\nBcc: x@y.example", "start_date": START}, "name"),
    ({"name": "Film\x00", "start_date": START}, "name"),
    ({"name": "\u200b\u200b", "start_date": START}, "name"),
    ({"name": "\ud800", "start_date": START}, "name"),
    ({"name": 7, "start_date": START}, "name"),
    ({"name": "Film", "start_date": "2027-05-01T19:30:00"}, "start_date"),
    ({"name": "Film", "start_date": "tomorrow"}, "start_date"),
    ({"name": "Film", "start_date": 1809192600}, "start_date"),
    ({"name": "Film", "start_date": "2020-05-01T19:30:00Z"}, "start_date"),
    ({"name": "Film", "start_date": "2999-05-01T19:30:00Z"}, "start_date"),
    ({"name": "Film", "start_date": "0001-01-01T00:00:00+14:00"}, "start_date"),
    ({"name": "Film", "start_date": START, "end_date": "2027-05-01T19:00:00+02:00"}, "end_date"),
    ({"name": "Film", "start_date": START, "end_date": START}, "end_date"),
    ({"name": "Film", "start_date": START, "end_date": "2027-05-01"}, "end_date"),
    ({"name": "Film", "start_date": START, "timezone": "Europe/Atlantis"}, "timezone"),
    ({"name": "Film", "start_date": START, "timezone": "../../etc/passwd"}, "timezone"),
    ({"name": "Film", "start_date": START, "timezone": ""}, "timezone"),
    ({"name": "Film", "start_date": START, "timezone": " "}, "timezone"),
    ({"name": "Film", "start_date": START, "timezone": "\x00"}, "timezone"),
    ({"name": "Film", "start_date": START, "description": "\x00"}, "description"),
    ({"name": "Film", "start_date": START, "description": LONG + "x"}, "description"),
    ({"name": "Film", "start_date": START, "location": "a\nb"}, "location"),
    ({"name": "Film", "start_date": START, "is_public": "perhaps"}, "is_public"),
    ({"name": "Film", "start_date": START, "is_public": "false"}, "is_public"),
    ({"name": "Film", "start_date": START, "is_public": 0}, "is_public"),
    ({"name": "Film", "start_date": START, "owner_user_id": 2}, "owner_user_id"),
]


@pytest.mark.parametrize(("body", "field"), EVENTS)
async def test_an_event_that_makes_no_sense_is_refused(
    stage: Stage, untouched: Untouched, body: dict[str, Any], field: str
) -> None:
    answer = await untouched(stage.alice.post("/api/events", body))
    assert answer.status == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.fields == [field]


CHANGES: list[tuple[dict[str, Any], int, str | None]] = [
    ({"name": None}, 422, "name"),
    ({"start_date": "2026-05-01T19:30:00Z"}, 422, "start_date"),
    ({"end_date": "2027-01-01T19:30:00Z"}, 422, "end_date"),
    ({"timezone": ""}, 422, "timezone"),
    ({"timezone": "Europe/Atlantis"}, 422, "timezone"),
    ({"name": "Other", "revision": 7}, 409, None),
    ({"name": "Other", "revision": 0}, 422, "revision"),
    ({"name": "Other", "revision": True}, 422, "revision"),
    ({"name": "Other", "revision": "1"}, 422, "revision"),
    ({"name": "Other", "revision": 1.0}, 422, "revision"),
    ({"name": "Other", "notify": 1}, 422, "notify"),
    ({"name": "Other", "notify": "later"}, 422, "notify"),
    ({"status": "ended"}, 422, "status"),
]


@pytest.mark.parametrize(("change", "status", "field"), CHANGES)
async def test_a_change_that_makes_no_sense_is_refused(
    stage: Stage, untouched: Untouched, change: dict[str, Any], status: int, field: str | None
) -> None:
    event = await stage.event()
    before = (await stage.visitor.get(f"/api/events/{event}")).json
    answer = await untouched(stage.alice.patch(f"/api/events/{event}", change))
    assert (answer.status, answer.fields) == (status, [field] if field else []), answer.text
    assert (await stage.visitor.get(f"/api/events/{event}")).json == before


async def test_an_empty_zone_is_refused_with_the_words_that_any_wrong_one_gets(stage: Stage) -> None:
    event = await stage.event()
    for send, path, more in (
        (stage.alice.post, "/api/events", {"name": "Film", "start_date": START}),
        (stage.alice.patch, f"/api/events/{event}", {}),
    ):
        empty, wrong = [(await send(path, {**more, "timezone": zone})).json for zone in ("", "Europe/Atlantis")]
        assert empty == wrong
        assert empty["detail"] == "That time zone is not known."
    unset = await stage.alice.post("/api/events", {"name": "Film", "start_date": START, "timezone": None})
    assert (unset.status, unset.json["timezone"]) == (201, "Europe/Berlin")


ADDRESSES = [
    "",
    "nope",
    "a@b",
    "a@b.example\nBcc: x@y.example",
    "z%40y.org&bcc=victim@x.org",
    "z%40y.org&bcc=…@x.org",
    "a@b.org,c@d.org",
    "a@b.org; c@d.org",
    "Alice <a@b.org>",
    "a@b.org\x00",
    "a@b.org?cc=c@d.org",
    "\ud800@b.org",
    f"{'a' * 300}@b.org",
    LONG,
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_address_that_is_not_exactly_one_is_refused(stage: Stage, untouched: Untouched, address: str) -> None:
    event = await stage.event()
    answer = await untouched(stage.visitor.post(f"/api/events/{event}/subscribe", {"email": address}))
    assert (answer.status, answer.fields) == (422, ["email"]), answer.text


@pytest.mark.parametrize("address", [address for address in ADDRESSES if "\ud800" not in address])
async def test_the_page_refuses_the_same_addresses_beside_the_field(
    stage: Stage, untouched: Untouched, address: str
) -> None:
    event = await stage.event()
    answer = await untouched(stage.visitor.form(f"/e/{event}/subscribe", {"email": address}))
    assert answer.status == 422
    assert 'id="email-error"' in answer.text


URLS = [
    "",
    "nonsense",
    "://",
    "file:///etc/passwd",
    "syslog://",
    "mailto://z%40y.org&bcc=victim@x.org",
    "mailto://user:pass@example.org?bcc=victim@x.org",
    "mailto://a@b.org,c@d.org",
    "jsons://example.org/hook\nX-Header: 1",
    "jsons://example.org jsons://example.com",
    "json://127.0.0.1:8000/hook",
    "json://169.254.169.254/latest/meta-data",
    "json://[::1]/hook",
    "https://example.org/hook",
    "x" * 5_000,
    "\x00",
]


@pytest.mark.parametrize("url", URLS)
async def test_a_channel_that_may_not_be_is_refused_without_repeating_it(
    stage: Stage, untouched: Untouched, url: str
) -> None:
    answer = await untouched(stage.bob.post("/api/integrations", {"name": "Hook", "apprise_url": url}))
    assert (answer.status, answer.fields) == (422, ["apprise_url"]), answer.text
    assert "pass" not in answer.text
    assert stage.sender.sent == []


CHANNELS: list[tuple[dict[str, Any], str]] = [
    ({"name": "Hook"}, "apprise_url"),
    ({"name": "a\nb", "apprise_url": HOOK}, "name"),
    ({"name": "Hook", "apprise_url": HOOK, "tag": "two words"}, "tag"),
    ({"name": "Hook", "apprise_url": HOOK, "tag": ""}, "tag"),
    ({"name": "Hook", "apprise_url": HOOK, "user_id": 1}, "user_id"),
]


@pytest.mark.parametrize(("body", "field"), CHANNELS)
async def test_a_channel_with_a_wrong_field_is_refused(
    stage: Stage, untouched: Untouched, body: dict[str, Any], field: str
) -> None:
    answer = await untouched(stage.bob.post("/api/integrations", body))
    assert (answer.status, answer.fields) == (422, [field]), answer.text


MESSAGES: list[tuple[dict[str, Any], int, list[str]]] = [
    ({"title": "Hi"}, 422, ["body"]),
    ({"title": "Hi\nthere", "body": "x"}, 422, ["title"]),
    ({"title": LONG, "body": "x"}, 422, ["title"]),
    ({"title": "Hi", "body": LONG}, 422, ["body"]),
    ({"title": "Hi", "body": " "}, 422, ["body"]),
    ({"title": "Hi", "body": "x", "subscription_ids": []}, 422, ["subscription_ids"]),
    ({"title": "Hi", "body": "x", "subscription_ids": [2**63]}, 422, ["subscription_ids.0"]),
    ({"title": "Hi", "body": "x", "subscription_ids": [1, "two"]}, 422, ["subscription_ids.1"]),
    ({"title": "Hi", "body": "x", "subscription_ids": [True]}, 422, ["subscription_ids.0"]),
    ({"title": "Hi", "body": "x", "subscription_ids": ["3"]}, 422, ["subscription_ids.0"]),
    ({"title": "Hi", "body": "x", "subscription_ids": [999]}, 404, []),
]


@pytest.mark.parametrize(("body", "status", "fields"), MESSAGES)
async def test_a_message_that_makes_no_sense_reaches_nobody(
    stage: Stage, untouched: Untouched, body: dict[str, Any], status: int, fields: list[str]
) -> None:
    event = await stage.event()
    answer = await untouched(stage.alice.post(f"/api/events/{event}/notify", body))
    assert (answer.status, answer.fields) == (status, fields), answer.text


CHOICES: list[tuple[dict[str, Any], int, list[str]]] = [
    ({"integration_ids": []}, 422, ["integration_ids"]),
    ({"tags": []}, 422, ["tags"]),
    ({"tags": ["unheard-of"]}, 422, ["tags"]),
    ({"integration_ids": [1]}, 404, []),
    ({"integration_ids": [2**64]}, 422, ["integration_ids.0"]),
    ({"integration_ids": [-1]}, 422, ["integration_ids.0"]),
    ({"integration_ids": [True]}, 422, ["integration_ids.0"]),
    ({"integration_ids": ["2"]}, 422, ["integration_ids.0"]),
    ({"email": "bob@example.org", "tags": ["email"]}, 422, ["body"]),
    ({"user_id": 1}, 422, ["user_id"]),
]


@pytest.mark.parametrize(("body", "status", "fields"), CHOICES)
async def test_a_subscription_that_makes_no_sense_is_refused(
    stage: Stage, untouched: Untouched, body: dict[str, Any], status: int, fields: list[str]
) -> None:
    """Channel 1 is alice's."""
    event = await stage.event()
    answer = await untouched(stage.bob.post(f"/api/events/{event}/subscribe", body))
    assert (answer.status, answer.fields) == (status, fields), answer.text


@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "9" * 400, "one", "1.5", "%00", "1e3"])
async def test_an_id_that_cannot_be_is_not_found(stage: Stage, untouched: Untouched, number: str) -> None:
    for method, path in (("GET", "/api/notifications/{}"), ("DELETE", "/api/integrations/{}")):
        answer = await untouched(stage.alice.send(method, path.format(number)))
        assert answer.status == 404, answer.text


@pytest.mark.parametrize("public_id", ["x", "0000000000", "k7Qm2vX9a\x00", "ffffffffff", "ü" * 10, "a" * 5000])
async def test_an_event_id_that_cannot_be_is_not_found(stage: Stage, public_id: str) -> None:
    for path in (f"/api/events/{public_id}", f"/e/{public_id}", f"/e/{public_id}/cover.svg"):
        assert (await stage.visitor.get(path)).status == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=100000", "limit"),
        ("limit=ten", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "cursor"),
        (f"cursor={LONG}", "cursor"),
        ("which=theirs", "which"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(stage: Stage, query: str, field: str) -> None:
    answer = await stage.alice.get(f"/api/events?{query}")
    assert (answer.status, answer.fields) == (422, [field]), answer.text


FORGED = ["x", "AAAA", "A" * 44, "A" * 5000, "ü", "%00", "../../etc/passwd", "-" * 44]


@pytest.mark.parametrize("token", FORGED)
async def test_a_forged_link_changes_nothing(stage: Stage, untouched: Untouched, token: str) -> None:
    for scope in ("event", "organizer", "everything"):
        answer = await untouched(stage.visitor.post("/api/unsubscribe", {"token": token, "scope": scope}))
        assert answer.status in (404, 422), answer.text
    assert (await untouched(stage.visitor.post("/api/unsubscribe/undo", {"token": token}))).status in (404, 422)
    if "/" not in token:
        for path in (f"/u/{token}", f"/c/{token}", f"/u/{token}/undo"):
            assert (await untouched(stage.visitor.form(path, {}))).status == 404


async def test_a_refusal_never_repeats_what_was_sent(stage: Stage) -> None:
    secret = "hunter2" * 40
    for body in ({"name": secret, "start_date": secret}, {"name": [secret]}, {"name": "x", "timezone": secret}):
        assert "hunter2" not in (await stage.alice.post("/api/events", body)).text


async def test_a_thousand_wrong_fields_make_a_short_answer(stage: Stage) -> None:
    answer = await stage.alice.post("/api/events", {f"field{number}": 1 for number in range(1000)})
    assert answer.status == 422
    assert len(answer.body) < 4000


def test_no_body_takes_a_number_or_a_truth_that_is_written_as_something_else() -> None:
    """`true` is no id, `"3"` is no number and `"no"` is no truth, in any body that the API takes."""
    routes = [route for router in API for route in router.routes if isinstance(route, APIRoute)]
    bodies: list[Any] = [route.body_field.field_info.annotation for route in routes if route.body_field]
    assert len(bodies) > 8
    for body in bodies:
        assert list(_lax(TypeAdapter(body).core_schema)) == [], body


def _lax(schema: Any) -> Iterator[Any]:
    """The numbers and truths in a schema that would take something else for one."""
    if isinstance(schema, dict):
        if schema.get("type") in ("int", "bool", "float") and not schema.get("strict"):
            yield schema
        for each in schema.values():
            yield from _lax(each)
    elif isinstance(schema, (list, tuple)):
        for each in schema:
            yield from _lax(each)

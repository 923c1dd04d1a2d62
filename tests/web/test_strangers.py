"""Every route that the application has, played by nobody and by a stranger; the list is the application's own. One
that is not in the table fails the test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from core.db.models import Identity
from core.settings import Settings
from tests.conftest import Inhabited
from tests.web.client import Client
from tests.web.conftest import HOOK, START, Stage, playing, settings_in
from tests.web.test_accounts import signed_in
from web.routing import methods_of, routes_of


@dataclass(frozen=True)
class Rule:
    """What nobody (no token) and carol, who has nothing to do with it, are answered; `about` is a private event."""

    anonymous: int
    stranger: int
    body: Any = None
    private: int | None = 404
    """What carol hears about a private event; None where the route is not about one. Pages ask for her cookie first."""


SUBSCRIBE = {"integration_ids": [1]}
RULES = {
    "POST /api/events": Rule(401, 201, {"name": "Mine", "start_date": START}, None),
    "GET /api/events": Rule(401, 200, private=None),
    "GET /api/events/{event_id}": Rule(200, 200),
    "PATCH /api/events/{event_id}": Rule(401, 403, {"name": "Taken over"}),
    "POST /api/events/{event_id}/cancel": Rule(401, 403, {"reason": "because"}),
    "POST /api/events/{event_id}/report": Rule(202, 202, {"body": "It is spam."}),
    "GET /api/events/{event_id}/workflow/status": Rule(401, 403),
    "POST /api/events/{event_id}/subscribe": Rule(401, 404, SUBSCRIBE),
    "GET /api/me/subscriptions": Rule(401, 200, private=None),
    "PATCH /api/me/subscriptions/{subscription_id}": Rule(401, 404, {"state": "paused"}, None),
    "DELETE /api/me/subscriptions/{subscription_id}": Rule(401, 404, private=None),
    "GET /api/events/{event_id}/subscriptions": Rule(401, 403),
    "DELETE /api/events/{event_id}/subscriptions/{subscription_id}": Rule(401, 403),
    "POST /api/events/{event_id}/subscriptions/{subscription_id}/let-back": Rule(401, 403),
    "POST /api/unsubscribe": Rule(404, 404, {"token": "forged"}, None),
    "POST /api/unsubscribe/undo": Rule(404, 404, {"token": "forged"}, None),
    "POST /api/events/{event_id}/notify": Rule(401, 403, {"title": "Spam", "body": "Buy"}),
    "GET /api/notifications/{notification_id}": Rule(401, 404, private=None),
    "POST /api/notifications/{notification_id}/retry": Rule(401, 404, private=None),
    "GET /api/events/{event_id}/deliveries": Rule(401, 403),
    "GET /api/integrations": Rule(401, 200, private=None),
    "POST /api/integrations": Rule(401, 201, {"name": "Mine", "apprise_url": HOOK}, None),
    "PATCH /api/integrations/{integration_id}": Rule(401, 404, {"is_active": False}, None),
    "DELETE /api/integrations/{integration_id}": Rule(401, 404, private=None),
    "POST /api/integrations/{integration_id}/test": Rule(401, 404, private=None),
    "GET /api/events/{event_id}/invitations": Rule(401, 403),
    "POST /api/events/{event_id}/invitations": Rule(401, 403, {"kind": "link"}),
    "DELETE /api/events/{event_id}/invitations/{invitation_id}": Rule(401, 403),
    "POST /api/invitations/accept": Rule(401, 404, {"token": "forged"}, None),
    "GET /api/events/{event_id}/organizers": Rule(401, 403),
    "POST /api/events/{event_id}/organizers": Rule(401, 403, {"email": "carol@example.org"}),
    "DELETE /api/events/{event_id}/organizers/{user_id}": Rule(401, 403),
    "POST /api/events/{event_id}/transfer": Rule(401, 403, {"email": "carol@example.org"}),
    "POST /api/auth/register": Rule(202, 202, {"email": "alice@example.org"}, None),
    "POST /api/auth/login": Rule(401, 401, {"email": "alice@example.org", "password": "open sesame"}, None),
    "POST /api/auth/logout": Rule(204, 204, private=None),
    "POST /api/auth/confirm": Rule(401, 403, {"password": "open sesame"}, None),
    "GET /api/me": Rule(401, 200, private=None),
    "PATCH /api/me": Rule(401, 200, {"display_name": "Carol"}, None),
    "PUT /api/me/email": Rule(401, 403, {"email": "new@example.org"}, None),
    "DELETE /api/me": Rule(401, 200, private=None),
    "GET /api/me/deliveries": Rule(401, 200, private=None),
    "GET /api/me/export": Rule(401, 200, private=None),
    "PUT /api/me/password": Rule(401, 403, {"password": "correct horse battery"}, None),
    "GET /api/me/sessions": Rule(401, 200, private=None),
    "DELETE /api/me/sessions/{session_id}": Rule(401, 404, private=None),
    "GET /api/me/identities": Rule(401, 200, private=None),
    "DELETE /api/me/identities/{identity_id}": Rule(401, 404, private=None),
    "GET /metrics": Rule(404, 404, private=None),
    "GET /sign-in/{platform}": Rule(404, 404, private=None),
    "GET /sign-in/{platform}/callback": Rule(404, 404, private=None),
    "GET /account/link/{platform}": Rule(303, 303, private=None),
    "GET /link/{token}": Rule(303, 303, private=None),
    "POST /link/{token}": Rule(401, 401, private=None),
    "POST /account/identities/{identity_id}/unlink": Rule(401, 401, private=None),
    "GET /sign-in": Rule(200, 200, private=None),
    "POST /sign-in": Rule(422, 422, private=None),
    "GET /sign-in/again": Rule(303, 303, private=None),
    "POST /sign-in/again": Rule(303, 303, private=None),
    "GET /in/{link}": Rule(404, 404, private=None),
    "POST /in/{link}": Rule(404, 404, private=None),
    "GET /account": Rule(303, 303, private=None),
    "POST /account/sessions/{session_id}/end": Rule(401, 401, private=None),
    "POST /account/profile": Rule(401, 401, private=None),
    "POST /account/password": Rule(401, 401, private=None),
    "POST /account/email": Rule(401, 401, private=None),
    "GET /account/calendars": Rule(303, 303, private=None),
    "POST /account/calendars/{which}": Rule(401, 401, private=None),
    "POST /account/calendars/{which}/end": Rule(401, 401, private=None),
    "GET /account/log": Rule(303, 303, private=None),
    "GET /account/erase": Rule(303, 303, private=None),
    "POST /account/erase": Rule(401, 401, private=None),
    "POST /sign-out": Rule(303, 303, private=None),
    "GET /api/health": Rule(200, 200, private=None),
    "GET /api/temporal/connection": Rule(200, 200, private=None),
    # What is open to everybody, and links that nobody can make up.
    "GET /api/openapi.json": Rule(200, 200, private=None),
    "GET /api/docs": Rule(200, 200, private=None),
    "GET /slack/install": Rule(404, 404, private=None),
    "GET /slack/install/callback": Rule(404, 404, private=None),
    "GET /slack/installed": Rule(404, 404, private=None),
    "GET /": Rule(200, 200, private=None),
    "GET /privacy": Rule(200, 200, private=None),
    "GET /favicon.ico": Rule(307, 307, private=None),
    "GET /static/{name}": Rule(404, 404, private=None),
    "GET /e/{event_id}": Rule(200, 200),
    "GET /e/{event_id}.ics": Rule(200, 200),
    "GET /e/{event_id}/cover.svg": Rule(200, 200),
    "GET /e/{event_id}/subscribe": Rule(303, 303),
    "POST /e/{event_id}/subscribe": Rule(422, 422),
    "POST /e/{event_id}/follow": Rule(401, 401),
    "GET /e/{event_id}/follow": Rule(303, 303),
    "GET /e/{event_id}/unfollow": Rule(303, 303),
    "POST /e/{event_id}/unfollow": Rule(401, 401),
    "GET /e/{event_id}.atom": Rule(200, 200),
    "GET /e/{event_id}/qr.svg": Rule(200, 200),
    "GET /e/{event_id}/card.png": Rule(200, 200),
    "GET /e/{event_id}/report": Rule(200, 200),
    "POST /e/{event_id}/report": Rule(422, 422),
    "GET /k/{secret}.ics": Rule(404, 404, private=None),
    "GET /c/{token}": Rule(404, 404, private=None),
    "POST /c/{token}": Rule(404, 404, private=None),
    "GET /u/{token}": Rule(404, 404, private=None),
    "POST /u/{token}": Rule(404, 404, private=None),
    "GET /u/{token}/undo": Rule(404, 404, private=None),
    "POST /u/{token}/undo": Rule(404, 404, private=None),
    "GET /s/{token}": Rule(404, 404, private=None),
    "POST /s/{token}": Rule(404, 404, private=None),
    "GET /s/{token}/log": Rule(404, 404, private=None),
    "GET /s/{token}/export": Rule(404, 404, private=None),
    "POST /s/{token}/erase": Rule(404, 404, private=None),
    "GET /i/{token}": Rule(404, 404, private=None),
    "POST /i/{token}": Rule(404, 404, private=None),
    "POST /i/{token}/accept": Rule(404, 404, private=None),
    # An organizer's pages, and those of whoever is signed in.
    "GET /events": Rule(303, 303, private=None),
    "GET /new": Rule(303, 303, private=None),
    "GET /new/reading": Rule(401, 401, private=None),
    "POST /new": Rule(401, 401, private=None),
    "GET /channels": Rule(303, 303, private=None),
    "GET /channels/add/{kind}": Rule(303, 303, private=None),
    "POST /channels/add/{kind}": Rule(401, 401, private=None),
    "POST /channels/{channel_id}": Rule(401, 401, private=None),
    "GET /e/{event_id}/edit": Rule(303, 303, private=303),
    "GET /e/{event_id}/edit/reading": Rule(401, 401, private=401),
    "GET /e/{event_id}/manage": Rule(303, 303, private=303),
    "GET /e/{event_id}/health": Rule(303, 303, private=303),
    "GET /e/{event_id}/subscribers": Rule(303, 303, private=303),
    "GET /e/{event_id}/subscribers.csv": Rule(303, 303, private=303),
    "GET /e/{event_id}/people": Rule(303, 303, private=303),
    "GET /e/{event_id}/cancel": Rule(303, 303, private=303),
    "GET /e/{event_id}/messages/{message_id}": Rule(303, 303, private=303),
    "GET /e/{event_id}/message": Rule(303, 303, private=303),
    "POST /e/{event_id}/edit": Rule(401, 401, private=401),
    "POST /e/{event_id}/message": Rule(401, 401, private=401),
    "POST /e/{event_id}/subscribers": Rule(401, 401, private=401),
    "POST /e/{event_id}/people": Rule(401, 401, private=401),
    "POST /e/{event_id}/cancel": Rule(401, 401, private=401),
    "POST /e/{event_id}/messages/{message_id}/retry": Rule(303, 303, private=303),
    # There for operators alone.
    "GET /admin": Rule(404, 404, private=None),
    "GET /admin/events": Rule(404, 404, private=None),
    "GET /admin/events/{event_id}": Rule(404, 404),
    "POST /admin/events/{event_id}/cancel": Rule(401, 401, private=401),
    "POST /admin/events/{event_id}/people": Rule(401, 401, private=401),
    "GET /admin/reports": Rule(404, 404, private=None),
    "POST /admin/reports/{report_id}/close": Rule(401, 401, private=None),
    "GET /admin/channels": Rule(404, 404, private=None),
    "GET /admin/deliveries": Rule(404, 404, private=None),
    "POST /admin/deliveries/requeue": Rule(401, 401, private=None),
    "GET /admin/audit": Rule(404, 404, private=None),
    # There only while mail goes into the development mailbox, and here it does not.
    "GET /dev/mailbox": Rule(404, 404, private=None),
    "GET /dev/mailbox.json": Rule(404, 404, private=None),
    "GET /dev/mailbox/{mail_id}": Rule(404, 404, private=None),
    "GET /dev/mailbox/{mail_id}/body": Rule(404, 404, private=None),
}
ABOUT_EVENTS = [route for route, rule in RULES.items() if "{event_id}" in route]


OPEN = {"POST /api/auth/register", "POST /api/events/{event_id}/report"}
"""Anybody may have this done; whom a mail reaches is the business of the address, and a report is the operators'."""


def routes(stage: Stage) -> set[str]:
    """Of the application itself: a page that no document names is found too."""
    return {
        f"{method} {route.path}"
        for route in routes_of(stage.app).all
        for method in methods_of(route)
        if method != "HEAD"
    }


async def test_every_route_is_in_the_table(stage: Stage) -> None:
    assert sorted(routes(stage)) == sorted(RULES)


def test_whatever_is_about_an_event_is_tried_on_a_private_one() -> None:
    assert [route for route in ABOUT_EVENTS if not RULES[route].private] == []


@dataclass(frozen=True)
class Ids:
    """What alice has: a public and a private event, a channel, a message; and bob's subscription to the first."""

    event_id: str
    private: str
    integration_id: int
    subscription_id: int
    notification_id: int
    invitation_id: int
    session_id: int
    identity_id: int

    def fill(self, route: str, event_id: str) -> tuple[str, str]:
        method, path = route.split(" ")
        ids = {"integration_id": self.integration_id, "subscription_id": self.subscription_id}
        ids |= {
            "invitation_id": self.invitation_id,
            "user_id": 1,
            "report_id": 1,
            "session_id": self.session_id,
            "identity_id": self.identity_id,
            "notification_id": self.notification_id,
            "message_id": self.notification_id,
            "channel_id": self.integration_id,
        }
        return method, path.format(
            event_id=event_id,
            token="forged",
            name="nothing",
            mail_id="nothing",
            link="forged",
            secret="forged",
            which="follows",
            platform="discord",
            kind="webhook",
            **ids,
        )


async def _identity_of(stage: Stage, user_id: int) -> int:
    async with stage.core.db.write() as session:
        row = Identity(user_id=user_id, platform="discord", tenant_id="", external_id="7", display_name="Alice")
        row.created_at = stage.clock.now()
        session.add(row)
        await session.flush()
        return row.id


async def _furnished(stage: Stage) -> Ids:
    event = await stage.event()
    followed = await stage.bob.post(f"/api/events/{event}/subscribe")
    message = await stage.alice.post(f"/api/events/{event}/notify", {"title": "Hello", "body": "All of you"})
    channels = await stage.alice.get("/api/integrations")
    invitation = await stage.alice.post(f"/api/events/{event}/invitations", {"kind": "link"})
    await signed_in(stage, "alice@example.org")
    sessions = await stage.alice.get("/api/me/sessions")
    return Ids(
        event_id=event,
        private=await stage.event(is_public=False),
        integration_id=channels.json["items"][0]["id"],
        subscription_id=followed.json["subscriptions"][0]["id"],
        notification_id=message.json["id"],
        invitation_id=invitation.json["id"],
        session_id=sessions.json["items"][0]["id"],
        identity_id=await _identity_of(stage, 1),
    )


@dataclass(frozen=True)
class Scenery:
    folder: Path
    ids: Ids


@pytest.fixture(scope="session")
async def scenery(tmp_path_factory: pytest.TempPathFactory, inhabited: Inhabited) -> Scenery:
    """Furnished once, copied for each test."""
    folder = tmp_path_factory.mktemp("scenery")
    async with playing(settings_in(folder), inhabited) as stage:
        ids = await _furnished(stage)
    return Scenery(folder, ids)


@pytest.fixture
async def stage(settings: Settings, inhabited: Inhabited, scenery: Scenery) -> AsyncIterator[Stage]:
    async with playing(settings, replace(inhabited, folder=scenery.folder)) as made:
        yield made


@pytest.fixture
def ids(scenery: Scenery) -> Ids:
    return scenery.ids


@pytest.mark.parametrize("route", RULES)
async def test_nobody_gets_in_without_a_token(stage: Stage, ids: Ids, route: str) -> None:
    rule, before = RULES[route], await stage.rows()
    method, path = ids.fill(route, ids.event_id)
    answer = await stage.visitor.send(method, path, json=rule.body)
    assert answer.status == rule.anonymous, answer.text
    if answer.status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
    if route not in OPEN:
        assert await stage.rows() == before


@pytest.mark.parametrize("route", RULES)
async def test_a_stranger_touches_nothing_that_is_not_theirs(stage: Stage, ids: Ids, route: str) -> None:
    rule, before = RULES[route], await stage.rows()
    method, path = ids.fill(route, ids.event_id)
    answer = await stage.carol.send(method, path, json=rule.body)
    assert answer.status == rule.stranger, answer.text
    if rule.stranger >= 400:
        assert await stage.rows() == before


@pytest.mark.parametrize("route", [route for route, rule in RULES.items() if rule.private])
async def test_a_private_event_does_not_exist_for_a_stranger(stage: Stage, ids: Ids, route: str) -> None:
    rule = RULES[route]
    method, path = ids.fill(route, ids.private)
    assert (await stage.carol.send(method, path, json=rule.body)).status == rule.private
    assert (await stage.visitor.send(method, path, json=rule.body)).status in (401, rule.private)


@pytest.mark.parametrize("route", ABOUT_EVENTS)
async def test_an_event_that_goes_private_is_gone_for_strangers_at_once_and_back_when_it_is_public(
    stage: Stage, ids: Ids, route: str
) -> None:
    rule = RULES[route]
    method, path = ids.fill(route, ids.event_id)
    before = await stage.carol.send(method, path, json=rule.body)
    known = {"if-none-match": before.headers["etag"]} if "etag" in before.headers else {}
    assert before.status == rule.stranger
    await stage.alice.patch(f"/api/events/{ids.event_id}", {"is_public": False})
    for who, expected in ((stage.carol, (rule.private,)), (stage.visitor, (401, rule.private))):
        answer = await who.send(method, path, json=rule.body, headers=known)
        assert answer.status in expected
        assert "Film night" not in answer.text
    await stage.alice.patch(f"/api/events/{ids.event_id}", {"is_public": True})
    assert (await stage.carol.send(method, path, json=rule.body)).status == rule.stranger


async def test_a_stranger_who_is_signed_in_sees_no_page_of_an_organizer(stage: Stage, ids: Ids) -> None:
    carol = await signed_in(stage, "carol@example.org")
    pages = [route for route in ABOUT_EVENTS if RULES[route].private in (303, 401) and not route.endswith("/message")]
    assert len(pages) > 10
    before = await stage.rows()
    for route in pages:
        for event, expected in ((ids.event_id, (403, 404)), (ids.private, (404,))):
            method, path = ids.fill(route, event)
            answer = await carol.send(method, path)
            assert answer.status in expected, route
            assert "Film night" not in answer.text
    assert await stage.rows() == before


async def test_lists_hold_nothing_of_other_people(stage: Stage, ids: Ids) -> None:
    for path in ("/api/events", "/api/events?which=subscribed", "/api/me/subscriptions"):
        assert (await stage.carol.get(path)).json["items"] == []
    channels = (await stage.carol.get("/api/integrations")).json["items"]
    assert ids.integration_id not in [channel["id"] for channel in channels]


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Basic YWxpY2U6", "nonsense", "Bearer \xff"])
async def test_a_wrong_token_is_refused_even_where_none_is_needed(stage: Stage, ids: Ids, header: str) -> None:
    answer = await Client(stage.app).get(f"/api/events/{ids.event_id}", authorization=header)
    assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")

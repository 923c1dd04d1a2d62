"""What an organizer is told about their event: that it is live and how to share it, and what went wrong while it is
news."""

import pytest
from sqlalchemy import select, update

from core.contracts import EventStatus
from core.db.models import Delivery, Notification
from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import signed_in
from tests.web.test_creating import TYPED, fields
from tests.web.test_managing import event, messages, sent, settle  # noqa: F401 - a fixture


@pytest.fixture
async def alice(stage: Stage) -> Browser:
    return await signed_in(stage, "alice@example.org")


async def health(alice: Browser, event_id: str) -> str:
    return (await alice.get(f"/e/{event_id}/health", hx_request="true")).read


async def created(alice: Browser, **typed: str) -> str:
    look = await alice.form("/new", {**TYPED, **typed, "step": "look"})
    made = await alice.form("/new", {**fields(look), "step": "create"})
    return made.headers["location"]


async def test_an_event_just_created_says_that_it_is_live_and_how_to_share_it(alice: Browser) -> None:
    where = await created(alice)
    page = (await alice.get(where)).text
    address = f"https://soonish.test{where.partition('?')[0]}"
    assert "It's live" in page
    assert page.count(f'data-copy="{address}" hidden') == 2
    assert f'data-share="{address}"' in page
    later = (await alice.get(where.partition("?")[0])).text
    assert ("It's live" in later, "data-share" in later) == (False, False)


async def test_only_its_organizer_is_told_that_an_event_is_live(stage: Stage, alice: Browser) -> None:
    where = await created(alice)
    for other in (await signed_in(stage, "bob@example.org"), Browser(stage.app)):
        assert "It's live" not in (await other.get(where)).text


async def test_a_private_event_leads_its_organizer_to_the_invitations_and_nobody_to_its_link(alice: Browser) -> None:
    where = await created(alice, visibility="private")
    page, people = where.partition("?")[0], f'href="{where.partition("?")[0]}/people"'
    fresh = (await alice.get(where)).text
    assert ("It's live" in fresh, people in fresh, "data-share" in fresh) == (True, True, False)
    assert people in (await alice.get(page)).text
    managed = (await alice.get(f"{page}/manage")).text
    assert "Nobody follows it yet. Only people you invite can see it:" in managed
    assert "Share its link" not in managed


async def test_what_did_not_arrive_is_named_and_leads_to_its_report_until_it_did(
    stage: Stage,
    alice: Browser,
    event: str,  # noqa: F811
) -> None:
    where = (await sent(alice, event)).headers["location"]
    message = (await messages(stage))[0]
    await settle(stage, message, "delivered", but=1)
    said = await health(alice, event)
    assert f'<a href="{where}">“Rain: we are inside”</a> did not arrive on 1 channel. That webhook is gone.' in said
    answer = await alice.get(f"/api/events/{event}/workflow/status")
    assert answer.json["undelivered"] == {
        "id": message, "title": "Rain: we are inside", "failed": 1, "reason": "That webhook is gone.",
    }  # fmt: skip
    await settle(stage, message, "delivered")
    assert "did not arrive" not in await health(alice, event)


async def test_what_did_not_arrive_is_no_news_once_the_event_is_cancelled_but_that_word_is(
    stage: Stage,
    alice: Browser,
    event: str,  # noqa: F811
) -> None:
    await sent(alice, event)
    await settle(stage, (await messages(stage))[0], "delivered", but=1)
    assert (await stage.alice.post(f"/api/events/{event}/cancel")).status == 200
    assert "did not arrive" not in await health(alice, event)
    async with stage.core.db.write() as session:
        word = select(Notification.id).where(Notification.kind == "cancelled")
        await session.execute(
            update(Delivery).where(Delivery.notification_id.in_(word)).values(status="dead", reason="It is gone.")
        )
    assert "“Film night is cancelled”</a> did not arrive on 2 channels. It is gone." in await health(alice, event)


async def test_an_event_that_is_over_is_not_called_on_schedule(
    stage: Stage,
    alice: Browser,
    event: str,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def runs(_: str) -> EventStatus:
        return EventStatus(sending=[], wake_at=None, rings=0, subscribers=2, scheduled={})

    monkeypatch.setattr(stage.temporal, "event_status", runs)
    await sent(alice, event)
    await settle(stage, (await messages(stage))[0], "delivered", but=1)
    assert "On schedule" in await health(alice, event)
    stage.clock.pass_(days=400)
    over = await health(await signed_in(stage, "alice@example.org"), event)
    assert "On schedule" not in over
    assert '<span class="pill "><span class="dot"></span>Over</span>' in over
    assert "did not arrive" not in over

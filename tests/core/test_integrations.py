"""Channels: tested before they are saved, switched, removed; and never does anything show a URL."""

import datetime as dt
import logging
from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel, ValidationError
from sqlalchemy import select, update

from core.db.models import Delivery, Integration, SuppressedAddress
from core.delivery.channels import read_channel
from core.delivery.message import Outcome
from core.errors import Code
from core.integrations.model import IntegrationChange, IntegrationView, NewIntegration
from core.integrations.usecases import (
    add_integration,
    change_integration,
    disable_channel,
    list_integrations,
    mark_unreachable,
    remove_integration,
    store_integration,
    try_integration,
)
from core.notifications.model import NewMessage
from core.notifications.usecases import event_deliveries, report, send_message
from core.pages import PageRequest
from core.subscriptions.confirm import confirm, look_at_confirm
from core.subscriptions.join import subscribe_by_channel
from core.subscriptions.model import SubscribeByChannel
from core.subscriptions.views import event_subscriptions, my_subscriptions
from core.tokens import ConfirmToken, confirm_token
from core.wiring import Outbound, build_outbound
from core.work import SYSTEM, Core, Once
from tests.core.look import (
    NOBODY,
    audit,
    deliveries,
    one_audit_row,
    refusal,
    refused_without_a_trace,
    rows,
    subscriptions,
    table_sizes,
)
from tests.people import EVERYTHING, Town, until
from tests.servers import SmtpSink, WebhookSink

SECRET = "s3cretpath"


@pytest.fixture
async def outbound(core: Core) -> AsyncIterator[Outbound]:
    built = build_outbound(core)
    await built.sender.start()
    yield built
    await built.sender.close()


def hook_url(hooks: WebhookSink, path: str = f"/{SECRET}") -> str:
    return hooks.url(path).replace("http:", "json:")


async def add(town: Town, outbound: Outbound, url: str, tag: str | None = None, name: str = "Hook") -> IntegrationView:
    new = NewIntegration(name=name, apprise_url=url, tag=tag)
    return await add_integration(town.core, outbound, town.bob.actor, new)


async def the_row(town: Town, integration_id: int) -> Integration:
    (row,) = await rows(town.core, select(Integration).where(Integration.id == integration_id))
    return row


async def waiting_for(town: Town, integration_id: int) -> list[Delivery]:
    return await rows(
        town.core, select(Delivery).where(Delivery.integration_id == integration_id).order_by(Delivery.id)
    )


def yes_link(town: Town, row: Integration) -> str:
    assert row.confirm_requested_at is not None
    return confirm_token(town.core.keys, ConfirmToken("integration", row.id, int(row.confirm_requested_at.timestamp())))


# Adding


async def test_a_channel_is_tested_and_then_saved(town: Town, outbound: Outbound, hooks: WebhookSink) -> None:
    view = await add(town, outbound, hook_url(hooks), tag="WorK")
    assert (view.tag, view.is_active, view.confirmed) == ("work", True, True)
    assert hooks.counts() == {f"/{SECRET}": 1}
    assert (await audit(town.core))[-1].action == "store_integration"
    sealed = (await the_row(town, view.id)).apprise_url
    assert SECRET.encode() not in sealed


async def test_a_failed_test_saves_nothing_and_says_why(town: Town, outbound: Outbound, hooks: WebhookSink) -> None:
    hooks.answer(status=404)
    before = (await table_sizes(town.core))["integrations"]
    refused = await refusal(add(town, outbound, hook_url(hooks)), Code.INVALID)
    assert "404" in refused.message
    assert refused.field == "apprise_url"
    assert (await table_sizes(town.core))["integrations"] == before


async def test_nobody_in_particular_cannot_make_us_send_a_test(
    town: Town, outbound: Outbound, hooks: WebhookSink
) -> None:
    new = NewIntegration(name="Hook", apprise_url=hook_url(hooks))
    await refused_without_a_trace(town.core, add_integration(town.core, outbound, NOBODY, new), Code.UNAUTHENTICATED)
    assert hooks.requests == []


async def test_the_same_destination_and_tag_is_a_conflict_however_it_is_spelled(town: Town) -> None:
    await town.channel(town.bob, "json://192.0.2.7/hook", tag="one")
    again = read_channel("json://192.0.2.7:80/hook")
    await refused_without_a_trace(
        town.core,
        town.core.act(town.bob.actor, store_integration, again, "Again", "one", confirmed=True),
        Code.CONFLICT,
    )
    other = await town.core.act(town.bob.actor, store_integration, again, "Again", "two", confirmed=True)
    await refused_without_a_trace(
        town.core,
        town.core.act(town.bob.actor, change_integration, other.id, IntegrationChange(tag="ONE")),
        Code.CONFLICT,
    )
    await town.channel(town.carol, "json://192.0.2.7/hook", tag="one")


@pytest.mark.parametrize("tag", ["", " ", "two words", "x" * 33, "a/b"])
def test_a_tag_is_one_word(tag: str) -> None:
    with pytest.raises(ValidationError):
        NewIntegration(name="Hook", apprise_url="json://x", tag=tag)


async def test_a_repeated_request_sends_no_second_test(town: Town, outbound: Outbound, hooks: WebhookSink) -> None:
    new = NewIntegration(name="Hook", apprise_url=hook_url(hooks))
    once = Once.of("bob", "key", new.model_dump())
    first = await add_integration(town.core, outbound, town.bob.actor, new, once)
    assert await add_integration(town.core, outbound, town.bob.actor, new, once) == first
    assert len(hooks.requests) == 1


# Somebody else's address


async def test_somebody_elses_address_stays_off_until_its_link_is_pressed(town: Town, outbound: Outbound) -> None:
    event = await town.event()
    view = await add(town, outbound, "mailto://friend@example.org", name="Friend")
    assert (view.is_active, view.confirmed) == (False, False)
    switch_on = IntegrationChange(is_active=True)
    await refused_without_a_trace(
        town.core, town.core.act(town.bob.actor, change_integration, view.id, switch_on), Code.CONFLICT
    )
    await refused_without_a_trace(
        town.core, try_integration(town.core, outbound, town.bob.actor, view.id), Code.CONFLICT
    )
    follow = SubscribeByChannel(integration_ids=[view.id])
    await refusal(town.core.act(town.bob.actor, subscribe_by_channel, event.id, follow), Code.INVALID)
    link = yes_link(town, await the_row(town, view.id))
    page = await town.core.ask(NOBODY, look_at_confirm, link)
    assert (page.what, page.state) == ("channel", "open")
    async with one_audit_row(town.core, "confirm"):
        assert (await town.core.act(NOBODY, confirm, link)).state == "done"
    assert (await the_row(town, view.id)).is_active
    assert (await town.core.act(NOBODY, confirm, link)).state == "done"


async def test_ones_own_verified_address_needs_no_second_yes(town: Town, outbound: Outbound) -> None:
    view = await add(town, outbound, f"mailto://{town.bob.email.upper()}", tag="other")
    assert (view.is_active, view.confirmed) == (True, True)


async def test_every_address_has_the_same_tag_and_the_accounts_own_is_where_it_is_told(
    town: Town, outbound: Outbound
) -> None:
    second = await add(town, outbound, "mailto://friend@example.org")
    await town.core.act(NOBODY, confirm, yes_link(town, await the_row(town, second.id)))
    mail = (await town.core.ask(town.bob.actor, list_integrations, EVERYTHING)).items
    assert [each.tag for each in mail] == ["email", "email"]
    (own,) = {each.id for each in mail} - {second.id}
    async with town.core.db.write() as session:  # as if the own address had come later
        await session.execute(update(Integration).where(Integration.id == own).values(id=own + 1_000))
    event = await town.event()
    assert [each.integration_id for each in await town.follow(town.bob, event)] == [own + 1_000]


async def test_a_link_for_a_channel_that_was_removed_switches_nothing_on(town: Town, outbound: Outbound) -> None:
    view = await add(town, outbound, "mailto://friend@example.org")
    link = yes_link(town, await the_row(town, view.id))
    await town.core.act(town.bob.actor, remove_integration, view.id)
    assert (await town.core.act(NOBODY, confirm, link)).state == "ended"
    row = await the_row(town, view.id)
    assert (row.is_active, row.confirmed_at) == (False, None)


async def test_a_suppressed_address_is_not_asked_and_the_owner_is_not_told(town: Town, outbound: Outbound) -> None:
    destination = town.core.keys.digest("destination", "mailto:friend@example.org")
    async with town.core.db.write() as session:
        session.add(SuppressedAddress(destination=destination, created_at=town.clock.now()))
    view = await add(town, outbound, "mailto://friend@example.org")
    assert (view.is_active, view.confirmed) == (False, False)
    assert await waiting_for(town, view.id) == []


async def test_an_address_is_asked_once_a_day_whoever_adds_it(town: Town, outbound: Outbound) -> None:
    await add(town, outbound, "mailto://friend@example.org")
    new = NewIntegration(name="Mine", apprise_url="mailto://friend@example.org")
    refused = await refusal(add_integration(town.core, outbound, town.carol.actor, new), Code.LIMITED)
    assert refused.retry_after


async def test_no_test_is_sent_to_an_address_that_asked_for_no_more_mail(town: Town, outbound: Outbound) -> None:
    (email,) = (await town.core.ask(town.bob.actor, list_integrations, EVERYTHING)).items
    async with town.core.db.write() as session:
        row = await session.get_one(Integration, email.id)
        session.add(SuppressedAddress(destination=row.destination, created_at=town.clock.now()))
    await refused_without_a_trace(
        town.core, try_integration(town.core, outbound, town.bob.actor, email.id), Code.CONFLICT
    )


# Whose


async def test_a_strangers_channel_does_not_exist(town: Town, outbound: Outbound) -> None:
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    for who, code in ((town.carol.actor, Code.NOT_FOUND), (NOBODY, Code.UNAUTHENTICATED)):
        for doing in (
            town.core.act(who, change_integration, hook, IntegrationChange(name="Mine")),
            town.core.act(who, remove_integration, hook),
            town.core.act(who, mark_unreachable, hook, "closed"),
            try_integration(town.core, outbound, who, hook),
        ):
            await refused_without_a_trace(town.core, doing, code)
    assert hook not in [
        view.id for view in (await town.core.ask(town.carol.actor, list_integrations, EVERYTHING)).items
    ]
    await refusal(town.core.ask(NOBODY, list_integrations, EVERYTHING), Code.UNAUTHENTICATED)


async def test_channels_come_in_pages(town: Town) -> None:
    ids = [await town.channel(town.bob, f"json://192.0.2.7/{n}") for n in range(3)]
    first = await town.core.ask(town.bob.actor, list_integrations, PageRequest(limit=2))
    second = await town.core.ask(town.bob.actor, list_integrations, PageRequest(limit=2, cursor=first.next))
    assert [view.id for view in first.items] == [ids[2], ids[1]]
    assert second.items[0].id == ids[0]
    assert second.next is None


# Removing


async def test_removing_ends_subscriptions_skips_what_waits_and_forgets_the_url(town: Town) -> None:
    event = await town.event()
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    await town.follow(town.bob, event, hook)
    async with one_audit_row(town.core, "remove_integration"):
        removed = await town.core.act(town.bob.actor, remove_integration, hook)
    assert removed.ended_subscriptions == 1
    assert [(row.state, row.ended_by) for row in await subscriptions(town, event)] == [("ended", "channel_removed")]
    assert [(row.status, row.code) for row in await waiting_for(town, hook)] == [("skipped", "channel_removed")]
    assert town.core.keys.open((await the_row(town, hook)).apprise_url) == ""
    assert hook not in [view.id for view in (await town.core.ask(town.bob.actor, list_integrations, EVERYTHING)).items]
    await refused_without_a_trace(town.core, town.core.act(town.bob.actor, remove_integration, hook), Code.NOT_FOUND)


async def test_a_removed_channel_can_be_added_again_and_follows_nothing_by_itself(town: Town) -> None:
    event = await town.event()
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    await town.follow(town.bob, event, hook)
    await town.core.act(town.bob.actor, remove_integration, hook)
    assert await town.channel(town.bob, "json://192.0.2.7/hook", "New name") == hook
    assert town.core.keys.open((await the_row(town, hook)).apprise_url).startswith("json://")
    assert [row.state for row in await subscriptions(town, event)] == ["ended"]
    await town.follow(town.bob, event, hook)
    assert [row.state for row in await subscriptions(town, event)] == ["active"]


# Permanent failures


async def test_a_channel_that_failed_for_good_is_switched_off_and_its_owner_told_elsewhere(town: Town) -> None:
    hook = await town.channel(town.bob, "json://192.0.2.7/hook", "My hook")
    async with one_audit_row(town.core, "disable_channel"):
        await town.core.act(SYSTEM, disable_channel, hook, "The server answered 410: this address is gone for good.")
    row = await the_row(town, hook)
    assert (row.is_active, row.disabled_reason) == (False, "The server answered 410: this address is gone for good.")
    before = await table_sizes(town.core)
    await town.core.act(SYSTEM, disable_channel, hook, "Again.")
    assert await table_sizes(town.core) == before
    (email,) = [
        view for view in (await town.core.ask(town.bob.actor, list_integrations, EVERYTHING)).items if view.id != hook
    ]
    (told,) = await waiting_for(town, email.id)
    assert told.label == "Bob"


async def test_the_owner_is_not_told_through_another_row_of_the_same_broken_end_point(town: Town) -> None:
    (email,) = (await town.core.ask(town.bob.actor, list_integrations, EVERYTHING)).items
    same = await town.channel(town.bob, f"mailto://{town.bob.email}", tag="also")
    hook = await town.channel(town.bob, "json://192.0.2.7/hook")
    await town.core.act(SYSTEM, disable_channel, email.id, "No such mailbox.")
    assert await waiting_for(town, same) == []
    assert len(await waiting_for(town, hook)) == 1


async def test_an_owner_without_another_channel_sees_it_on_the_channel_itself(town: Town) -> None:
    (email,) = (await town.core.ask(town.bob.actor, list_integrations, EVERYTHING)).items
    before = await table_sizes(town.core)
    await town.core.act(SYSTEM, disable_channel, email.id, "No such mailbox.")
    assert await table_sizes(town.core) == before
    (email,) = (await town.core.ask(town.bob.actor, list_integrations, EVERYTHING)).items
    assert (email.is_active, email.disabled_reason) == (False, "No such mailbox.")


async def test_switched_off_deliveries_wait_and_switched_on_they_go_out_unless_stale(
    live: Town, hooks: WebhookSink
) -> None:
    event = await live.event()
    hook = await live.channel(live.bob, hook_url(hooks, "/bob"))
    await live.follow(live.bob, event, hook)
    await hooks.wait_for(1)
    await live.core.act(live.bob.actor, change_integration, hook, IntegrationChange(is_active=False))
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Later", body="is fine"))

    async def statuses() -> list[str]:
        return [row.status for row in await deliveries(live.core, sent.id)]

    await until(statuses, lambda found: found == ["pending"])
    assert (await live.report(sent.id)).waiting == 1
    await live.core.act(live.bob.actor, change_integration, hook, IntegrationChange(is_active=True))
    assert (await live.settled(sent.id)).delivered == 1
    assert len(hooks.requests) == 2

    await live.core.act(live.bob.actor, change_integration, hook, IntegrationChange(is_active=False))
    stale = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Stale", body="news"))
    await until(lambda: deliveries(live.core, stale.id), lambda found: found[0].status == "pending")
    live.clock.shift = dt.timedelta(days=60)
    await live.core.act(live.bob.actor, change_integration, hook, IntegrationChange(is_active=True))
    assert (await live.settled(stale.id)).skipped == 1
    assert len(hooks.requests) == 2


async def test_a_channel_that_is_gone_is_switched_off_by_the_worker_and_its_owner_mailed(
    live: Town, hooks: WebhookSink, smtp: SmtpSink
) -> None:
    event = await live.event()
    hook = await live.channel(live.bob, hook_url(hooks, "/gone"), "My hook")
    hooks.answer("/gone", status=410)
    await live.follow(live.bob, event, hook)
    await smtp.wait_for(1, to=live.bob.email)
    mail = smtp.to(live.bob.email)[0]
    assert mail.subject == "Your channel My hook was switched off"
    assert "gone for good" in mail.text
    assert "/gone" not in mail.text + mail.html


# Nothing shows a URL


async def test_no_answer_and_no_repr_shows_a_url(
    town: Town, outbound: Outbound, hooks: WebhookSink, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    event = await town.event()
    new = NewIntegration(name="Hook", apprise_url=hook_url(hooks))
    view = await add_integration(town.core, outbound, town.bob.actor, new)
    mail = await add(town, outbound, "mailto://friend-s3cretpath@example.org", tag="friend")
    await town.core.act(NOBODY, confirm, yes_link(town, await the_row(town, mail.id)))
    followed = await town.core.act(
        town.bob.actor, subscribe_by_channel, event.id, SubscribeByChannel(integration_ids=[view.id, mail.id])
    )
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    hooks.answer(status=500)
    answers: list[BaseModel] = [
        new,
        view,
        followed,
        await town.core.ask(town.bob.actor, list_integrations, EVERYTHING),
        await town.core.ask(town.bob.actor, my_subscriptions, EVERYTHING),
        await town.core.ask(town.alice.actor, event_subscriptions, event.id, EVERYTHING),
        await town.core.ask(town.alice.actor, report, sent.id, EVERYTHING),
        await town.core.ask(town.alice.actor, event_deliveries, event.id, EVERYTHING),
        await try_integration(town.core, outbound, town.bob.actor, view.id),
        await town.core.act(town.bob.actor, remove_integration, view.id),
    ]
    shown = [repr(answer) for answer in answers] + [answer.model_dump_json() for answer in answers[1:]]
    shown += [repr(vars(row)) for row in await audit(town.core)]
    shown += [repr(vars(row)) for row in await rows(town.core, select(Integration))]
    shown += [record.getMessage() for record in caplog.records if record.name.startswith(("core", "worker"))]
    assert [text for text in shown if SECRET in text or town.bob.email in text] == []


def test_an_outcome_that_is_refused_carries_no_url() -> None:
    assert "://" not in repr(Outcome(delivered=False, code="blocked", reason="Not on the public internet."))

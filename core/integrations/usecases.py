"""A person's channels: add with a test, list, rename, switch, remove. What reaches the network does so before the
transaction, never inside it."""

import asyncio

from sqlalchemy import func, select, update

from core.accounts.sessions import require_sudo
from core.contracts import NOTIFICATION_OWED
from core.db.models import Delivery, Integration, SuppressedAddress, User
from core.delivery.addresses import Channel
from core.delivery.channels import check_destination, read_channel
from core.delivery.message import Message, Outcome
from core.delivery.sender import Sender
from core.errors import SoonishError, conflict, invalid, not_found
from core.integrations.flush import flush_channel
from core.integrations.model import IntegrationChange, IntegrationView, NewIntegration, Removed, Tested, view_of
from core.integrations.store import add_channel, default_tag
from core.limits import DAY, HOUR, demand
from core.notifications.owe import default_channel, new_notification, owe_channel
from core.pages import Page, PageRequest, cut, position
from core.subscriptions.leave import end_channel_subscriptions
from core.wiring import Outbound
from core.work import Actor, Core, Once, Work

_TEST_SECONDS = 5.0
_CHANNELS_AT_MOST = 100


async def add_integration(
    core: Core, outbound: Outbound, actor: Actor, new: NewIntegration, once: Once | None = None
) -> IntegrationView:
    """Read the URL, check where it leads, send a test, and only then save. A failed test saves nothing."""
    if (before := await core.answered(once, store_integration)) is not None:
        return before
    channel = read_channel(new.apprise_url)
    tag = new.tag or default_tag(channel)
    ours = await core.act(actor, prepare_integration, channel)
    if channel.address is None:
        await outbound.openings.refresh()
        await check_destination(channel, outbound.policy)
        outcome = await send_test(outbound.sender, channel.url)
        if not outcome.delivered:
            raise _refused(outcome)
    return await core.act_once(once, actor, store_integration, channel, new.name, tag, confirmed=ours)


async def prepare_integration(work: Work, channel: Channel) -> bool:
    """Limits before anything is sent. Whether the channel may be switched on at once (not somebody else's address)."""
    user = await work.session.get(User, work.actor.require_user())
    await require_sudo(work)
    await count_test(work)
    count = await work.session.scalar(
        select(func.count()).where(Integration.user_id == work.actor.user_id, Integration.removed_at.is_(None))
    )
    if (count or 0) >= _CHANNELS_AT_MOST:
        raise conflict(f"You have {_CHANNELS_AT_MOST} channels.", hint="Remove one first.")
    return channel.address is None or (
        user is not None and user.email == channel.address and user.email_verified_at is not None
    )


async def store_integration(work: Work, channel: Channel, name: str, tag: str, *, confirmed: bool) -> IntegrationView:
    """Save a channel that was tested, or one whose address must confirm first."""
    user = await work.session.get(User, work.actor.require_user())
    if user is None or user.erased_at is not None:  # erased while the far end was asked
        raise not_found("account")
    row = await add_channel(
        work,
        channel,
        user_id=user.id,
        name=name,
        tag=tag,
        label=f"{user.display_name} by {channel.kind}",
        confirmed=confirmed,
    )
    work.subject = f"integration:{row.id}"
    if not confirmed:
        await _ask_address(work, channel, row, user)
    return view_of(row)


async def _ask_address(work: Work, channel: Channel, row: Integration, user: User) -> None:
    """Somebody else's address stays off until it says yes."""
    if await work.session.get(SuppressedAddress, row.destination) is not None:
        return
    await demand(work, "confirm_channel", channel.destination, 1, DAY)
    notification = await new_notification(
        work,
        "confirm_channel",
        event=None,
        title="May Soonish write to this address?",
        data={"who": user.display_name},
    )
    await owe_channel(work, notification, row)
    work.ring(NOTIFICATION_OWED, notification.id, notification_id=notification.id)


async def list_integrations(work: Work, page: PageRequest) -> Page[IntegrationView]:
    query = select(Integration).where(
        Integration.user_id == work.actor.require_user(), Integration.removed_at.is_(None)
    )
    if page.cursor:
        query = query.where(Integration.id < position(page.cursor))
    rows = await work.session.scalars(query.order_by(Integration.id.desc()).limit(page.limit + 1))
    return cut([(row.id, view_of(row)) for row in rows], page)


async def change_integration(work: Work, integration_id: int, change: IntegrationChange) -> IntegrationView:
    """Rename, retag, switch. Switching on resets the failures and sends what waited."""
    row = await _mine(work, integration_id)
    await require_sudo(work)
    if change.name is not None:
        row.name = change.name
    if change.tag is not None and change.tag != row.tag:
        await _refuse_taken_tag(work, row, change.tag)
        row.tag = change.tag
    if change.is_active is True and not row.is_active:
        if row.confirmed_at is None:
            raise conflict("This address has not confirmed yet.", hint="Follow the link in the mail we sent to it.")
        row.is_active, row.failures, row.disabled_reason, row.last_error = True, 0, None, None
        await work.session.flush()
        work.detail = {"flushed": await flush_channel(work, row)}
    elif change.is_active is False:
        row.is_active, row.disabled_reason = False, None
    return view_of(row)


async def _refuse_taken_tag(work: Work, row: Integration, tag: str) -> None:
    taken = await work.session.scalar(
        select(Integration.id).where(
            Integration.user_id == row.user_id, Integration.destination == row.destination, Integration.tag == tag
        )
    )
    if taken is not None:
        raise conflict("This channel has that tag already in another row.", hint="Pick another tag.")


async def remove_integration(work: Work, integration_id: int) -> Removed:
    """Remove a channel: its subscriptions end, what waits for it is skipped, its URL is forgotten."""
    row = await _mine(work, integration_id)
    await require_sudo(work)
    ended = await end_channel_subscriptions(work, row)
    await work.session.execute(
        update(Delivery)
        .where(Delivery.integration_id == row.id, Delivery.status.in_(("queued", "pending")))
        .values(status="skipped", code="channel_removed", reason="The channel was removed.")
    )
    row.removed_at, row.is_active, row.apprise_url = work.now, False, work.keys.seal("")
    return Removed(ended_subscriptions=ended)


async def try_integration(core: Core, outbound: Outbound, actor: Actor, integration_id: int) -> Tested:
    """Send a test through a saved channel and say what the far end answered."""
    url = await core.act(actor, prepare_test, integration_id)
    await outbound.openings.refresh()
    outcome = await send_test(outbound.sender, url)
    return Tested(delivered=outcome.delivered, reason=outcome.reason or None)


async def prepare_test(work: Work, integration_id: int) -> str:
    """The URL that a test may be sent to."""
    row = await _mine(work, integration_id)
    if row.confirmed_at is None:
        raise conflict("This address has not confirmed yet.", hint="Follow the link in the mail we sent to it.")
    if await work.session.get(SuppressedAddress, row.destination) is not None:
        raise conflict("This address asked for no more mail from us.", hint="Use another channel.")
    await count_test(work)
    return work.keys.open(row.apprise_url)


async def count_test(work: Work) -> None:
    """Before anything is sent that nobody owes."""
    await demand(work, "test_channel", str(work.actor.user_id), work.settings.channel_tests_per_hour, HOUR)


async def mark_unreachable(work: Work, integration_id: int, reason: str) -> None:
    """Its owner is looking at the answer, so nothing is sent about it."""
    row = await _mine(work, integration_id)
    row.is_active, row.disabled_reason = False, reason


async def disable_channel(work: Work, integration_id: int, reason: str) -> None:
    """A permanent failure: switch the channel off and tell its owner through another channel of theirs."""
    row = await work.session.get(Integration, integration_id, with_for_update={"key_share": True})
    if row is None or not row.is_active:
        return
    work.subject = f"integration:{row.id}"
    row.is_active, row.disabled_reason = False, reason
    await work.session.flush()
    if row.user_id is None:
        return
    other = await default_channel(work, row.user_id, not_to=row.destination)
    if other is None:
        return
    notification = await new_notification(
        work,
        "channel_disabled",
        event=None,
        title=f"Your channel {row.name} was switched off",
        data={"name": row.name, "reason": reason},
    )
    await owe_channel(work, notification, other)
    work.ring(NOTIFICATION_OWED, notification.id, notification_id=notification.id)


async def _mine(work: Work, integration_id: int) -> Integration:
    row = await work.session.scalar(
        select(Integration)
        .where(
            Integration.id == integration_id,
            Integration.user_id == work.actor.require_user(),
            Integration.removed_at.is_(None),
        )
        .with_for_update(key_share=True)
    )
    if row is None:
        raise not_found("channel")
    work.subject = f"integration:{row.id}"
    return row


async def send_test(sender: Sender, url: str) -> Outcome:
    text = "This is a test from Soonish: messages will arrive here."
    try:
        async with asyncio.timeout(_TEST_SECONDS):
            return await sender.send(url, Message("Soonish works here", text, text))
    except TimeoutError:
        return Outcome(delivered=False, code="timeout", reason="It did not answer within five seconds.")


def _refused(outcome: Outcome) -> SoonishError:
    return invalid(
        f"Not saved. {outcome.reason}", field="apprise_url", hint="Check the URL at the service and try again."
    )

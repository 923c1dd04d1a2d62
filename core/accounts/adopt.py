"""An address that an account has proved: its mail channel, and what it followed before there was an account."""

from sqlalchemy import case, select, update

from core.db.models import Delivery, EventGrant, Integration, Subscription, User
from core.delivery.addresses import MAIL_TAG, mail_channel
from core.integrations.flush import flush_channel
from core.integrations.store import add_channel
from core.work import Work

_WAITING = ("queued", "sending", "pending")


async def prove_address(work: Work, user: User) -> Integration:
    """The address said yes: the account is verified, and its mail channel is on."""
    assert user.email is not None  # noqa: S101 - called for accounts with an address
    user.is_verified = True
    user.email_verified_at = user.email_verified_at or work.now
    row = await _mail_channel_of(work, user)
    if row is None:
        channel = mail_channel(user.email)
        row = await add_channel(
            work, channel, user_id=user.id, name="E-mail", tag=MAIL_TAG, label=user.display_name, confirmed=True
        )
    elif row.removed_at is None and row.confirmed_at is None:
        row.confirmed_at, row.is_active, row.failures, row.disabled_reason = work.now, True, 0, None
        await work.session.flush()
        await flush_channel(work, row)
    return row


async def known_address(work: Work, user: User) -> Integration | None:
    """An address that said yes before said so again: its channel may be switched on, and stays as it is."""
    row = await _mail_channel_of(work, user)
    if row is not None and row.removed_at is None:
        row.confirmed_at = row.confirmed_at or work.now
    return row


async def _mail_channel_of(work: Work, user: User) -> Integration | None:
    """The channel of the account's own address; one that was removed if there is no other."""
    destination = work.keys.digest("destination", mail_channel(user.email or "").destination)
    row: Integration | None = await work.session.scalar(
        select(Integration)
        .where(Integration.user_id == user.id, Integration.destination == destination)
        .order_by(case((Integration.removed_at.is_(None), 0), else_=1), Integration.id)
        .limit(1)
    )
    return row


async def adopt(work: Work, mine: Integration) -> int:
    """What the address of this channel follows without an account becomes the account's. How many subscriptions.

    The anonymous row stays, without its address: links in old mail name it, and its end point is the same.
    """
    if mine.removed_at is not None:
        return 0
    anonymous = await work.session.scalar(
        select(Integration)
        .where(
            Integration.user_id.is_(None),
            Integration.destination == mine.destination,
            Integration.removed_at.is_(None),
        )
        .with_for_update(key_share=True)
    )
    if anonymous is None:
        return 0
    rows = list(await work.session.scalars(select(Subscription).where(Subscription.integration_id == anonymous.id)))
    twins = await _twins(work, mine)
    moved = 0
    for row in rows:
        twin = twins.get(row.event_id)
        if twin is None:
            row.integration_id, row.user_id = mine.id, mine.user_id
            moved += 1
        else:
            await _merge(work, row, twin)
    await work.session.execute(
        update(Delivery)
        .where(Delivery.integration_id == anonymous.id, Delivery.status.in_(_WAITING))
        .values(integration_id=mine.id)
    )
    # Who was let into a private event there is let in as the account.
    already = select(EventGrant.invitation_id).where(
        EventGrant.user_id == mine.user_id, EventGrant.invitation_id.is_not(None)
    )
    await work.session.execute(
        update(EventGrant)
        .where(
            EventGrant.integration_id == anonymous.id,
            EventGrant.invitation_id.is_(None) | EventGrant.invitation_id.not_in(already),
        )
        .values(user_id=mine.user_id)
        .execution_options(synchronize_session=False)
    )
    anonymous.apprise_url, anonymous.removed_at = work.keys.seal(""), work.now
    await work.session.flush()
    await flush_channel(work, mine)
    return moved


async def _twins(work: Work, mine: Integration) -> dict[int, Subscription]:
    """What the account follows at the same end point already, by event; a live one before one that ended."""
    rows = await work.session.scalars(
        select(Subscription)
        .join(Integration, Integration.id == Subscription.integration_id)
        .where(Integration.user_id == mine.user_id, Integration.destination == mine.destination)
        .order_by(case((Subscription.state == "ended", 0), else_=1), Subscription.id)
    )
    return {row.event_id: row for row in rows}


async def _merge(work: Work, row: Subscription, twin: Subscription) -> None:
    """The same person follows one event twice at one end point: one of them stays, and it is the account's."""
    if twin.state == "ended" and twin.ended_by != "removed" and row.state in ("active", "paused"):
        twin.state = row.state
        twin.ended_at = twin.ended_by = twin.ended_act = twin.state_before = None
    if row.state != "ended":
        row.state_before, row.state, row.ended_at, row.ended_by = row.state, "ended", work.now, "channel_removed"
    await work.session.execute(
        update(Delivery)
        .where(Delivery.subscription_id == row.id, Delivery.status.in_(_WAITING))
        .values(subscription_id=twin.id)
    )

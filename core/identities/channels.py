"""The channels of an account that merges into another."""

from sqlalchemy import select, update

from core.db.models import Delivery, Integration, Subscription, User
from core.delivery.addresses import MAIL_TAG
from core.integrations.flush import flush_channel
from core.work import Work


async def move_channels(work: Work, gone: User, kept: User) -> None:
    """They are `kept`'s, with what waits for them. One that `kept` has too leaves a row without its URL: old links name
    it, and its end point is the same."""
    theirs = list(await work.session.scalars(select(Integration).where(Integration.user_id == gone.id)))
    mine = {
        (row.destination, row.tag): row
        for row in await work.session.scalars(select(Integration).where(Integration.user_id == kept.id))
    }
    # What `kept` is told comes to its own address, so one that only comes along goes by another tag.
    has_mail = kept.email is not None and any(row.tag == MAIL_TAG and row.removed_at is None for row in mine.values())
    twins = []
    for row in theirs:
        if row.tag == MAIL_TAG and has_mail and (row.destination, MAIL_TAG) not in mine:
            row.tag = _free_tag({each.tag for each in theirs} | {tag for _, tag in mine})
        twin = mine.get((row.destination, row.tag))
        if twin is None:
            row.user_id = kept.id
        else:
            twins.append((row, twin))
    await work.session.flush()
    for row, twin in twins:
        await _become(work, row, twin)


def _free_tag(taken: set[str]) -> str:
    number = 2
    while f"{MAIL_TAG}-{number}" in taken:
        number += 1
    return f"{MAIL_TAG}-{number}"


async def _become(work: Work, row: Integration, twin: Integration) -> None:
    """The same end point under the same tag: `twin` stays. One that was removed, or whose address never said yes, is
    as good as the other was."""
    works = row.removed_at is None and row.confirmed_at is not None
    if row.removed_at is None and (twin.removed_at is not None or (works and twin.confirmed_at is None)):
        twin.apprise_url, twin.name, twin.kind, twin.label = row.apprise_url, row.name, row.kind, row.label
        twin.is_active, twin.confirmed_at, twin.removed_at = row.is_active, row.confirmed_at, None
        twin.confirm_requested_at, twin.failures = row.confirm_requested_at, row.failures
        twin.disabled_reason, twin.last_error = row.disabled_reason, row.last_error
    twin.identity_id = twin.identity_id or row.identity_id
    row.apprise_url, row.removed_at, row.is_active = work.keys.seal(""), row.removed_at or work.now, False
    row.identity_id = None
    await work.session.flush()
    await work.session.execute(update(Delivery).where(Delivery.integration_id == row.id).values(integration_id=twin.id))
    follows_too = select(Subscription.event_id).where(Subscription.integration_id == twin.id)
    await work.session.execute(
        update(Subscription)
        .where(Subscription.integration_id == row.id, Subscription.event_id.not_in(follows_too))
        .values(integration_id=twin.id)
        .execution_options(synchronize_session=False)
    )
    if twin.is_active:
        await flush_channel(work, twin)

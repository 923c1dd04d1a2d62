"""Writing a channel's row: sealed URL, keyed destination, masked label."""

from urllib.parse import unquote

from sqlalchemy import bindparam, select

from core.db.models import Integration
from core.delivery.addresses import MAIL, MAIL_TAG, Channel, mail_channel
from core.errors import conflict
from core.text import mask_address
from core.work import Work

_ANONYMOUS = (
    select(Integration)
    .where(Integration.user_id.is_(None), Integration.destination == bindparam("destination"))
    # Who adopts, erases or forgets it at the same time is waited for (PostgreSQL).
    .with_for_update(key_share=True)
)


def default_tag(channel: Channel) -> str:
    """The kind of the channel in one word. Every address has the one that the account's own has."""
    return MAIL_TAG if channel.kind == MAIL else channel.kind.split()[0].lower()


async def add_channel(
    work: Work, channel: Channel, *, user_id: int, name: str, tag: str, label: str, confirmed: bool
) -> Integration:
    """Insert a channel of an account, or revive the one that was removed. An unconfirmed one is inactive until its
    address says yes."""
    destination = work.keys.digest("destination", channel.destination)
    row = await work.session.scalar(
        select(Integration)
        .where(Integration.user_id == user_id, Integration.destination == destination, Integration.tag == tag)
        .with_for_update(key_share=True)
    )
    if row is None:
        row = Integration(user_id=user_id, destination=destination, tag=tag, created_at=work.now)
        work.session.add(row)
    elif row.removed_at is None:
        raise conflict("You have this channel already.", hint="Use the one you have, or give this one another tag.")
    row.name = name
    row.apprise_url = work.keys.seal(channel.url)
    row.kind = channel.kind
    row.label = label
    row.is_active = confirmed
    row.confirmed_at = work.now if confirmed else None
    row.confirm_requested_at = None if confirmed else work.now
    row.failures = 0
    row.disabled_reason = row.last_error = row.removed_at = None
    await work.session.flush()
    return row


async def kept_address(work: Work, destination: str) -> Channel | None:
    """The channel of an address of which somebody has only the keyed hash, while some row still keeps it."""
    query = select(Integration.apprise_url).where(
        Integration.destination == destination, Integration.kind == MAIL, Integration.removed_at.is_(None)
    )
    sealed = await work.session.scalar(query.order_by(Integration.id).limit(1))
    return mail_channel(unquote(work.keys.open(sealed).partition("://")[2])) if sealed is not None else None


async def anonymous_channel(work: Work, channel: Channel) -> tuple[Integration, bool]:
    """The row of an address without an account, found by its keyed hash, and whether it was made just now."""
    assert channel.address is not None  # noqa: S101 - only addresses are anonymous
    destination = work.keys.digest("destination", channel.destination)
    row = await work.session.scalar(_ANONYMOUS, {"destination": destination})
    is_new = row is None
    if row is None:
        row = Integration(
            user_id=None,
            name="E-mail",
            apprise_url=work.keys.seal(channel.url),
            kind=channel.kind,
            label=mask_address(channel.address),
            destination=destination,
            tag=MAIL_TAG,
            is_active=True,
            created_at=work.now,
        )
        work.session.add(row)
    elif row.removed_at is not None:
        row.apprise_url, row.label = work.keys.seal(channel.url), mask_address(channel.address)
        row.removed_at, row.erased_at, row.is_active, row.created_at = None, None, True, work.now
    await work.session.flush()
    return row, is_new

"""The direct messages of a chat identity, as a channel: one press makes it, and is its yes: nothing is tested."""

from sqlalchemy import bindparam, select

from core.db.models import Identity, Integration
from core.delivery.addresses import Channel, discord_direct, slack_direct
from core.delivery.message import Outcome
from core.errors import Code, SoonishError
from core.identities.actors import identity_row
from core.identities.signed import SignedIdentity
from core.integrations.flush import flush_channel
from core.integrations.model import IntegrationView, view_of
from core.integrations.usecases import count_test, mark_unreachable, send_test
from core.wiring import Outbound
from core.work import Actor, Core, Work

_AT_END_POINT = (
    select(Integration)
    .where(Integration.user_id == bindparam("account"), Integration.destination == bindparam("destination"))
    .order_by(Integration.removed_at.is_not(None), Integration.id)
    .limit(1)
    .with_for_update()
)


class DirectChannel(IntegrationView):
    opened: bool
    """This press made it or switched it on again, and no other did: `greet` is for it to say."""


async def direct_channel(work: Work) -> DirectChannel:
    """The channel of whoever a platform has just signed: the one there is, or a new one. One that failed for good is
    switched on again, because they ask for it; one that they switched off themselves stays off."""
    signed, identity = await _signed(work)
    channel = _channel_of(signed)
    row = await _row(work, identity, channel)
    is_new = row is None
    opened = row is None or row.removed_at is not None or row.disabled_reason is not None
    if row is None:
        row = _new(work, identity, channel)
    if row.removed_at is not None:
        row.tag, row.name, row.removed_at, row.is_active = signed.platform, channel.kind, None, True
    elif row.disabled_reason is not None:
        row.is_active = True
    if row.is_active:
        row.failures, row.disabled_reason, row.last_error = 0, None, None
    row.identity_id, row.apprise_url, row.kind = identity.id, work.keys.seal(channel.url), channel.kind
    row.label = f"{signed.name} by {channel.kind}"
    await work.session.flush()
    work.subject, work.detail = f"integration:{row.id}", {"identity": identity.id}
    if row.is_active and not is_new:
        await flush_channel(work, row)
    opened = opened and row.is_active
    if opened:
        await count_test(work)
    return DirectChannel(**view_of(row).model_dump(), opened=opened)


async def greet(core: Core, outbound: Outbound, actor: Actor, channel: DirectChannel) -> Outcome:
    """The first message through a channel that nobody tested. Refused for good, it is switched off, unless what was
    refused are the words."""
    assert actor.signed is not None  # noqa: S101 - `direct_channel` made the channel for whom the platform signed
    outcome = await send_test(outbound.sender, _channel_of(actor.signed).url)
    if outcome.permanent and not outcome.about_message:
        await core.act(actor, mark_unreachable, channel.id, outcome.reason)
    return outcome


async def _signed(work: Work) -> tuple[SignedIdentity, Identity]:
    signed, user_id = work.actor.signed, work.actor.require_user()
    identity = await identity_row(work, signed) if signed is not None else None
    if signed is None or identity is None or identity.user_id != user_id:
        raise SoonishError(
            Code.FORBIDDEN,
            "Direct messages come to a chat account.",
            hint="Ask for them in chat, or link that account.",
        )
    return signed, identity


def _channel_of(signed: SignedIdentity) -> Channel:
    if signed.platform == "slack":
        return slack_direct(signed.tenant_id, signed.external_id)
    return discord_direct(signed.external_id)


async def _row(work: Work, identity: Identity, channel: Channel) -> Integration | None:
    """By its end point, whatever tag it goes by now: somebody who unlinked and came back finds their old row."""
    destination = work.keys.digest("destination", channel.destination)
    given = {"account": identity.user_id, "destination": destination}
    found: Integration | None = await work.session.scalar(_AT_END_POINT, given)
    return found


def _new(work: Work, identity: Identity, channel: Channel) -> Integration:
    row = Integration(
        user_id=identity.user_id,
        name=channel.kind,
        tag=identity.platform,
        destination=work.keys.digest("destination", channel.destination),
        is_active=True,
        confirmed_at=work.now,
        failures=0,
        created_at=work.now,
    )
    work.session.add(row)
    return row

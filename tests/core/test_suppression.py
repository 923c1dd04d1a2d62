"""Never write to me again: whoever added the address, whatever it is about, and until its own person says otherwise."""

import pytest
from sqlalchemy import select

from core.accounts.users import vouch
from core.db.models import Delivery, Integration, Notification, SuppressedAddress
from core.delivery.addresses import mail_channel
from core.integrations.usecases import store_integration
from core.invitations.model import NewMail
from core.invitations.offer import invite
from core.notifications.kinds import KINDS, wanted
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.privacy.erase import erase_account
from core.subscriptions.confirm import confirm
from core.subscriptions.leave import unsubscribe
from core.tokens import ConfirmToken, UnsubscribeToken, confirm_token, unsubscribe_token
from tests.core.look import NOBODY, deliveries, rows
from tests.core.sent import ledger_of
from tests.core.steps import DAY, NORA, ask, joined, leave_link
from tests.people import OPERATOR, Town


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_kind_is_withheld_but_the_way_in_that_was_asked_for(name: str) -> None:
    verdict = wanted(
        KINDS[name], subscription=None, has_subscription=False, active=True, removed=False, suppressed=True,
        off_because=None,
    )  # fmt: skip
    assert (verdict.code == "suppressed") is (name != "sign_in")


async def suppressed(town: Town) -> int:
    async with town.core.db.read() as session:
        return len(list(await session.scalars(select(SuppressedAddress.destination))))


async def noras_channel_of_bobs(town: Town) -> int:
    """Bob has his nudges sent to nora, who once said yes to that."""
    view = await town.core.act(town.bob.actor, store_integration, mail_channel(NORA), "Nora", "nora", confirmed=False)
    (row,) = await rows(town.core, select(Integration).where(Integration.id == view.id))
    assert row.confirm_requested_at is not None
    link = ConfirmToken("integration", row.id, int(row.confirm_requested_at.timestamp()))
    await town.core.act(NOBODY, confirm, confirm_token(town.core.keys, link))
    return view.id


async def silenced(town: Town, integration_id: int) -> None:
    link = unsubscribe_token(town.core.keys, UnsubscribeToken(0, integration_id))
    await town.core.act(NOBODY, unsubscribe, link)
    assert await suppressed(town) == 1


async def test_an_address_that_somebody_else_added_is_silent_too(town: Town) -> None:
    event = await town.event()
    channel = await noras_channel_of_bobs(town)
    await town.follow(town.bob, event, channel)
    sent = await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title="Hi", body="there"))
    row = await joined(town, await town.event())
    # What is claimed is asked again, also when it was owed before she said so.
    await town.core.act(NOBODY, unsubscribe, leave_link(town, row), "everything")
    claim = await ledger_of(town).claim(sent.id, 10, town.clock.now())
    assert claim.recipients == []
    assert [each.status for each in await deliveries(town.core, sent.id)] == ["skipped"]


async def test_somebody_elses_account_does_not_lift_it_by_following(town: Town) -> None:
    channel = await noras_channel_of_bobs(town)
    await silenced(town, channel)
    await town.follow(town.bob, await town.event(), channel)
    assert await suppressed(town) == 1


async def test_the_account_of_the_address_lifts_it_by_following(town: Town) -> None:
    (channel,) = await rows(town.core, select(Integration).where(Integration.user_id == town.bob.actor.user_id))
    await silenced(town, channel.id)
    await town.follow(town.bob, await town.event(), channel.id)
    assert await suppressed(town) == 0


async def test_nobody_lifts_it_by_asking_inviting_vouching_or_adding_it(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await silenced(town, row.integration_id)
    mails = len(await rows(town.core, select(Delivery)))
    town.clock.shift += 2 * DAY
    await ask(town, event)
    await town.core.act(town.alice.actor, invite, event.id, NewMail(kind="email", email=NORA))
    await town.core.act(town.bob.actor, store_integration, mail_channel(NORA), "Nora", "nora", confirmed=False)
    await town.core.act(OPERATOR, vouch, NORA)
    assert await suppressed(town) == 1
    assert len(await rows(town.core, select(Delivery))) == mails


async def test_an_erase_lifts_none_that_was_there_before(town: Town) -> None:
    (channel,) = await rows(town.core, select(Integration).where(Integration.user_id == town.carol.actor.user_id))
    await silenced(town, channel.id)
    await town.core.act(town.carol.actor, erase_account)
    assert await suppressed(town) == 1
    event = await town.event()
    await ask(town, event, "carol@example.org")
    assert await rows(town.core, select(Notification).where(Notification.kind == "confirm")) == []

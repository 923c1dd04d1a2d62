"""Direct messages through the whole product: a press in chat, the worker, and Discord at the far end."""

import pytest
from sqlalchemy import select

from cli.demo.small_discord.rest import DiscordRest, Payload, buttons
from core.db.models import Integration
from core.identities.direct import direct_channel
from core.identities.linking import confirm_linking, mint_link_of_identity
from core.notifications.model import NewMessage
from core.notifications.usecases import retry, send_message
from core.settings import Settings
from tests.conftest import MakeSettings
from tests.core.look import rows
from tests.core.test_identities import DORA, pressed, seated
from tests.people import Town, follow_by_direct_message, until
from tests.servers import SmtpSink, TemporalServer


@pytest.fixture
def live_settings(
    make_settings: MakeSettings, temporal: TemporalServer, smtp: SmtpSink, discord: DiscordRest
) -> Settings:
    return make_settings(**discord.settings, temporal_url=temporal.address, smtp_server=smtp.host, smtp_port=smtp.port)


async def read(discord: DiscordRest, text: str) -> Payload:
    async def look() -> list[Payload]:
        return [each for each in discord.direct(DORA.external_id) if text in each["content"]]

    (found,) = await until(look, bool)
    return found


async def test_who_pressed_is_welcomed_and_told_by_direct_message(live: Town, discord: DiscordRest) -> None:
    event = await live.event(description="Bring cake")
    dora = await pressed(live, DORA)
    await live.core.act(dora, follow_by_direct_message, event.id)
    welcome = await read(discord, "hear about Launch party")
    starts = int(event.start_date.timestamp())
    assert f"**When:** <t:{starts}:F>" in welcome["content"]  # on the reader's own clock
    assert f"(<t:{starts}:R>)" in welcome["content"]
    assert "/u/" not in welcome["content"]  # a button does it
    assert [each.get("custom_id", each.get("url")) for each in buttons(welcome)] == [
        f"http://soonish.test/e/{event.id}", f"soonish:leave:{event.id}",
    ]  # fmt: skip
    body = "Join https://meet.example.org/a_b\n@everyone *now*"
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Doors", body=body))
    message = await read(discord, "**Doors**")
    assert "> Join <https://meet.example.org/a_b>\n> \\@everyone \\*now\\*" in message["content"]
    assert message["allowed_mentions"] == {"parse": []}
    assert (await live.settled(sent.id)).delivered == 1


async def test_closed_direct_messages_are_told_through_another_channel_and_shown_to_the_organizer(
    live: Town, discord: DiscordRest, smtp: SmtpSink
) -> None:
    event = await live.event()
    dora = await pressed(live, DORA)
    await live.core.act(dora, follow_by_direct_message, event.id)
    await read(discord, "hear about Launch party")
    # The same person by e-mail.
    bob = await seated(live, live.bob)
    await live.core.act(bob, confirm_linking, (await live.core.act(dora, mint_link_of_identity)).token)
    discord.closed.add(DORA.external_id)
    sent = await live.core.act(live.alice.actor, send_message, event.id, NewMessage(title="Doors", body="at six"))
    found = await live.settled(sent.id)
    assert (found.delivered, found.failed) == (0, 1)
    (result,) = found.results
    assert result.reason is not None
    assert "direct messages are closed" in result.reason
    (mail,) = await smtp.wait_for(1, to=live.bob.email)
    assert mail.message["Subject"] == "Your channel Discord DM was switched off"
    (row,) = await rows(live.core, select(Integration).where(Integration.kind == "Discord DM"))
    assert (row.is_active, row.disabled_reason) == (False, result.reason)
    # Opened again: a press switches it on, and the organizer tries again.
    discord.closed.clear()
    assert (await live.core.act(await pressed(live, DORA), direct_channel)).is_active
    await live.core.act(live.alice.actor, retry, sent.id)
    await read(discord, "**Doors**")

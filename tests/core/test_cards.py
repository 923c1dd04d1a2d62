"""Cards: what they say in which place, that nobody's text is markup or a ping, and that they fit."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.demo.small_discord.rest import buttons, faults
from core.cards.announcements import announce, card_for, forget_space, list_announcements
from core.cards.model import Announcement, Card, Posted, Space
from core.cards.on_discord import discord_card
from core.errors import Code
from core.events.changes import cancel_event, change_event
from core.events.model import Cancellation, EventChange, EventView
from core.invitations.model import NewInChat
from core.invitations.offer import invite, revoke_invitation
from core.rendering.discord_parts import escape, size
from core.text import characters
from core.work import Actor
from tests.core.look import NOBODY, refusal
from tests.people import Town

GENERAL = Space(platform="discord", tenant_id="500", channel_id="600")
STARTS = dt.datetime(2026, 11, 27, 18, 0, tzinfo=dt.UTC)
FULL = Card(
    event_id="2bA9xQ7fkZ", name="Launch party", description="Come and see.", location="Roof", host="Alice",
    starts=STARTS, ends=STARTS + dt.timedelta(hours=2), is_public=True, followers=1200, revision=1,
    page_url="https://soonish.example/e/2bA9xQ7fkZ",
)  # fmt: skip


async def announced(
    town: Town, event: EventView, space: Space = GENERAL, message_id: str = "1", actor: Actor | None = None
) -> Announcement:
    """As the bot does it: the card, the post, the record."""
    actor = actor or town.alice.actor
    card = await town.core.ask(actor, card_for, event.id, space)
    return await town.core.act(actor, announce, event.id, Posted(space=space, message_id=message_id, card=card))


def text_of(card: Card) -> tuple[str, str]:
    (embed,) = discord_card(card)["embeds"]
    return embed["title"], embed["description"]


def test_a_card_says_what_when_where_by_whom_and_how_many() -> None:
    title, body = text_of(FULL)
    assert title == "Launch party"
    start = int(STARTS.timestamp())
    assert body.split("\n") == [
        f"🗓 <t:{start}:F> to <t:{start + 7200}:t> (<t:{start}:R>)",
        "📍 Roof",
        "👤 by Alice · 🔔 1,200 subscribed",
        "",
        "Come and see\\.",
    ]
    assert [each.get("custom_id", each.get("url")) for each in buttons(discord_card(FULL))] == [
        "soonish:subscribe:2bA9xQ7fkZ", "soonish:details:2bA9xQ7fkZ", "https://soonish.example/e/2bA9xQ7fkZ",
    ]  # fmt: skip


def test_a_cancelled_card_is_struck_out_and_says_why() -> None:
    card = FULL.model_copy(update={"status": "cancelled", "cancel_reason": "venue flooded"})
    assert text_of(card)[0] == "~~Launch party~~ · cancelled: venue flooded"
    assert all("subscribe" not in each.get("custom_id", "") for each in buttons(discord_card(card)))


def test_a_card_of_what_is_over_says_so_and_takes_nobody() -> None:
    card = FULL.model_copy(update={"status": "ended"})
    assert text_of(card)[1].startswith("🗓 ")
    assert "over" in text_of(card)[1].split("\n")[0]
    assert len(buttons(discord_card(card))) == 2


TRICKS = [
    "@everyone", "@here", "<@123>", "<@!123>", "<@&123>", "<#123>", "</command:123>", "<id:customize>", "<:x:1>",
    "<t:0:F>", "[click](https://evil.example)", "**bold**", "`code`", "```\nblock\n```", "||spoiler||", "~~gone~~",
    "# big", "-# small", "- item", "1. item", "> quote", ">>> quote", "__u__", "\\@everyone", "https://a@evil.example",
    "https://exämple.org",
]  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_nothing_that_people_type_is_markup_or_a_ping(trick: str) -> None:
    card = FULL.model_copy(
        update={"name": trick, "description": trick, "location": trick, "host": trick, "cancel_reason": trick}
    )
    for shown in (card, card.model_copy(update={"status": "cancelled"})):
        payload = discord_card(shown)
        assert payload["allowed_mentions"] == {"parse": []}
        assert payload["content"] == ""
    said = escape(trick, 500)
    bare = re.sub(r"<https?://[\w./-]+>", "", said)
    assert re.findall(r"(?<!\\)(?:\\\\)*[@<>`*_~|\[\]()#]", bare) == []


def test_a_link_that_says_where_it_leads_stays_one() -> None:
    text = "Join https://meet.example.org/a_b-c?x=1, or (https://x.example)."
    assert escape(text, 500) == "Join <https://meet.example.org/a_b-c?x=1>, or \\(<https://x.example>\\)\\."


@given(st.text(max_size=400), st.integers(1, 120))
def test_text_is_cut_within_its_limit_and_between_characters(text: str, limit: int) -> None:
    said = escape(text, limit)
    assert size(said) <= limit
    assert "".join(characters(text)) == text
    if said.endswith("…") and size(escape(text, 100_000)) > limit:
        kept = said[:-1]
        assert not re.search(r"(?<!\\)(?:\\\\)*\\$", kept)
        assert kept.count("<http") == len(re.findall(r"<https?://[^\s>]*>", kept))


@pytest.mark.parametrize("one", ["é", "👩‍👩‍👧‍👦", "👍🏽", "🇩🇪", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "நி"])
def test_what_looks_like_one_character_is_not_cut(one: str) -> None:
    assert list(characters(one * 3)) == [one] * 3
    assert escape(one * 9, 4 * size(one) + 1) == one * 4 + "…"


def test_the_longest_card_fits() -> None:
    card = Card(
        event_id="2bA9xQ7fkZ", name="*" * 200, description="👩‍👩‍👧‍👦" * 900, location="_" * 300, host="~" * 100,
        revision=1, starts=STARTS, ends=STARTS + dt.timedelta(days=3), cancel_reason="|" * 300, page_url=FULL.page_url,
    )  # fmt: skip
    for status in ("scheduled", "cancelled", "ended"):
        payload = discord_card(card.model_copy(update={"status": status}))
        assert list(faults(payload)) == []
        assert sum(size(part) for part in text_of(card.model_copy(update={"status": status}))) <= 6000


async def test_only_organizers_post_and_list_cards(town: Town) -> None:
    event = await town.event()
    for actor, code in ((NOBODY, Code.UNAUTHENTICATED), (town.carol.actor, Code.FORBIDDEN)):
        posted = Posted(space=GENERAL, message_id="2", card=FULL.model_copy(update={"event_id": event.id}))
        await refusal(town.core.ask(actor, card_for, event.id, GENERAL), code)
        await refusal(town.core.act(actor, announce, event.id, posted), code)
        await refusal(town.core.ask(actor, list_announcements, event.id), code)


async def test_a_posted_card_is_recorded_once(town: Town) -> None:
    event = await town.event()
    first, again = await announced(town, event), await announced(town, event)
    other = await announced(town, event, message_id="2")
    assert first.id == again.id != other.id
    found = await town.core.ask(town.alice.actor, list_announcements, event.id)
    assert [each.message_id for each in found.items] == ["1", "2"]


async def test_the_card_of_another_event_is_not_taken(town: Town) -> None:
    event, other = await town.event(), await town.event()
    card = await town.core.ask(town.alice.actor, card_for, other.id, GENERAL)
    posted = Posted(space=GENERAL, message_id="1", card=card)
    await refusal(town.core.act(town.alice.actor, announce, event.id, posted), Code.NOT_FOUND)


async def test_a_channel_or_server_that_is_gone_takes_its_cards_along(town: Town) -> None:
    event = await town.event()
    elsewhere = GENERAL.model_copy(update={"channel_id": "601"})
    for number, space in enumerate((GENERAL, elsewhere)):
        await announced(town, event, space, str(number))
    assert await town.core.step(forget_space, "discord", "500", "600") == 1
    assert await town.core.step(forget_space, "discord", "500") == 1
    found = await town.core.ask(town.alice.actor, list_announcements, event.id)
    assert all(each.gone for each in found.items)


async def test_a_private_event_is_shown_only_where_the_place_is_invited(town: Town) -> None:
    event = await town.event(is_public=False, description="The secret plan")
    card = await town.core.ask(town.alice.actor, card_for, event.id, GENERAL)
    assert card.closed
    said = str(discord_card(card))
    assert not any(each in said for each in ("Launch", "secret", "Alice", "<t:", "soonish.test"))
    place = NewInChat(kind="space", platform="discord", tenant_id="500", external_id="600", name="#general")
    offered = await town.core.act(town.alice.actor, invite, event.id, place)
    card = await town.core.ask(town.alice.actor, card_for, event.id, GENERAL)
    assert (card.closed, card.name) == (False, "Launch party")
    assert "By invitation" in text_of(card)[1]
    other = GENERAL.model_copy(update={"channel_id": "601"})
    assert (await town.core.ask(town.alice.actor, card_for, event.id, other)).closed
    await town.core.act(town.alice.actor, revoke_invitation, event.id, offered.id)
    assert (await town.core.ask(town.alice.actor, card_for, event.id, GENERAL)).closed


async def test_what_a_closed_card_hides_does_not_even_make_it_look_changed(town: Town) -> None:
    event = await town.event(is_public=False)
    before = await town.core.ask(town.alice.actor, card_for, event.id, GENERAL)
    await town.core.act(town.alice.actor, change_event, event.id, EventChange(name="Another name"))
    await town.core.act(town.alice.actor, cancel_event, event.id, Cancellation(reason="why not"))
    after = await town.core.ask(town.alice.actor, card_for, event.id, GENERAL)
    assert (before.says, before.revision) == (after.says, 1)
    assert after.revision == 3

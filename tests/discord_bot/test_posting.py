"""Where cards go on Discord, who may send them there, and what the place sees of a private event."""

import dataclasses

import pytest

from cli.demo.small_discord.people import Person, read
from cli.demo.small_discord.rest import Refusal
from cli.demo.small_discord.server import OTHER
from core.db.models import EventInvitation
from tests.discord_bot.conftest import SEND, Server


def in_other(person: Person) -> Person:
    return dataclasses.replace(person, channel=OTHER)


async def event_of(server: Server, name: str) -> str:
    (event,) = [value for label, value in await server.alice.completes("event show", "event", name)]
    return event


@pytest.mark.parametrize("who", ["the organizer", "the bot"])
async def test_a_refused_post_of_a_private_event_opens_it_to_nobody(server: Server, who: str) -> None:
    preview = await server.alice.types("event create", name="Surprise party", when="tomorrow 7pm", visibility="private")
    if who == "the organizer":
        server.alice.rights &= ~SEND
    else:
        server.discord.refuse(f"POST /channels/{OTHER}/messages", Refusal(403, 50013))
    refused = await server.alice.picks(preview, "Post elsewhere", OTHER)
    assert "not posted" in read(refused)
    assert await server.rows(EventInvitation) == []
    event = await event_of(server, "Surprise")
    assert "Surprise" not in read(await in_other(server.mallory).types("event show", event=event))


async def test_a_posted_card_of_a_private_event_lets_its_channel_in_and_no_other(server: Server) -> None:
    preview = await server.alice.types("event create", name="Surprise party", when="tomorrow 7pm", visibility="private")
    await server.alice.picks(preview, "Post elsewhere", OTHER)
    event = await event_of(server, "Surprise")
    (card,) = server.discord.messages.values()
    assert "Surprise party" in read(card.payload)
    assert "Surprise" not in read(await server.mallory.types("event show", event=event))
    assert "Surprise party" in read(await in_other(server.mallory).types("event show", event=event))

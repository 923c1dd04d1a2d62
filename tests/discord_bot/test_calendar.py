"""An event among those that a Discord server lists itself."""

import asyncio
import datetime as dt

from cli.demo.small_discord.people import labels, read
from cli.demo.small_discord.rest import Payload, Refusal
from core.events.changes import change_event
from core.events.model import EventChange
from core.identities.actors import actor_of_identity
from core.identities.signed import SignedIdentity
from tests.discord_bot.conftest import Server
from tests.discord_bot.test_commands import HOSTILE

ADD = "Add to the server's events"


def listed(server: Server) -> Payload:
    (event,) = server.discord.scheduled.values()
    return event


async def test_an_event_is_added_to_the_servers_own_with_its_time_place_and_page(server: Server) -> None:
    event = await server.created(where="Town hall", description="Bring *popcorn*", duration="2h")
    shown = await server.alice.types("event show", event=event)
    added = await server.alice.presses(shown, ADD)
    assert "Film night is among the server's events" in read(added)
    made = listed(server)
    begins, ends = (dt.datetime.fromisoformat(made[f"scheduled_{each}_time"]) for each in ("start", "end"))
    assert (made["name"], made["entity_metadata"]) == ("Film night", {"location": "Town hall"})
    assert ends - begins == dt.timedelta(hours=2)
    assert made["description"].startswith("Bring \\*popcorn\\*")
    assert made["description"].endswith(f"/e/{event}")


async def test_after_a_card_was_posted_the_servers_list_is_one_press_away(server: Server) -> None:
    preview = await server.alice.types("event create", name="Film night", when="tomorrow 7pm")
    posted = await server.alice.presses(preview, "Post in #general")
    assert "among the server's events" in read(await server.alice.presses(posted, ADD))
    assert "/e/" in listed(server)["entity_metadata"]["location"]


async def test_pressed_twice_or_after_a_crash_it_stands_there_once(server: Server) -> None:
    event = await server.created()
    shown = await server.alice.types("event show", event=event)
    await asyncio.gather(*(server.alice.presses(shown, ADD) for _ in range(3)))
    assert len(server.discord.scheduled) == 1
    assert "already" in read(await server.alice.presses(shown, ADD))

    other = await server.created(name="Quiz")
    shown = await server.alice.types("event show", event=other)
    url = next(iter(server.discord.scheduled.values()))["description"].replace(event, other)
    left = {
        **listed(server),
        "id": "77",
        "name": "As it was",
        "description": url,
    }  # made, and the bot died before it said so
    server.discord.scheduled["77"] = left
    await server.alice.presses(shown, ADD)
    assert len(server.discord.scheduled) == 2
    assert server.discord.scheduled["77"]["name"] == "Quiz"


async def test_who_may_not_create_events_there_adds_none(server: Server) -> None:
    event = await server.created()
    shown = await server.alice.types("event show", event=event)
    assert "Only people who manage events" in read(await server.bob.presses(shown, ADD))
    server.bob.rights = server.alice.rights
    assert "Only the organizer" in read(await server.bob.presses(shown, ADD))
    server.alice.server = None
    assert "no list of events here" in read(await server.alice.sends(f"soonish:calendar:{event}"))
    assert server.discord.scheduled == {}


async def test_an_event_by_invitation_is_not_shown_to_a_whole_server(server: Server) -> None:
    event = await server.created(name="Surprise", visibility="private")
    shown = await server.alice.types("event show", event=event)
    assert "Edit" in labels(shown)
    assert ADD not in labels(shown)
    assert "is by invitation" in read(await server.alice.sends(f"soonish:calendar:{event}"))
    assert server.discord.scheduled == {}
    assert "Surprise" not in read(await server.mallory.sends(f"soonish:calendar:{event}"))


async def test_what_has_begun_or_was_called_off_is_not_offered_and_not_added(server: Server) -> None:
    event = await server.created()
    await server.alice.presses(await server.alice.types("event cancel", event=event), "Cancel the event")
    assert ADD not in labels(await server.alice.types("event show", event=event))
    assert "no longer coming up" in read(await server.alice.sends(f"soonish:calendar:{event}"))


async def test_what_discord_refuses_is_said_with_what_to_do_and_pressed_again_later(server: Server) -> None:
    event = await server.created()
    shown = await server.alice.types("event show", event=event)
    for refusal, words in (
        (Refusal(403, 50013), "Give me the permission Create Events"),
        (Refusal(400, 30038), "as many events as Discord allows"),
        (Refusal(400, 50035), "Discord did not take it"),
    ):
        server.discord.refuse("POST /guilds/.*/scheduled-events", refusal, times=1)
        refused = await server.alice.presses(shown, ADD)
        assert words in read(refused)
    assert "among the server's events" in read(await server.alice.presses(refused, "Try again"))


async def test_very_long_and_hostile_words_fit_and_call_nobody(server: Server) -> None:
    event = await server.created(name="🎬" * 90, where=HOSTILE[:300], description=HOSTILE)
    alice = await actor_of_identity(
        server.town.core, SignedIdentity("discord", "", server.alice.id, "Alice"), "discord"
    )
    await server.town.core.act(alice, change_event, event, EventChange(description=HOSTILE * 80))
    shown = await server.alice.types("event show", event=event)
    assert "among the server's events" in read(await server.alice.presses(shown, ADD))
    made = listed(server)
    assert made["name"].endswith("🎬…")
    assert "[nitro]" not in made["description"].replace("\\[", "")
    assert made["description"].endswith(f"/e/{event}")

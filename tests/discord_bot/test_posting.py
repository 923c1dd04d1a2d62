"""Where cards go on Discord, who may send them there, and what the place sees of a private event."""

import dataclasses

import pytest

from cli.demo.small_discord.people import EMBED, IN_THREADS, MANAGE_SERVER, SEND, Person, labels, read
from cli.demo.small_discord.rest import Refusal
from cli.demo.small_discord.server import BOT_ROLE, OTHER
from core.db.models import EventAnnouncement, EventInvitation
from tests.discord_bot.conftest import Server


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


async def test_who_may_not_create_events_in_a_server_posts_none_from_elsewhere_there(server: Server) -> None:
    server.discord.servers["1002"] = {"3001": "mine"}
    at_home = dataclasses.replace(server.mallory, server="1002", channel="3001", rights=server.alice.rights)
    preview = await at_home.types("event create", name="Spam", when="tomorrow 7pm")
    await at_home.presses(preview, "just create")
    (event,) = [value for _, value in await at_home.completes("event show", "event", "Spam")]
    shown = await server.mallory.types("event show", event=event)
    assert "Spam" in read(shown)
    assert not [label for label in labels(shown) if "Post" in label or "Add to" in label]
    assert "Only people who manage events" in read(await server.mallory.sends(f"soonish:post:{event}"))
    assert server.discord.messages == {}
    assert "Spam" not in read(await server.bob.types("event list"))


@pytest.mark.parametrize("right", [SEND, EMBED])
async def test_a_card_goes_where_its_organizer_may_write_one_themselves(server: Server, right: int) -> None:
    event = await server.created()
    shown = await server.alice.types("event show", event=event)
    server.alice.rights &= ~right
    assert "You may not write in that channel" in read(await server.alice.presses(shown, "Post a card here"))
    assert server.discord.messages == {}


async def test_in_direct_messages_no_card_is_offered(server: Server) -> None:
    event = await server.created()
    server.alice.server = None
    shown = await server.alice.types("event show", event=event)
    assert "Edit" in labels(shown)
    assert "Post a card here" not in labels(shown)
    assert "Cards are posted in servers" in read(await server.alice.sends(f"soonish:post:{event}"))


async def test_a_card_that_was_deleted_is_posted_again_and_one_that_stands_is_not(server: Server) -> None:
    event, card = await server.posted()
    shown = await server.alice.types("event show", event=event)
    assert "posted there already" in read(await server.alice.presses(shown, "Post a card here"))
    assert len(server.discord.messages) == 1
    del server.discord.messages[card.message_id]
    assert "Posted Film night" in read(await server.alice.presses(shown, "Post a card here"))
    assert [each.message_id == card.message_id for each in server.discord.messages.values()] == [False]
    rows = await server.rows(EventAnnouncement)
    assert [row.gone_at is None for row in rows] == [False, True]
    assert "posted there already" in read(await server.alice.presses(shown, "Post a card here"))


async def test_a_card_is_believed_to_stand_while_discord_does_not_say(server: Server) -> None:
    event, _ = await server.posted()
    shown = await server.alice.types("event show", event=event)
    server.discord.refuse("PATCH /channels", Refusal(500))
    assert "posted there already" in read(await server.alice.presses(shown, "Post a card here"))
    assert len(server.discord.messages) == 1


async def test_what_was_taken_off_the_servers_events_is_put_there_again(server: Server) -> None:
    event = await server.created()
    shown = await server.alice.types("event show", event=event)
    await server.alice.presses(shown, "Add to the server's events")
    server.discord.scheduled.clear()
    assert "is among the server's events" in read(await server.alice.presses(shown, "Add to the server's events"))
    assert len(server.discord.scheduled) == 1
    assert "already" in read(await server.alice.presses(shown, "Add to the server's events"))


async def test_who_will_see_a_private_event_is_said_before_its_card_is_posted(server: Server) -> None:
    preview = await server.alice.types("event create", name="Surprise", when="tomorrow 7pm", visibility="private")
    assert "Post it, and everybody in \\#general will see it" in read(preview)
    created = await server.alice.presses(preview, "just create")
    assert "Only invited people can see it" in read(created)
    assert "opens this link" in read(await server.alice.presses(created, "Invite people"))
    asked = await server.alice.presses(created, "Post a card here")
    assert "everybody in \\#general will see it" in read(asked)
    assert [row.kind for row in await server.rows(EventInvitation)] == ["link"]
    assert server.discord.messages == {}
    assert "Edit" in labels(await server.alice.presses(asked, "Back"))
    assert "Posted Surprise" in read(await server.alice.presses(asked, "Post it here"))
    assert "posted there already" in read(await server.alice.presses(created, "Post a card here"))


async def test_trying_again_posts_where_it_was_refused(server: Server) -> None:
    event = await server.created(visibility="private")
    asked = await server.alice.sends(f"soonish:post:{event}")
    server.discord.refuse("POST /channels/.*/messages", Refusal(403, 50013), times=1)
    refused = await server.alice.presses(asked, "Post it here")
    assert "not posted" in read(refused)
    assert "Posted Film night" in read(await server.alice.presses(refused, "Try again"))
    assert "Try again" not in labels(await in_other(server.alice).picks(refused, "Post elsewhere", "9999"))


async def test_in_a_thread_writing_is_a_right_of_its_own(server: Server) -> None:
    event = await server.created()
    inside = dataclasses.replace(server.alice, thread="2009", rights=server.alice.rights & ~SEND | IN_THREADS)
    shown = await inside.types("event show", event=event)
    inside.rights ^= SEND | IN_THREADS
    assert "It takes Send Messages in Threads" in read(await inside.presses(shown, "Post a card here"))
    inside.rights ^= SEND | IN_THREADS
    server.discord.refuse("POST /channels/2009/messages", Refusal(403, 50013), times=1)
    refused = await inside.presses(shown, "Post a card here")
    assert "Give me View Channel, Send Messages in Threads and Embed Links" in read(refused)
    assert "Posted Film night" in read(await inside.presses(refused, "Try again"))
    assert [each.channel_id for each in server.discord.messages.values()] == ["2009"]


async def test_a_channel_for_cards_is_saved_with_what_the_bot_lacks_there(server: Server) -> None:
    admin = dataclasses.replace(server.alice, rights=server.alice.rights | MANAGE_SERVER)
    assert "I may not write" not in read(await admin.types("soonish settings", channel=OTHER))
    closed = {"id": "1001", "type": 0, "allow": "0", "deny": str(SEND | EMBED)}
    own = {"id": BOT_ROLE, "type": 0, "allow": str(SEND), "deny": "0"}
    channel = {"id": OTHER, "type": 0, "name": "other", "position": 1, "guild_id": "1001", "parent_id": None}
    await server.discord.dispatch("CHANNEL_UPDATE", channel | {"permission_overwrites": [closed, own]})
    said = read(await admin.types("soonish settings", channel=OTHER))
    assert f"Cards go to: <#{OTHER}>" in said
    assert "I may not write there yet\\. Give me in that channel: Embed Links\\." in said

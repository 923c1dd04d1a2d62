"""Every command and press as people have it on Discord: typed, acknowledged, read. The small Discord refuses what
Discord refuses."""

import asyncio
import datetime as dt
import json
import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import insert

from bots.conversation.dialect import DIALECTS
from bots.conversation.verbs import BOOK
from bots.discord_bot.tree import command_tree
from cli.demo.small_discord.limits import buttons
from cli.demo.small_discord.people import MANAGE_SERVER, Person, labels, read
from cli.demo.small_discord.rest import Refusal
from cli.demo.small_discord.server import SERVER
from core.db.models import ChatSetting, Event, Identity, Integration, Subscription, User
from tests.discord_bot.conftest import Server

ROOT = Path(__file__).parents[2]
HOSTILE = "@everyone <@&55> **[free](https://evil.example)** `x` <!channel> [nitro](https://evil.example/a)"


async def test_one_press_on_a_card_subscribes_and_the_direct_message_arrives(server: Server) -> None:
    event, card = await server.posted()
    said = await server.bob.presses(card.payload, "Subscribe")
    assert "You'll hear about Film night here by direct message" in read(said)
    assert "Soonish works here" in server.discord.direct(server.bob.id)[0]["content"]
    again = await server.bob.presses(card.payload, "Subscribe")
    assert "You're already subscribed by Discord DM" in read(again)
    assert len(server.discord.direct(server.bob.id)) == 1
    left = await server.bob.presses(again, "Unsubscribe")
    assert "no more messages about Film night" in read(left)
    assert "You are back" in read(await server.bob.presses(left, "Undo"))
    (row,) = await server.rows(Subscription)
    assert row.ended_at is None, event


async def test_a_double_click_of_a_newcomer_subscribes_and_greets_once(server: Server) -> None:
    _, card = await server.posted()
    said = await asyncio.gather(*(server.bob.presses(card.payload, "Subscribe") for _ in range(2)))
    assert len([each for each in said if "You'll hear about Film night" in read(each)]) >= 1
    assert len(server.discord.direct(server.bob.id)) == 1
    assert len(await server.rows(Subscription)) == 1


async def test_closed_direct_messages_are_said_at_the_press_and_opened_ones_are_found(server: Server) -> None:
    _, card = await server.posted()
    server.discord.closed.add(server.bob.id)
    said = await server.bob.presses(card.payload, "Subscribe")
    assert "your DMs are closed" in read(said)
    assert await server.rows(Subscription) == []
    (channel,) = [each for each in await server.rows(Integration) if each.kind == "Discord DM"]
    assert (channel.is_active, "closed" in channel.disabled_reason) == (False, True)
    server.discord.closed.clear()
    assert "You'll hear about" in read(await server.bob.presses(said, "Try again"))


async def test_a_greeting_whose_words_are_refused_subscribes_and_leaves_the_channel_on(server: Server) -> None:
    _, card = await server.posted()
    server.discord.refuse("POST /channels/.*/messages", Refusal(400, 50035), times=1)
    assert "You'll hear about Film night" in read(await server.bob.presses(card.payload, "Subscribe"))
    (channel,) = [each for each in await server.rows(Integration) if each.kind == "Discord DM"]
    assert channel.is_active


async def test_a_double_click_posts_one_card_and_a_repeated_interaction_does_nothing_twice(server: Server) -> None:
    preview = await server.alice.types("event create", name="Quiz", when="tomorrow 7pm")
    await asyncio.gather(*(server.alice.presses(preview, "Post in #general") for _ in range(2)))
    assert len(server.discord.messages) == 1
    assert len(await server.rows(Event)) == 1
    talk = await server.alice.types("event create", name="Pub", when="tomorrow 8pm")
    done = await server.alice.presses(talk, "just create")
    await server.discord.dispatch("INTERACTION_CREATE", done.payload)
    await server.alice.types("soonish help")
    assert len(await server.rows(Event)) == 2


async def test_a_card_whose_answer_is_lost_is_told_of_and_the_same_one_at_the_next_press(server: Server) -> None:
    preview = await server.alice.types("event create", name="Quiz", when="tomorrow 7pm")
    server.discord.cut.add("/channels/2001/messages")
    said = await server.alice.presses(preview, "Post in #general")
    assert "Discord did not answer" in read(said)
    server.discord.cut.clear()
    assert "Posted Quiz" in read(await server.alice.presses(said, "Try again"))
    assert len(server.discord.messages) == 1


async def test_nobody_is_pinged_and_no_link_is_masked_by_what_somebody_typed(server: Server) -> None:
    event, card = await server.posted(name=HOSTILE[:90], description=HOSTILE, where=HOSTILE)
    shown = await server.bob.types("event show", event=event)
    listed = await server.bob.types("event list")
    for payload in (card.payload, shown.shown or {}, listed.shown or {}):
        text = read(payload)
        assert payload["allowed_mentions"] == {"parse": []}
        assert not re.search(r"(?<!\\)@everyone|<@&|<!channel>|(?<!\\)\]\(", text), text
        assert not payload.get("content")
    offered = await server.bob.completes("event show", "event", "everyone")
    assert [value for _, value in offered] == [event]


async def test_a_stranger_is_told_nothing_of_a_private_event_anywhere(server: Server) -> None:
    event = await server.created(name="Surprise party", visibility="private")
    who = server.mallory
    assert await who.completes("event show", "event", "Surprise") == []
    assert await who.completes("event show", "event", event) == []
    for command in ("show", "subscribe", "edit", "cancel", "notify", "invite", "subscribers", "report", "unsubscribe"):
        text = read(await who.types(f"event {command}", event=event))
        assert "Surprise" not in text, (command, text)
    assert "Surprise" not in read(await who.types("event list"))
    for verb in BOOK.presses:
        talk = await who.sends(f"soonish:{verb}:{event}")
        assert "Surprise" not in json.dumps(talk.shown or talk.callback), verb


async def test_who_may_do_what_is_asked_at_every_command_and_press(server: Server) -> None:
    event, _ = await server.posted()
    for command in ("edit", "cancel", "notify", "invite", "subscribers", "report"):
        assert "Only the organizers of Film night" in read(await server.bob.types(f"event {command}", event=event))
    assert "Only people who manage events" in read(await server.bob.types("event create", name="x", when="fri 7pm"))
    assert "Only admins" in read(await server.bob.types("soonish settings"))
    for verb in ("edited", "cancel", "subscribers", "report", "invite", "choose", "send", "remove", "post"):
        talk = await server.bob.sends(f"soonish:{verb}:{event}:1")
        assert re.search("Only|no|not", read(talk)), verb
    assert len(await server.rows(Event)) == 1


async def test_every_command_is_told_to_discord_described_and_answered_in_time(server: Server) -> None:
    event, _ = await server.posted()
    server.alice.rights |= MANAGE_SERVER
    told = {(group["name"], each["name"]): each for group in server.discord.commands for each in group["options"]}
    assert set(told) == set(BOOK.commands)
    typed = {"event": event, "zone": "Europe/Berlin", "name": "Quiz", "when": "tomorrow 7pm", "message": "Hello"}
    await server.alice.sends(f"soonish:subscribe:{event}")
    for (group, name), command in BOOK.commands.items():
        options = {each.name: typed[each.name] for each in command.options if each.required or each.name == "message"}
        talk = await server.alice.types(f"{group} {name}", **options)
        assert talk.seconds < 1.0, (group, name)
        assert read(talk) or talk.callback.get("title"), (group, name)
        assert "Something broke" not in read(talk), (group, name, read(talk))


async def test_every_press_answers_rubbish_with_a_sentence(server: Server) -> None:
    event, _ = await server.posted()
    for verb in [*BOOK.presses, "nothing", ""]:
        for more in ("", ":0", ":x", ":99999999999999999999", f":{event}", ":1,2"):
            talk = await server.alice.sends(f"soonish:{verb}:{event}{more}"[:100])
            assert "Something broke" not in read(talk), (verb, more)
            assert read(talk) or talk.callback, (verb, more)
    for rubbish in ("x", "soonish", "soonish:a:b:c:d:e", "💥" * 50):
        assert "from another time" in read(await server.alice.sends(rubbish))


def test_the_manual_has_every_command_with_its_words_and_options() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    written = dict(re.findall(r"^\| `/(\w+ \w+)` \| (.+?) \|", text, re.MULTILINE))
    assert written == {
        f"{group} {name}": DIALECTS["discord"].says(command.words) for (group, name), command in BOOK.commands.items()
    }
    for (group, name), command in BOOK.commands.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `/{group} {name}` |")]
        for option in command.options:
            assert f"`{option.name}`" in row, (group, name, option.name)


def test_the_commands_have_descriptions_and_what_is_required_comes_first() -> None:
    for group in command_tree():
        for command in group["options"]:
            needed = [option["required"] for option in command["options"]]
            assert needed == sorted(needed, reverse=True)
            assert command["description"]


async def test_very_long_words_are_cut_and_not_refused(server: Server) -> None:
    long = "𝕏*_" * 66
    event, card = await server.posted(name=long[:195], description="*_~🗓" * 400, where="`|" * 140)
    assert card.payload["embeds"]
    for command in ("show", "subscribe", "edit", "subscribers", "report", "invite", "cancel"):
        talk = await server.alice.types(f"event {command}", event=event)
        assert talk.kind is not None, command
    note = await server.alice.types("event notify", event=event, message="*_" * 1900)
    assert "Preview" in read(note)
    assert await server.alice.completes("event show", "event", long[:50])


async def test_two_hundred_events_are_paged_and_offered_by_twenty_five(server: Server) -> None:
    await server.created()
    await _many_events(server, 200)
    first = await server.alice.types("event list")
    assert "Upcoming · 1\\-5 of 201" in read(first)
    second = await server.alice.presses(first, "▶")
    assert "6\\-10 of 201" in read(second)
    assert "1\\-5 of 201" in read(await server.alice.presses(second, "◀"))
    assert len(await server.alice.completes("event show", "event", "")) == 25
    picked = await server.alice.picks(first, "Look at one", "Event 000")
    assert "Event 000" in read(picked)


async def test_five_thousand_subscribers_are_counted_paged_and_chosen_from(server: Server) -> None:
    event, _ = await server.posted()
    await _many_subscribers(server, 5_000)
    shown = await server.alice.types("event subscribers", event=event)
    assert "5000 subscribers" in read(shown)
    assert "5000 subscribers" in read(await server.alice.presses(shown, "More"))
    preview = await server.alice.types("event notify", event=event, message="Doors open at six.")
    assert "Send to 5000" in labels(preview)
    people = await server.alice.presses(preview, "Choose people")
    (menu, *_) = buttons(people.shown or {})
    assert len(menu["options"]) == 25
    assert "1 chosen" in read(await server.alice.picks(people, "Who gets it", menu["options"][0]["label"]))


async def test_a_form_keeps_what_was_typed_and_shows_what_changes_before_it_is_saved(server: Server) -> None:
    event, _ = await server.posted()
    form = await server.alice.types("event edit", event=event)
    assert form.callback["title"] == "Edit event"
    change = await server.alice.fills_in(form, when="tomorrow 8pm")
    assert "Moved from" in read(change)
    assert "reminders move too" in read(change)
    saved = await server.alice.presses(change, "Save and tell them")
    assert "Saved" in read(saved)
    asked = await server.alice.types("event cancel", event=event, reason="venue flooded")
    assert "This can't be undone" in read(asked)
    assert "is cancelled" in read(await server.alice.presses(asked, "Cancel the event"))


async def test_a_card_goes_where_the_menu_says_and_not_where_its_maker_may_not_write(server: Server) -> None:
    preview = await server.alice.types("event create", name="Quiz", when="tomorrow 7pm")
    rights, server.alice.rights = server.alice.rights, server.alice.rights & ~(1 << 11)
    refused = await server.alice.picks(preview, "Post elsewhere", "2002")
    assert "You may not write in that channel" in read(refused)
    assert server.discord.messages == {}
    server.alice.rights = rights
    assert "Posted Quiz" in read(await server.alice.picks(refused, "Post elsewhere", "2002"))
    (card,) = server.discord.messages.values()
    assert card.channel_id == "2002"


async def test_an_account_is_exported_as_a_file_and_erased_by_two_presses(server: Server) -> None:
    _, card = await server.posted()
    await server.bob.presses(card.payload, "Subscribe")
    export = await server.bob.types("me export")
    assert "Film night" in export.files["soonish-account.json"].decode()
    asked = await server.bob.types("me delete")
    assert "It's all gone" in read(await server.bob.presses(asked, "Erase everything"))
    assert "You follow nothing yet" in read(await server.bob.types("me subscriptions"))


async def test_settings_are_the_servers_and_a_role_may_create(server: Server) -> None:
    admin = Person(server.discord, "200", "Ada", rights=server.alice.rights | MANAGE_SERVER)
    await admin.types("soonish settings", timezone="Europe/Berlin", organizer_role="55", channel="2002")
    server.bob.roles = ["55"]
    preview = await server.bob.types("event create", name="Quiz", when="tomorrow 7pm")
    assert "Europe/Berlin" in read(preview)
    assert "Cards of this server go to <#2002>" in read(preview)
    assert "in <#2002>" in read(await server.bob.presses(preview, "Post in #other"))
    other = await server.bob.types("event create", name="Pub", when="tomorrow 8pm")
    assert "in <#2001>" in read(await server.bob.presses(other, "Post here"))
    assert [card.channel_id for card in server.discord.messages.values()] == ["2002", "2001"]


async def test_settings_without_an_option_are_a_form_with_discords_own_lists(server: Server) -> None:
    admin = Person(server.discord, "200", "Ada", rights=server.alice.rights | MANAGE_SERVER)
    form = await admin.types("soonish settings")
    fields = [each["component"] for each in form.callback["components"]]
    assert [(each["custom_id"], each["type"], each["required"]) for each in fields] == [
        ("timezone", 4, False), ("organizer_role", 6, False), ("channel", 8, False),
    ]  # fmt: skip
    saved = await admin.fills_in(form, timezone="Europe/Berlin", organizer_role="55", channel="2002")
    assert "Europe/Berlin" in read(saved)
    assert "<@&55>" in read(saved)
    again = await admin.presses(saved, "Change")
    defaults = [each["component"].get("default_values") for each in again.callback["components"]]
    assert defaults == [None, [{"id": 55, "type": "role"}], [{"id": 2002, "type": "channel"}]]
    assert "who manages events" in read(await admin.fills_in(again, organizer_role=""))
    assert [row.organizer_role for row in await server.rows(ChatSetting)] == [None]


async def test_a_role_counts_that_the_gateway_has_not_told_of_yet(server: Server) -> None:
    preview = await server.alice.types("event create", name="Film night", when="tomorrow 7pm")
    await server.alice.presses(preview, "Post in #general")
    ((_, event),) = await server.alice.completes("event show", "event", "Film")
    await server.alice.types("event invite", event=event, role="4711", to="organize")
    server.bob.roles = ["4711"]
    assert "Edit" in labels(await server.bob.types("event show", event=event))
    await server.alice.types("event invite", event=event, role=SERVER, to="organize")
    assert "Edit" in labels(await server.carol.types("event show", event=event))


async def test_in_direct_messages_there_is_no_server_to_post_in(server: Server) -> None:
    event, card = await server.posted()
    server.bob.server = None
    assert "Film night" in read(await server.bob.types("event show", event=event))
    said = await server.bob.types("event create", name="Mine", when="tomorrow 7pm")
    assert "In direct messages" in read(said)
    assert "You'll hear about" in read(await server.bob.presses(card.payload, "Subscribe"))


@pytest.mark.parametrize("address", ["json://user:hunter2@hooks.example/token", "ntfy://tk_secret@ntfy.example/topic"])
async def test_an_address_that_is_typed_is_never_said_back(
    server: Server, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    form = await server.bob.sends("soonish:channel_add")
    said = await server.bob.fills_in(form, name="Phone", apprise_url=address)
    assert "Not saved" in read(said)
    for secret in (address, "hunter2", "tk_secret", "hooks.example"):
        assert secret not in json.dumps(said.states)
        assert secret not in caplog.text


async def test_everything_is_acknowledged_while_the_database_is_locked_for_two_seconds(server: Server) -> None:
    event, card = await server.posted()
    newcomers = [Person(server.discord, str(300 + at), f"N{at}") for at in range(5)]
    with sqlite3.connect(server.town.settings.soonish_data / "soonish.db", isolation_level=None) as lock:
        lock.execute("BEGIN IMMEDIATE")
        waiting = [asyncio.create_task(each.presses(card.payload, "Subscribe")) for each in newcomers]
        waiting.append(asyncio.create_task(server.alice.types("event edit", event=event)))
        waiting.append(asyncio.create_task(newcomers[0].types("event edit", event=event)))
        await asyncio.sleep(2.0)
        lock.execute("ROLLBACK")
        talks = await asyncio.gather(*waiting)
    lock.close()
    assert max(talk.seconds for talk in talks) < 2.5
    assert [talk.seconds < 0.5 for talk in talks[:6]] == [True] * 6
    assert all("You'll hear about" in read(talk) for talk in talks[:5])
    assert "Only the organizers" in read(talks[-1])


async def _many_events(server: Server, count: int) -> None:
    now = server.town.clock.now()
    async with server.town.core.db.write() as session:
        (like,) = await server.rows(Event)
        kept = {each.name: getattr(like, each.name) for each in Event.__table__.columns}
        del kept["id"]
        rows = [
            kept
            | {
                "public_id": f"{at:022d}",
                "temporal_workflow_id": f"event-{at}",
                "name": f"Event {at:03d}",
                "start_date": now + dt.timedelta(hours=at + 1),
            }
            for at in range(count)
        ]
        await session.execute(insert(Event), rows)
        await session.commit()


async def _many_subscribers(server: Server, count: int) -> None:
    now = server.town.clock.now()
    async with server.town.core.db.write() as session:
        event = (await server.rows(Event))[0].id
        first = 100_000
        ids = range(first, first + count)
        await session.execute(
            insert(User), [{"id": at, "is_verified": True, "display_name": f"P{at}", "created_at": now} for at in ids]
        )
        await session.execute(
            insert(Identity),
            [
                {"user_id": at, "platform": "discord", "tenant_id": "", "external_id": str(at),
                 "display_name": f"P{at}", "created_at": now}
                for at in ids
            ],
        )  # fmt: skip
        seal, shared = server.town.core.keys.seal, {"tag": "discord", "kind": "Discord DM", "failures": 0}
        await session.execute(
            insert(Integration),
            [
                {
                    **shared, "id": at, "user_id": at, "name": "Discord DM", "is_active": True, "destination": f"d{at}",
                    "label": f"P{at} by Discord DM", "apprise_url": seal(f"discorddm://{at}"), "confirmed_at": now,
                    "created_at": now,
                }
                for at in ids
            ],
        )  # fmt: skip
        follows = {"event_id": event, "state": "active", "requested_at": now, "created_at": now}
        await session.execute(insert(Subscription), [follows | {"integration_id": at, "user_id": at} for at in ids])
        await session.commit()

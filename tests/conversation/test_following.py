"""Following in chat: nothing arrives twice, and nothing that is switched off is a dead end."""

from sqlalchemy import select

from bots.conversation.actions import Action
from bots.conversation.screens import Answer, Menu
from core.db.models import Integration, Subscription
from tests.conversation.conftest import Member, Server, button, buttons, form, menu, screen, words
from tests.core.look import rows


def menus(answer: Answer) -> dict[str, Menu]:
    return {each.placeholder: each for each in screen(answer).rows if isinstance(each, Menu)}


async def has_phone(who: Member) -> None:
    asked = form(await who.presses(Action("channel_add")))
    await who.sends(asked, name="Phone", apprise_url="jsons://192.0.43.8/phone")


async def has_switched_off(who: Member, name: str) -> None:
    listed = await who.says("me channels")
    number = next(each.value for each in menu(listed).choices if each.label == name)
    await who.presses(button(await who.presses(menu(listed), picked=number), "Switch off"))


async def followed(server: Server) -> list[str]:
    query = select(Integration).join(Subscription, Subscription.integration_id == Integration.id)
    found = await rows(server.town.core, query.where(Subscription.state == "active").order_by(Integration.id))
    return [each.name for each in found]


async def picks(who: Member, answer: Answer, placeholder: str, name: str) -> Answer:
    found = menus(answer)[placeholder]
    return await who.presses(found, picked=next(each.value for each in found.choices if each.label == name))


async def test_another_channel_takes_the_place_of_the_one_there_was(server: Server) -> None:
    event = await server.event()
    await has_phone(server.bob)
    first = await server.bob.presses(Action("subscribe", event))
    done = await picks(server.bob, first, "Use another channel", "Phone")
    assert "You'll hear about Film night by Phone:" in words(done)
    assert await followed(server) == ["Phone"]
    again = await server.bob.presses(Action("subscribe", event))
    assert words(again) == "You're already subscribed by Phone."
    assert await followed(server) == ["Phone"]
    changing = await server.bob.presses(button(again, "Change"))
    back = await picks(server.bob, changing, "Use another channel", "Discord DM")
    assert "here by direct message" in words(back)
    assert await followed(server) == ["Discord DM"]


async def test_a_second_channel_is_added_when_asked_for_and_both_are_named(server: Server) -> None:
    event = await server.event()
    await has_phone(server.bob)
    first = await server.bob.presses(Action("subscribe", event))
    done = await picks(server.bob, first, "Add another channel", "Phone")
    assert "You'll hear about Film night by Discord DM and Phone:" in words(done)
    again = await server.bob.presses(Action("subscribe", event))
    assert words(again) == "You're already subscribed by Discord DM and Phone."
    changing = await server.bob.presses(button(again, "Change"))
    assert words(changing) == "You hear about Film night by Discord DM and Phone."
    await picks(server.bob, changing, "Use one channel alone", "Phone")
    assert await followed(server) == ["Phone"]


async def test_a_channel_that_one_switched_off_is_switched_on_at_the_press(server: Server) -> None:
    event, other = await server.event(), await server.event(name="Quiz")
    await has_phone(server.bob)
    await server.bob.presses(Action("subscribe", other))
    await has_switched_off(server.bob, "Discord DM")
    asked = await server.bob.presses(Action("subscribe", event))
    assert words(asked) == "Your channel Discord DM is switched off, so nothing would reach you there."
    assert [each.label for each in buttons(asked)] == ["Switch on and subscribe", "Add a channel"]
    done = await server.bob.presses(button(asked, "Switch on and subscribe"))
    assert "You'll hear about Film night here by direct message" in words(done)
    channels = await server.bob.says("me channels")
    assert "🟢 Discord DM" in words(channels)


async def test_instead_of_a_channel_that_is_off_another_is_taken(server: Server) -> None:
    event = await server.event()
    await has_phone(server.bob)
    await server.bob.presses(Action("subscribe", await server.event(name="Quiz")))
    await has_switched_off(server.bob, "Discord DM")
    asked = await server.bob.presses(Action("subscribe", event))
    done = await picks(server.bob, asked, "Use another channel", "Phone")
    assert "by Phone" in words(done)


async def test_a_press_on_subscribe_reaches_who_follows_by_a_channel_that_is_off(server: Server) -> None:
    event = await server.event()
    await has_phone(server.bob)
    first = await server.bob.presses(Action("subscribe", event))
    await picks(server.bob, first, "Use another channel", "Phone")
    await has_switched_off(server.bob, "Phone")
    assert "Discord DM" in words(await server.bob.presses(Action("subscribe", event)))
    assert await followed(server) == ["Phone", "Discord DM"]


async def test_nobody_uses_a_channel_of_somebody_else(server: Server) -> None:
    event = await server.event()
    await has_phone(server.bob)
    (phone,) = [each for each in await server.rows(Integration) if each.name == "Phone"]
    for verb in ("via", "also"):
        said = await server.mallory.presses(Action(verb, event), picked=str(phone.id))
        assert "There is no such channel" in words(said)
    assert "no such channel" in words(await server.mallory.presses(Action("switch_on", event, str(phone.id))))
    assert await followed(server) == []


async def test_the_details_of_what_one_follows_say_how_and_offer_to_leave(server: Server) -> None:
    event = await server.event()
    before = await server.bob.says("event show", event=event)
    assert "Unsubscribe" not in [each.label for each in buttons(before)]
    await server.bob.presses(button(before, "Subscribe"))
    shown = await server.bob.says("event show", event=event)
    assert "You hear about it by Discord DM." in words(shown)
    assert "🔔 Subscribe" not in [each.label for each in buttons(shown)]
    assert "no more messages" in words(await server.bob.presses(button(shown, "Unsubscribe")))
    assert "Subscribe" in button(await server.bob.says("event show", event=event), "Subscribe").label


async def test_only_reminders_that_will_come_are_promised(server: Server) -> None:
    for when, promised in (
        ("in 30 minutes", "message: when the organizer writes."),
        ("in 5 hours", "message: 1 hour before, and when the organizer writes."),
        ("in 3 days 8pm", "message: 1 day before, 1 hour before, and when the organizer writes."),
    ):
        said = words(await server.bob.presses(Action("subscribe", await server.event(when=when))))
        assert said.endswith(promised), said


async def test_every_end_of_ones_channels_leads_back_to_them(server: Server) -> None:
    bob, back = server.bob, "Back to your channels"
    asked = form(await bob.presses(Action("channel_add")))
    added = await bob.sends(asked, name="Phone", apprise_url="jsons://192.0.43.8/phone")
    refused = await bob.sends(asked, name="Phone", apprise_url="nonsense")
    waits = await bob.sends(asked, name="Mail", apprise_url="mailto://bob@example.org")
    listed = await bob.presses(button(added, back))
    number = next(each.value for each in menu(listed).choices if each.label == "Phone")
    one = await bob.presses(menu(listed), picked=number)
    unnamed = await bob.sends(form(await bob.presses(button(one, "Rename"))), name=" ")
    renamed = await bob.sends(form(await bob.presses(button(unnamed, "Change"))), name="Mobile")
    tested = await bob.presses(button(one, "Test"))
    switched = await bob.presses(button(one, "Switch off"))
    removed = await bob.presses(button(await bob.presses(button(one, "Remove")), "Remove it"))
    for end in (added, refused, waits, renamed, tested, switched, removed):
        assert "Your channels" in words(await bob.presses(button(end, back))), words(end)


async def test_undo_says_to_whom_the_organizer_removed_since_that_they_are_still_out_and_why(server: Server) -> None:
    event = await server.event()
    await server.bob.presses(Action("subscribe", event))
    left = await server.bob.presses(Action("leave", event))
    (row,) = await rows(server.town.core, select(Subscription).where(Subscription.user_id.is_not(None)))
    await server.alice.presses(Action("remove_yes", event, str(row.id)))
    told = words(await server.bob.presses(button(left, "Undo")))
    assert "You are still out." in told
    assert "Film night: The organizer removed you since. Ask them." in told

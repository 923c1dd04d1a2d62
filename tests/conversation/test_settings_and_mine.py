"""A server's settings, and one's own things: who sets them, and what stays."""

from bots.conversation.actions import Action
from core.db.models import ChatSetting, User
from tests.conversation.conftest import (
    OTHER,
    Server,
    button,
    buttons,
    form,
    menu,
    screen,
    words,
)


async def test_a_clock_is_typed_into_a_form_that_has_the_one_so_far(server: Server) -> None:
    before = len(await server.rows(User))
    asked = form(await server.bob.says("me timezone"))
    assert [(each.name, each.value) for each in asked.fields] == [("timezone", "UTC")]
    assert len(await server.rows(User)) == before
    wrong = screen(await server.bob.sends(asked, timezone="Mars"))
    assert wrong.about == "timezone"
    assert form(await server.bob.presses(button(wrong, "Change"))).title == "Your clock"
    several = await server.bob.sends(asked, timezone="europe/b")
    assert "Europe/Berlin" in [each.value for each in menu(several).choices]
    assert words(await server.bob.sends(asked, timezone="tokyo")) == "Your times are in Asia/Tokyo now."
    picked = await server.bob.presses(menu(several), picked="Europe/Berlin")
    assert words(picked) == "Your times are in Europe/Berlin now."
    assert form(await server.bob.says("me timezone")).fields[0].value == "Europe/Berlin"


async def test_settings_are_cleared_after_a_question(server: Server) -> None:
    server.alice.administers = True
    saved = await server.alice.says("soonish settings", timezone="Europe/Berlin")
    asked = await server.alice.presses(button(saved, "Clear all"))
    assert "Europe/Berlin" in words(await server.alice.presses(button(asked, "Keep them")))
    assert [row.timezone for row in await server.rows(ChatSetting)] == ["Europe/Berlin"]
    assert "plain settings" in words(await server.alice.presses(button(asked, "Clear all")))
    assert [row.timezone for row in await server.rows(ChatSetting)] in ([], [None])
    for forged in ("settings_clear", "settings_cleared", "settings_kept"):
        assert "Only admins" in words(await server.bob.presses(Action(forged)))
    server.alice.server = None
    assert "Ask for them in your server" in words(await server.alice.says("soonish settings"))


async def test_settings_are_the_admins_alone(server: Server) -> None:
    assert "Only admins" in words(await server.alice.says("soonish settings"))
    assert "Only admins" in words(await server.alice.presses(Action("settings_form")))
    forged = await server.alice.presses(Action("settings_set"), timezone="Asia/Tokyo", channel="", organizer_role="7")
    assert "Only admins" in words(forged)
    assert await server.rows(ChatSetting) == []
    server.alice.administers = True
    assert "Europe/Berlin" in words(await server.alice.says("soonish settings", timezone="Europe/Berlin"))
    preview = await server.alice.says("event create", name="Quiz", when="tomorrow 7pm")
    assert "Times are in Europe/Berlin. Not yours?" in words(preview)
    await server.alice.says("me timezone", zone="Asia/Tokyo")
    preview = await server.alice.says("event create", name="Quiz", when="tomorrow 7pm")
    assert "Asia/Tokyo" in words(preview)
    assert "Not yours?" not in words(preview)


async def test_settings_are_a_form_with_what_is_set_and_what_is_emptied_is_unset(server: Server) -> None:
    server.alice.administers = True
    asked = form(await server.alice.says("soonish settings"))
    assert [(each.name, each.kind, each.value) for each in asked.fields] == [
        ("timezone", "text", ""), ("organizer_role", "role", ""), ("channel", "channel", ""),
    ]  # fmt: skip
    wrong = screen(await server.alice.sends(asked, timezone="Mars", channel=OTHER))
    assert (wrong.about, button(wrong, "Change").label) == ("timezone", "Change")
    saved = await server.alice.sends(asked, timezone="Europe/Berlin", channel=OTHER, organizer_role="55")
    assert "Europe/Berlin" in words(saved)
    again = form(await server.alice.presses(button(saved, "Change")))
    assert [each.value for each in again.fields] == ["Europe/Berlin", "55", OTHER]
    await server.alice.sends(again, timezone="", channel="")
    (row,) = await server.rows(ChatSetting)
    assert (row.timezone, row.organizer_role, row.channel_id) == (None, "55", None)


async def test_ones_own_things(server: Server) -> None:
    assert "You follow nothing yet." in words(await server.bob.says("me subscriptions"))
    event = await server.event()
    await server.bob.presses(Action("subscribe", event))
    assert "Film night by Discord DM" in words(await server.bob.says("me subscriptions"))
    channels = await server.bob.says("me channels")
    assert "🟢 Discord DM" in words(channels)
    one = await server.bob.presses(menu(channels), picked=menu(channels).choices[0].value)
    assert "is off" in words(await server.bob.presses(button(one, "Switch off")))
    asked = form(await server.bob.presses(button(await server.bob.says("me channels"), "Add a channel")))
    added = await server.bob.sends(asked, name="Phone", apprise_url="jsons://192.0.43.8/secret-hook")
    assert "✅ Phone works" in words(added)
    bad = await server.bob.sends(asked, name="Phone", apprise_url="file:///etc/secret-passwd")
    assert words(bad).startswith("❌ Not saved")
    assert "secret" not in words(bad) + words(added)
    link = await server.bob.says("me link")
    assert "/link/" in (buttons(link)[0].url or "")
    assert "Asia/Tokyo" in [value for _, value in await server.bob.offered("me timezone", "zone", "tok")]
    gone = await server.bob.presses(button(await server.bob.says("me delete"), "Erase everything"))
    assert "It's all gone" in words(gone)

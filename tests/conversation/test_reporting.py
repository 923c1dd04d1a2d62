"""Long lists in chat: nothing of them is passed over in silence."""

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from bots.conversation.actions import Action
from bots.conversation.verbs import mine, reporting, writing
from core.db.models import Delivery, Notification
from tests.conversation.conftest import Server, button, buttons, done_event, menu, words

_MESSAGES = select(Notification.id).where(Notification.kind == "message")


async def follow(server: Server, event: str, number: int) -> None:
    for at in range(number):
        who = replace(server.bob, external_id=str(500 + at), name=f"Guest {at:02d}")
        await who.presses(Action("subscribe", event))


async def test_everybody_who_missed_a_message_is_named_page_by_page_and_on_the_full_report(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = await server.event()
    monkeypatch.setattr(reporting, "PAGE", 3)
    await follow(server, event, 5)
    preview = await server.alice.says("event notify", event=event, message="Doors at six.")
    await server.alice.presses(button(preview, "Send to 5"))
    async with server.town.core.db.write() as session:
        failed = update(Delivery).where(Delivery.notification_id.in_(_MESSAGES))
        await session.execute(failed.values(status="dead", reason="Nobody answered."))
        await session.commit()
    first = await server.alice.says("event report", event=event)
    second = await server.alice.presses(button(first, "More"))
    assert [words(each).count("Nobody answered.") for each in (first, second)] == [3, 2]
    for at in range(5):
        assert f"Guest {at:02d}" in words(first) + words(second)
    number = button(first, "Refresh").action
    assert number is not None
    base = server.town.settings.public_base_url
    assert button(first, "Full report").url == f"{base}/e/{event}/messages/{number.more}"
    assert "More" not in [each.label for each in buttons(second)]


async def test_where_not_everybody_can_be_chosen_the_page_that_has_them_is_a_press_away(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_MENU", 2)
    event = await server.event()
    await follow(server, event, 3)
    preview = await server.alice.says("event notify", event=event, message="Doors at six.")
    people = await server.alice.presses(button(preview, "Choose people"))
    assert len(menu(people).choices) == 2
    assert (button(people, "All of them").url or "").endswith(f"/e/{event}/subscribers")
    shown = await server.alice.says("event subscribers", event=event)
    assert (button(shown, "All of them").url or "").endswith(f"/e/{event}/subscribers")


async def test_all_that_somebody_follows_is_shown_page_by_page(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mine, "PAGE", 3)
    names = [f"Night {at}" for at in range(5)]
    for name in names:
        await server.bob.presses(Action("subscribe", await server.event(name=name)))
    first = await server.bob.says("me subscriptions")
    second = await server.bob.presses(button(first, "More"))
    assert [each in words(first) + words(second) for each in names] == [True] * 5
    assert len(menu(second).choices) == 2
    assert done_event(await server.bob.presses(menu(second), picked=menu(second).choices[0].value))
    assert words(await server.bob.presses(button(second, "Back to the newest"))) == words(first)

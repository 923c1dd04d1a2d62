"""What use cases cost in statements: bounded, and the same for a few rows and for many."""

from collections.abc import Awaitable, Callable

import pytest

from core.cards.announcements import card_for
from core.events.calendar import event_calendar
from core.events.changes import cancel_event, change_event
from core.events.duties import event_duties
from core.events.model import Cancellation, EventChange, EventView, NewEvent
from core.events.usecases import create_event, event_page, get_event, list_events
from core.integrations.model import IntegrationChange
from core.integrations.usecases import change_integration, list_integrations, remove_integration
from core.notifications.model import NewMessage
from core.notifications.usecases import event_deliveries, report, retry, send_message
from core.subscriptions.confirm import confirm, look_at_confirm
from core.subscriptions.join import subscribe_by_channel, subscribe_by_email
from core.subscriptions.leave import end_mine, look_at_leaving, unsubscribe
from core.subscriptions.model import SubscribeByChannel, SubscribeByEmail
from core.subscriptions.views import event_subscriptions, my_subscriptions
from core.tokens import ConfirmToken, UnsubscribeToken, confirm_token, unsubscribe_token
from tests.core.look import NOBODY, statements, subscriptions
from tests.core.test_cards import GENERAL, announced
from tests.people import EVERYTHING, Town

pytestmark = pytest.mark.both_databases


class Scene:
    """An event that bob follows by `many` channels, a message about it, and what each use case needs."""

    def __init__(
        self, town: Town, event: EventView, hooks: list[int], ids: list[int], sent: int, event_id: int
    ) -> None:
        self.town = town
        self.event = event
        self.hooks = hooks
        self.subscriptions = ids
        self.sent = sent
        self.leave = unsubscribe_token(town.core.keys, UnsubscribeToken(event_id, hooks[0]))
        self.event_id = event_id
        self.confirm = ""


async def scene(town: Town, many: int) -> Scene:
    event = await town.event()
    for _ in range(many):
        await town.event()
    hooks = [await town.channel(town.bob, f"json://192.0.2.7/{n}", tag=f"t{n}") for n in range(many)]
    rows = await town.follow(town.bob, event, *hooks)
    message = NewMessage(title="Hi", body="there")
    sent = await town.core.act(town.alice.actor, send_message, event.id, message)
    made = Scene(town, event, hooks, [row.id for row in rows], sent.id, (await town.row(event)).id)
    await town.core.act(NOBODY, subscribe_by_email, event.id, SubscribeByEmail(email="nora@example.org"))
    asked = (await subscriptions(town, event))[-1]
    made.confirm = confirm_token(
        town.core.keys, ConfirmToken("subscription", asked.id, int(asked.requested_at.timestamp()))
    )
    return made


Cost = tuple[str, int, Callable[[Scene], Awaitable[object]]]


def _costs() -> list[Cost]:
    """(use case, statements at most, how it is called); BEGIN and COMMIT are not counted."""
    moved = EventChange(location="Roof", notify="now")
    message = NewMessage(title="Hi", body="there")
    off, on = IntegrationChange(is_active=False), IntegrationChange(is_active=True)
    return [
        ("get_event", 2, lambda s: s.town.core.ask(NOBODY, get_event, s.event.id)),
        ("event_calendar", 1, lambda s: s.town.core.ask(NOBODY, event_calendar, s.event.id)),
        ("event_page", 4, lambda s: s.town.core.ask(NOBODY, event_page, s.event.id)),
        ("list_events", 1, lambda s: s.town.core.ask(s.town.alice.actor, list_events, "mine", EVERYTHING)),
        ("my_subscriptions", 1, lambda s: s.town.core.ask(s.town.bob.actor, my_subscriptions, EVERYTHING)),
        (
            "event_subscriptions",
            2,
            lambda s: s.town.core.ask(s.town.alice.actor, event_subscriptions, s.event.id, EVERYTHING),
        ),
        ("list_integrations", 1, lambda s: s.town.core.ask(s.town.bob.actor, list_integrations, EVERYTHING)),
        ("report", 3, lambda s: s.town.core.ask(s.town.alice.actor, report, s.sent, EVERYTHING)),
        (
            "event_deliveries",
            2,
            lambda s: s.town.core.ask(s.town.alice.actor, event_deliveries, s.event.id, EVERYTHING),
        ),
        ("look_at_confirm", 1, lambda s: s.town.core.ask(NOBODY, look_at_confirm, s.confirm)),
        ("look_at_leaving", 6, lambda s: s.town.core.ask(NOBODY, look_at_leaving, s.leave)),
        ("create_event", 8, lambda s: s.town.core.act(s.town.alice.actor, create_event, _new(s))),
        ("send_message", 8, lambda s: s.town.core.act(s.town.alice.actor, send_message, s.event.id, message)),
        ("change_event", 11, lambda s: s.town.core.act(s.town.alice.actor, change_event, s.event.id, moved)),
        ("retry", 3, lambda s: s.town.core.act(s.town.alice.actor, retry, s.sent)),
        (
            "subscribe_by_email",
            14,
            lambda s: s.town.core.act(
                NOBODY, subscribe_by_email, s.event.id, SubscribeByEmail(email="olga@example.org")
            ),
        ),
        ("confirm", 9, lambda s: s.town.core.act(NOBODY, confirm, s.confirm)),
        (
            "subscribe_by_channel",
            11,
            lambda s: s.town.core.act(s.town.carol.actor, subscribe_by_channel, s.event.id, SubscribeByChannel()),
        ),
        ("switch off", 3, lambda s: s.town.core.act(s.town.bob.actor, change_integration, s.hooks[0], off)),
        ("switch on", 4, lambda s: s.town.core.act(s.town.bob.actor, change_integration, s.hooks[0], on)),
        ("card_for", 2, lambda s: s.town.core.ask(s.town.alice.actor, card_for, s.event.id, GENERAL)),
        ("announce", 6, lambda s: announced(s.town, s.event)),
        ("event_duties", 3, lambda s: s.town.core.step(event_duties, s.event_id)),
        ("unsubscribe", 7, lambda s: s.town.core.act(NOBODY, unsubscribe, s.leave, "everything")),
        ("end_mine", 5, lambda s: s.town.core.act(s.town.bob.actor, end_mine, s.subscriptions[-1])),
        ("remove_integration", 5, lambda s: s.town.core.act(s.town.bob.actor, remove_integration, s.hooks[-1])),
        (
            "cancel_event",
            13,
            lambda s: s.town.core.act(s.town.alice.actor, cancel_event, s.event.id, Cancellation()),
        ),
    ]


def _new(found: Scene) -> NewEvent:
    return NewEvent(name="Another", start_date=found.town.in_(days=1))


async def _measured(town: Town, many: int) -> dict[str, int]:
    found = await scene(town, many)
    counts = {}
    for name, _, call in _costs():
        with statements(town.core) as seen:
            await call(found)
        counts[name] = len(seen)
    return counts


@pytest.mark.parametrize("rows", [2, 12])
async def test_no_use_case_costs_more_statements_than_it_did_however_many_rows_there_are(town: Town, rows: int) -> None:
    found = await _measured(town, rows)
    allowed = {name: most for name, most, _ in _costs()}
    locks = 0 if town.core.db.sqlite else 2  # the account and the event are held by statements of their own
    assert {name: count for name, count in found.items() if count > allowed[name] + locks} == {}

"""Reports of abuse: by anybody who sees the event, read and closed by operators."""

from dataclasses import replace

import pytest

from core.errors import Code
from core.events.abuse import Closing, NewReport, close_report, list_reports, report_event
from core.upkeep import tidy_all
from tests.core.look import (
    NOBODY,
    refusal,
)
from tests.core.operating import operator
from tests.core.steps import DAY
from tests.people import EVERYTHING, OPERATOR, Town

pytestmark = pytest.mark.both_databases


async def test_anybody_reports_what_they_see_and_an_operator_closes_it_once_with_a_note(town: Town) -> None:
    event, boss, said = await town.event(), await operator(town), NewReport(body="It is spam.")
    await town.core.act(NOBODY, report_event, event.id, said)
    await town.core.act(town.carol.actor, report_event, event.id, said)
    newest, oldest = (await town.core.ask(boss, list_reports, EVERYTHING)).items
    assert (oldest.event_id, oldest.event_name, oldest.body) == (event.id, "Launch party", "It is spam.")
    for _ in range(2):
        await town.core.act(boss, close_report, oldest.id, Closing(note="Cancelled."))
    await refusal(town.core.act(boss, close_report, oldest.id, Closing(note="Else.")), Code.CONFLICT)
    await refusal(town.core.act(boss, close_report, 9_999, Closing()), Code.NOT_FOUND)
    assert [each.id for each in (await town.core.ask(boss, list_reports, EVERYTHING)).items] == [newest.id]
    (closed,) = (await town.core.ask(boss, list_reports, EVERYTHING, closed=True)).items
    assert (closed.note, closed.closed_at is not None) == ("Cancelled.", True)


async def test_reports_are_nothing_for_strangers_and_a_private_event_is_not_there_to_report(town: Town) -> None:
    event = await town.event(is_public=False)
    for who in (NOBODY, town.carol.actor):
        await refusal(town.core.act(who, report_event, event.id, NewReport(body="Spam")), Code.NOT_FOUND)
        await refusal(town.core.ask(who, list_reports, EVERYTHING), Code.NOT_FOUND)
        await refusal(town.core.act(who, close_report, 1, Closing()), Code.NOT_FOUND)


async def test_one_network_reports_five_times_an_hour(town: Town) -> None:
    event, said = await town.event(), NewReport(body="Spam")
    for _ in range(5):
        await town.core.act(NOBODY, report_event, event.id, said)
    limited = await refusal(town.core.act(NOBODY, report_event, event.id, said), Code.LIMITED)
    assert limited.retry_after
    await town.core.act(replace(NOBODY, ip="198.51.100.7"), report_event, event.id, said)


async def test_the_fifty_first_report_that_waits_is_thanked_for_and_not_kept(town: Town) -> None:
    event = await town.event()
    for n in range(51):
        await town.core.act(replace(NOBODY, ip=f"198.51.100.{n}"), report_event, event.id, NewReport(body="Spam"))
    assert len((await town.core.ask(OPERATOR, list_reports, EVERYTHING)).items) == 50


@pytest.mark.parametrize(("days", "closed_left"), [(399, 1), (401, 0)])
async def test_closed_reports_go_with_the_audit_and_open_ones_stay(town: Town, days: int, closed_left: int) -> None:
    event = await town.event()
    for n in range(2):
        await town.core.act(NOBODY, report_event, event.id, NewReport(body=f"Spam {n}"))
    await town.core.act(OPERATOR, close_report, 1, Closing())
    assert town.settings.retention_audit_days == 400
    town.clock.shift = days * DAY
    await tidy_all(town.core)
    assert len((await town.core.ask(OPERATOR, list_reports, EVERYTHING)).items) == 1
    assert len((await town.core.ask(OPERATOR, list_reports, EVERYTHING, closed=True)).items) == closed_left

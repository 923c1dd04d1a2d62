"""Change an event, or call it off: what is told to whom is shown before it is."""

from collections.abc import Mapping
from functools import partial

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.entering import managed
from bots.conversation.screens import Answer, Button, Field, Form, Line, Screen, line, told
from bots.conversation.showing import counted, moment
from bots.conversation.speaker import Turn, number_in
from core.chat.drafts import drop_draft, keep_draft, read_draft
from core.errors import conflict
from core.events.changes import TOLD, cancel_event, change_event
from core.events.model import Cancellation, EventChange, EventView
from core.events.reminders import to_come
from core.events.typed import CHANGED_MEANWHILE, as_typed, change_of, say_changes

_MINE = Option("event", "Which one", required=True, completes="my_event")
_SHOWN = ("name", "when", "until", "where", "description")


@BOOK.command("event", "edit", "Change an event of yours", "organizers", _MINE, opens_form=True)
@BOOK.press("edit", opens_form=True)
async def edit(turn: Turn) -> Answer:
    event = await _changeable(turn)
    return _form(event.id, event.revision, _as_typed(event))


@BOOK.press("edit_again", opens_form=True)
async def edit_again(turn: Turn) -> Answer:
    """What was typed last time, over the event as it is now."""
    draft = await turn.ask(read_draft, turn.number, "edit")
    event = await _changeable(turn)
    return _form(event.id, event.revision, {**_as_typed(event), **draft.data["typed"]})


@BOOK.press("edited")
async def edited(turn: Turn) -> Answer:
    """What would change and who would be told; nothing is saved yet."""
    event = await _changeable(turn)
    turn.again = partial(_keep_typed, turn, event)
    if turn.number != event.revision:
        raise conflict(CHANGED_MEANWHILE)
    change = change_of(event, turn.given, _as_typed(event), turn.core.clock.now(), turn.speaker.locale)
    fields = change.changes()
    if not fields:
        return told("Nothing changed.")
    kept = {"change": change.model_dump(mode="json", exclude_unset=True), "typed": _news(turn, event)}
    number = str(await turn.act(keep_draft, "edit", kept, event.id))
    told_of = bool(TOLD & set(fields))
    lines = _said(event, change)
    back = Button("Back", Action("edit_again", event.id, number))
    if not told_of:
        lines.append(line("We tell nobody about a new text unless you want us to."))
        quiet = Button("Save", Action("save", event.id, f"{number},no"), style="primary")
        loud = Button(f"Save and tell {event.subscribers}", Action("save", event.id, f"{number},yes"))
        return Screen(tuple(lines), title="Change", rows=((quiet, loud, back),))
    left = change.start_date is not None and to_come(change.start_date, turn.core.clock.now())
    moves = " and reminders move too" if left else ""
    lines.append(line(f"{counted(event.subscribers, 'person', 'people')} will be told{moves}."))
    save = Button("Save and tell them", Action("save", event.id, f"{number},yes"), style="primary")
    return Screen(tuple(lines), title="Change", rows=((save, back),))


@BOOK.press("save")
async def saved(turn: Turn) -> Answer:
    number, _, tell = turn.more.partition(",")
    key = f"draft:{number}"
    before = await turn.done_before(key, change_event)
    if before is not None:
        return told("Saved already.")
    draft = await turn.ask(read_draft, number_in(number), "edit")
    await _changeable(turn)
    turn.again = partial(_back_to, turn.event_id, number)
    change = EventChange.model_validate({**draft.data["change"], "notify": tell == "yes"})
    event = await turn.once(key, change_event, turn.event_id, change)
    who = f"{counted(event.subscribers, 'person is', 'people are')} being told." if tell == "yes" else "Nobody is told."
    return Screen((line(f"Saved. {who}"),), rows=((Button("Details", Action("details", event.id)),),))


@BOOK.command(
    "event", "cancel", "Call an event of yours off", "organizers", _MINE, Option("reason", "Why; everybody reads it")
)
@BOOK.press("cancel")
async def cancel(turn: Turn) -> Answer:
    event = await managed(turn)
    if event.status == "cancelled":
        return told(f"{event.name} is cancelled already.")
    typed = {"reason": turn.given.get("reason", "")}
    turn.again = partial(_keep_reason, turn, event, typed)
    reason = Cancellation.model_validate(typed)
    number = str(await turn.act(keep_draft, "cancel", reason.model_dump(), event.id))
    people = counted(event.subscribers, "person", "people")
    asked = f"Cancel {event.name}? {people} will be told. Reminders stop. This can't be undone."
    yes = Button("Cancel the event", Action("cancel_yes", event.id, number), style="danger")
    keep = Button("Keep it", Action("draft_keep", more=number))
    said = [line(asked)] + ([line("Reason: ", reason.reason)] if reason.reason else [])
    why = Button("Add a reason", Action("cancel_why", event.id))
    return Screen(tuple(said), rows=((yes, keep) if reason.reason else (yes, why, keep),))


@BOOK.press("cancel_why", opens_form=True)
async def cancel_why(turn: Turn) -> Answer:
    event = await managed(turn)
    typed = (await turn.ask(read_draft, turn.number, "cancel")).data["reason"] if turn.more else ""
    why = Field("reason", "Why; everybody reads it", typed, at_most=300)
    return Form("Cancel event", Action("cancel", event.id), (why,))


@BOOK.press("cancel_yes")
async def cancelled(turn: Turn) -> Answer:
    draft = await turn.ask(read_draft, turn.number, "cancel")
    event = await turn.act(cancel_event, turn.event_id, Cancellation.model_validate(draft.data))
    return told(f"{event.name} is cancelled. {counted(event.subscribers, 'person is', 'people are')} being told.")


@BOOK.press("draft_keep")
async def kept(turn: Turn) -> Answer:
    await turn.act(drop_draft, turn.number)
    return told("Kept. Nothing changed.")


async def _changeable(turn: Turn) -> EventView:
    """Theirs, and not over: a form and a preview stand open while somebody else calls the event off."""
    event = await managed(turn)
    if event.status != "scheduled":
        raise conflict(f"{event.name} is {event.status}: it can no longer be changed.")
    return event


def _form(event_id: str, revision: int, typed: Mapping[str, str]) -> Form:
    return Form(
        "Edit event",
        Action("edited", event_id, str(revision)),
        (
            Field("name", "Name", typed.get("name", ""), required=True, at_most=200),
            Field("when", "When", typed.get("when", ""), required=True, at_most=120, moment=True),
            Field("until", "Until", typed.get("until", ""), "9pm, or 2h", at_most=120, moment=True),
            Field("where", "Where", typed.get("where", ""), at_most=300),
            Field("description", "Description", typed.get("description", ""), long=True, at_most=4_000),
        ),
    )


async def _back_to(event_id: str, number: str) -> Action:
    return Action("edit_again", event_id, number)


async def _keep_reason(turn: Turn, event: EventView, typed: Mapping[str, str]) -> Action:
    return Action("cancel_why", event.id, str(await turn.act(keep_draft, "cancel", dict(typed), event.id)))


async def _keep_typed(turn: Turn, event: EventView) -> Action:
    number = await turn.act(keep_draft, "edit", {"typed": _news(turn, event)}, event.id)
    return Action("edit_again", event.id, str(number))


def _news(turn: Turn, event: EventView) -> dict[str, str]:
    """What they typed themselves."""
    shown = _as_typed(event)
    return {name: typed for name, typed in turn.given.items() if typed != shown.get(name)}


def _as_typed(event: EventView) -> dict[str, str]:
    """Whole: a platform leaves out of its form what does not fit, and what it did not ask stays."""
    typed = as_typed(event)
    return {name: typed[name] for name in _SHOWN}


def _said(event: EventView, change: EventChange) -> list[Line]:
    lines: list[Line] = []
    if change.start_date is not None:
        old, new = moment(event.start_date, event.timezone), moment(change.start_date, event.timezone)
        lines.append(line("Moved from ", old, " to ", new, "."))
    elif "end_date" in change.model_fields_set:
        end = change.end_date
        lines.append(line("It ends ", moment(end, event.timezone), ".") if end else line("It no longer has an end."))
    return [*lines, *(line(each) for each in say_changes(change))]

"""Create an event: one line or a form, a preview that only its maker sees, and a card where they want it."""

from dataclasses import replace
from functools import partial
from typing import Any

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.creators import refuse_strangers, refuse_strangers_early
from bots.conversation.posting import details_of, post_card
from bots.conversation.refusals import InsteadError
from bots.conversation.screens import (
    Answer,
    Button,
    ChannelMenu,
    Choice,
    Choices,
    Field,
    Form,
    Line,
    Mention,
    Row,
    Screen,
    Strong,
    line,
    told,
)
from bots.conversation.showing import heard, when_line
from bots.conversation.speaker import Turn, of_draft
from core.chat.drafts import DraftView, change_draft, drop_draft, keep_draft, read_draft
from core.errors import Code, SoonishError
from core.events.model import EventView, NewEvent
from core.events.typed import exactly, new_event
from core.events.usecases import create_event
from core.when import read, say

VISIBILITIES = (
    Choice("Anyone with the link", "public"),
    Choice("Invited people only", "private"),
)


@BOOK.command(
    "event", "create", "Create an event", "creators",
    Option("name", "What it is called"),
    Option("when", 'When it starts, like "fri 7pm"', completes="when"),
    Option("duration", 'How long, like "2h", or until when, like "9pm"'),
    Option("where", "A place or a link"),
    Option("description", "What it is about"),
    Option("visibility", "Who may see it", choices=("public", "private")),
    opens_form=True, unless=(("name", "when"),),
)  # fmt: skip
async def create(turn: Turn) -> Answer:
    given = turn.given
    if not (given.get("name") and given.get("when")):
        await refuse_strangers_early(turn)
        # Where a form has no room for it, what was typed beside it is meant.
        return _form(Action("create", more="private" if given.get("visibility") == "private" else ""), given)
    return await _preview(turn, given)


@BOOK.press("create_form", opens_form=True)
async def form_asked(turn: Turn) -> Answer:
    await refuse_strangers_early(turn)
    return _form(Action("create"), {})


@BOOK.press("create")
async def form_sent(turn: Turn) -> Answer:
    return await _preview(turn, {"visibility": turn.more, **turn.given})


@BOOK.press("draft_edit", opens_form=True)
async def edit_again(turn: Turn) -> Answer:
    draft = await _draft_shown(turn)
    return _form(Action("draft_edited", more=str(draft.id)), draft.data["typed"])


@BOOK.press("draft_edited")
async def edited_again(turn: Turn) -> Answer:
    """What the form does not ask about stays as it was said first."""
    draft = await _draft_shown(turn)
    return await _preview(turn, {**draft.data["typed"], **turn.given}, draft.id)


@BOOK.press("draft_visibility")
async def shown_to(turn: Turn) -> Answer:
    draft = await _draft_shown(turn)
    _, _, visibility = of_draft(turn.more)
    return await _preview(turn, {**draft.data["typed"], "visibility": visibility}, draft.id)


@BOOK.press("draft_post")
async def post_here(turn: Turn) -> Answer:
    """In the channel that the menu names, else in the server's own, else where the command was typed."""
    place, picked = turn.speaker.place, turn.given.get("picked")
    channel = picked or (await turn.here()).channel_id or (place.space_id if place else None)
    return await _posted_in(turn, channel, None if picked else turn.action)


@BOOK.press("draft_post_here")
async def post_right_here(turn: Turn) -> Answer:
    """Where cards go elsewhere."""
    place = turn.speaker.place
    return await _posted_in(turn, place.space_id if place else None, turn.action)


async def _posted_in(turn: Turn, channel: str | None, again: Action | None) -> Answer:
    """Its preview has said of a private one who will see it there. One that is created is still posted from it."""
    await refuse_strangers(turn)
    if not channel:
        raise SoonishError(Code.INVALID, "There is no channel here to post in.", hint="Pick one, or just create it.")
    event = await _created(turn)
    if event is None or not await _shows_it(turn):
        draft = await _draft_shown(turn)
        event = await _create(turn, draft)
    return await post_card(turn, event.id, channel, again, opening=not event.is_public)


@BOOK.press("draft_create")
async def just_create(turn: Turn) -> Answer:
    await refuse_strangers(turn)
    draft = await _draft_shown(turn)
    event = await _create(turn, draft)
    shown = await details_of(turn, event)
    if event.is_public:
        return Screen((line("Created. Anyone with the link can see it: ", event.url), *shown.lines), rows=shown.rows)
    people = Button("Invite people", Action("invite", event.id), style="primary")
    return Screen((line("Created. Only invited people can see it."), *shown.lines), rows=((people,), *shown.rows))


@BOOK.press("draft_drop")
async def dropped(turn: Turn) -> Answer:
    draft = await _draft_shown(turn)
    await turn.act(drop_draft, draft.id)
    return Screen((line("Nothing was created."),))


@BOOK.completes("when")
async def offer_readings(turn: Turn, text: str) -> Choices:
    """The live preview of the reading; what it would refuse is offered as the way to type it."""
    zone, _ = await turn.zone()
    now = turn.core.clock.now()
    if not text.strip():
        return Choices(())
    try:
        found = read(text, now, zone, turn.speaker.locale)
    except SoonishError as refusal:
        hint = refusal.hint or refusal.message
        return Choices((Choice(hint[:100], text[:100]),))
    return Choices(tuple(Choice(say(at, now, zone)[:100], exactly(at, zone)) for at in found))


async def _created(turn: Turn) -> EventView | None:
    return await turn.done_before(f"draft:{of_draft(turn.more)[0]}", create_event)


async def _shows_it(turn: Turn) -> bool:
    """Whether the preview shows what was created: from then on its draft stays as it is."""
    draft_id, mark, _ = of_draft(turn.more)
    return mark == (await turn.ask(read_draft, draft_id, "create")).mark


async def _draft_shown(turn: Turn) -> DraftView:
    """What the preview shows. Raises InsteadError where it is used, or was changed since."""
    draft_id, mark, _ = of_draft(turn.more)
    if (event := await _created(turn)) is not None:
        edit, look = Button("Edit event", Action("edit", event.id)), Button("Details", Action("details", event.id))
        raise InsteadError(told("Created already.", rows=((edit, look),)))
    draft = await turn.ask(read_draft, draft_id, "create")
    if not mark or mark == draft.mark:
        return draft
    said = "This preview was changed since."
    if "event" not in draft.data:  # to what was refused
        change = Button("Change", Action("draft_edit", more=str(draft_id)), style="primary")
        raise InsteadError(told(said, rows=((change,),)))
    now = await _shown(turn, draft)
    raise InsteadError(replace(now, lines=(line(said, " This is how it is now:"), *now.lines)))


async def _create(turn: Turn, draft: DraftView) -> EventView:
    """Once, whichever button of the preview is pressed."""
    new = NewEvent.model_validate(draft.data["event"])
    return await turn.once(f"draft:{draft.id}", create_event, new)


async def _preview(turn: Turn, typed: Any, draft_id: int | None = None) -> Screen:
    keep = partial(_keep_typed, turn, typed, draft_id)
    turn.again = keep if turn.speaker.unsure else None
    await refuse_strangers(turn)
    turn.again = keep
    zone, _ = await turn.zone()
    new = new_event(typed, zone, turn.core.clock.now(), turn.speaker.locale)
    start = new.start_date
    assert start is not None  # noqa: S101 - it is typed
    kept = {"event": new.model_dump(mode="json", exclude_none=True), "typed": {**typed, "when": exactly(start, zone)}}
    if draft_id is None:
        draft_id = await turn.act(keep_draft, "create", kept)
    else:
        await turn.act(change_draft, draft_id, "create", kept)
    return await _shown(turn, DraftView(id=draft_id, purpose="create", data=kept, created_at=turn.core.clock.now()))


async def _keep_typed(turn: Turn, typed: Any, draft_id: int | None) -> Action:
    kept = {"typed": dict(typed)}
    if draft_id is None:
        draft_id = await turn.act(keep_draft, "create", kept)
    else:
        await turn.act(change_draft, draft_id, "create", kept)
    return Action("draft_edit", more=str(draft_id))


async def _shown(turn: Turn, draft: DraftView) -> Screen:
    """Their own words come last: they may be long, and what does not fit is cut there."""
    new, number = NewEvent.model_validate(draft.data["event"]), f"{draft.id},{draft.mark}"
    start, zone, place, now = new.start_date, new.timezone or "UTC", turn.speaker.place, turn.core.clock.now()
    assert start is not None  # noqa: S101 - it was typed
    _, own = await turn.zone()
    who = "Anyone with the link" if new.is_public else "Invited people only"
    lines: list[Line] = [line(Strong(new.name)), when_line(start, new.end_date, zone, now)]
    if new.location:
        lines.append(line("📍 ", new.location))
    lines += [line(f"🌐 {who}"), line(f"🔔 Followers hear {heard(start, now)}.")]
    words = (line(new.description),) if new.description else ()
    if not own:
        set_it = turn.speaker.dialect.command("me", "timezone")
        lines.append(line(f"Times are in {zone}. Not yours? Set your own with {set_it}."))
    create, change = Action("draft_create", more=number), _change(new, number)
    if place is None or not place.tenant_id:
        only = (Button("Create it", create, style="primary"), *change)
        return Screen((*lines, *words), title="New event", rows=(only,))
    if new.is_public and turn.speaker.sees is None:
        space, listed = turn.speaker.dialect.space, turn.speaker.dialect.command("event", "list")
        lines.append(line(f"Post it in any channel, and everybody in this {space} finds it with {listed}."))
    here = (await turn.here()).channel_id
    elsewhere = ChannelMenu(Action("draft_post", more=number), "Post elsewhere")
    if not (here or place.space_id):
        only = (Button("Don't post, just create", create), *change)
        elsewhere = ChannelMenu(Action("draft_post", more=number), "Post in a channel")
        if not new.is_public:
            lines.append(line("Post it in a channel, and everybody there will see it."))
        return Screen((*lines, *words), title="New event", rows=(elsewhere, only))
    usual, where = bool(here) and here != place.space_id, turn.speaker.space_name or "this channel"
    if here and usual:
        space = turn.speaker.dialect.space
        lines.append(line(f"Cards of this {space} go to ", Mention("channel", here), "."))
        label = f"Post in {turn.speaker.channel_called(here) or 'that channel'}"
    else:
        label = f"Post in {where}"
    if not new.is_public:
        lines.append(line(f"Post it, and everybody in {'that channel' if usual else where} will see it."))
    post = Button(label, Action("draft_post", more=number), style="primary")
    beside = (Button("Post here", Action("draft_post_here", more=number)),) if usual and place.space_id else ()
    rows: tuple[Row, ...] = ((post, *beside, Button("Don't post, just create", create)), change, elsewhere)
    return Screen((*lines, *words), title="New event", rows=rows)


def _change(new: NewEvent, number: str) -> tuple[Button, ...]:
    other = "private" if new.is_public else "public"
    return (
        Button("Edit", Action("draft_edit", more=number)),
        Button(f"Make it {other}", Action("draft_visibility", more=f"{number},{other}")),
        Button("Discard", Action("draft_drop", more=number), style="danger"),
    )


def _form(action: Action, typed: Any) -> Form:
    return Form(
        "New event",
        action,
        (
            Field("name", "Name", typed.get("name", ""), required=True, at_most=200),
            Field(
                "when",
                "When",
                typed.get("when", ""),
                "fri 7pm, or 24 Dec 19:00",
                required=True,
                at_most=120,
                moment=True,
            ),
            Field("duration", "How long", typed.get("duration", ""), "2h, or until 9pm", at_most=60),
            Field("where", "Where", typed.get("where", ""), "A place or a link", at_most=300),
            Field("description", "Description", typed.get("description", ""), long=True, at_most=4_000),
        ),
        (Field("visibility", "Who may see it", typed.get("visibility") or "public", choices=VISIBILITIES),),
    )

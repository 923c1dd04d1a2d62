"""Find events and look at one."""

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.choosing import LOOKED_FOR
from bots.conversation.creators import may_create
from bots.conversation.entering import organized
from bots.conversation.posting import details_of
from bots.conversation.screens import Answer, Button, Choice, Choices, Distance, Line, Menu, Row, Screen, Strong, line
from bots.conversation.showing import counted, moment
from bots.conversation.speaker import Turn, number_in
from bots.conversation.verbs.following import by_channels
from core.chat.find import Which, find_events
from core.events.model import EventView
from core.times import distance, say

PAGE = 5
_TITLES: dict[Which, str] = {
    "upcoming": "Upcoming", "mine": "Yours", "here": "Announced here", "following": "What you follow",
}  # fmt: skip
_LABEL_AT_MOST = 100
_PAST = {"ended": "over", "cancelled": "called off"}


@BOOK.command(
    "event", "list", "Show what is coming", "everybody",
    Option("which", "Everything, yours, or announced in this channel", choices=("upcoming", "mine", "here")),
)  # fmt: skip
async def listed(turn: Turn) -> Answer:
    return await _page(turn, _which(turn.given.get("which", "")), 0)


@BOOK.press("list")
async def turned(turn: Turn) -> Answer:
    which, _, offset = turn.more.partition(",")
    return await _page(turn, _which(which), number_in(offset) if offset else 0)


@BOOK.command(
    "event", "show", "Look at an event", "everybody", Option("event", "Which one", required=True, completes="event")
)
@BOOK.press("details")
async def shown(turn: Turn) -> Answer:
    met = await organized(turn, turn.given.get("picked") or turn.event_id, ways=True)
    return await details_of(turn, met.event, by=by_channels(met.ways.follows) if met.ways.follows else "")


@BOOK.completes("event")
async def offer_events(turn: Turn, text: str) -> Choices:
    return await _offered(turn, "upcoming", text)


@BOOK.completes("my_event")
async def offer_mine(turn: Turn, text: str) -> Choices:
    return await _offered(turn, "mine", text)


@BOOK.completes("told_event")
async def offer_told(turn: Turn, text: str) -> Choices:
    """What is called off or over is written about and looked back on too."""
    return await _offered(turn, "told", text)


@BOOK.completes("followed")
async def offer_followed(turn: Turn, text: str) -> Choices:
    return await _offered(turn, "following", text)


async def _offered(turn: Turn, which: Which, text: str) -> Choices:
    """The 25 soonest that this person may act on."""
    events, _ = await turn.look(find_events, which, text=text.strip()[:LOOKED_FOR], sees=turn.speaker.sees)
    return Choices(tuple(Choice(_label(event), event.id) for event in events))


def _label(event: EventView) -> str:
    """Its name and its time, which other events of that name do not share: where both are long, the name is cut."""
    said = say(event.start_date, event.timezone)
    when = said if event.status == "scheduled" else f"{said}, {_PAST[event.status]}"
    return f"{event.name[: min(60, _LABEL_AT_MOST - len(when) - 3)]} · {when}"


async def _page(turn: Turn, which: Which, offset: int) -> Screen:
    events, total = await turn.look(find_events, which, offset=offset, limit=PAGE, sees=turn.speaker.sees)
    if not events and offset:
        return await _page(turn, which, 0)
    if not events:
        create = (Button("Create one", Action("create_form")),)
        rows: tuple[Row, ...] = (create,) if await may_create(turn) else ()
        return Screen((line("No events yet."),), rows=rows)
    now = turn.core.clock.now()
    lines: list[Line] = [
        line(
            Strong(event.name), "   🗓 ", moment(event.start_date, event.timezone), " (",
            Distance(event.start_date, distance(now, event.start_date)), ")   🔔 ",
            counted(event.subscribers, "subscribed", "subscribed"),
        )
        for event in events
    ]  # fmt: skip
    pick = Menu(Action("details"), "Look at one", tuple(Choice(event.name[:100], event.id) for event in events))
    steps = []
    if offset:
        steps.append(Button("◀", Action("list", more=f"{which},{offset - PAGE}" if offset > PAGE else which)))
    if offset + len(events) < total:
        steps.append(Button("▶", Action("list", more=f"{which},{offset + PAGE}")))
    title = f"{_TITLES[which]} · {offset + 1}-{offset + len(events)} of {total}"
    return Screen(tuple(lines), title=title, rows=(pick, tuple(steps)) if steps else (pick,))


def _which(text: str) -> Which:
    found = next((each for each in _TITLES if each == text.strip().lower()), None)
    return found or "upcoming"

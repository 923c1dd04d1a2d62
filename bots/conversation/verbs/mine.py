"""What is one's own: subscriptions, clock, account."""

from dataclasses import replace

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.choosing import RUN, meant
from bots.conversation.screens import (
    Answer,
    Button,
    Choice,
    Choices,
    Document,
    Field,
    Form,
    Line,
    Menu,
    Row,
    Screen,
    line,
    told,
)  # fmt: skip
from bots.conversation.showing import counted
from bots.conversation.speaker import Turn
from core.accounts.model import AccountChange
from core.accounts.users import change_account
from core.identities.linking import mint_link_of_identity
from core.identities.signed import LABELS
from core.identities.unlink import unlink_here
from core.pages import PageRequest
from core.privacy.erase import erase_account
from core.privacy.export import export_account
from core.subscriptions.views import my_subscriptions
from core.zones import zone_names

PAGE = 25


@BOOK.command("me", "subscriptions", "What you follow", "themselves")
@BOOK.press("mine")
async def subscriptions(turn: Turn) -> Answer:
    page = await turn.ask(my_subscriptions, PageRequest(limit=PAGE, cursor=turn.more or None))
    if not page.items:
        return told("You follow nothing yet.")
    lines: list[Line] = [
        line(f"🔔 {each.event_name} by {each.label}" + (" (paused)" if each.state == "paused" else ""))
        for each in page.items
    ]
    events = {each.event_id: each.event_name for each in page.items}
    choices = tuple(Choice(name[:100], event_id) for event_id, name in events.items())
    rows: list[Row] = [Menu(Action("details"), "Look at one", choices)]
    steps = [Button("Back to the newest", Action("mine"))] if turn.more else []
    if page.next:
        steps.append(Button("More", Action("mine", more=page.next)))
    if steps:
        rows.append(tuple(steps))
    return Screen(tuple(lines), title="What you follow", rows=tuple(rows))


_ZONE = Option("zone", "Like Europe/Berlin", completes="zone")


@BOOK.command("me", "timezone", "Set your own clock", "themselves", _ZONE, opens_form=True, unless=((_ZONE.name,),))
async def timezone(turn: Turn) -> Answer:
    """Without a zone: a form with the one that is meant so far. Nothing is written for it: forms wait."""
    if turn.given.get(_ZONE.name, "").strip():
        return await _zone_set(turn)
    so_far, _ = await replace(turn, only_looks=True).zone()
    field = Field("timezone", "Time zone", so_far, "Europe/Berlin, or a city", required=True, at_most=64)
    return Form("Your clock", Action("zone_set"), (field,))


@BOOK.press("zone_set")
async def zone_sent(turn: Turn) -> Answer:
    turn.again = _zone_again
    turn.given = {_ZONE.name: turn.given.get("timezone", "")}
    return await _zone_set(turn)


async def _zone_again() -> Action:
    return Action(RUN, more="timezone")


async def _zone_set(turn: Turn) -> Screen:
    """A part of its name is enough, if it is the part of one alone."""
    zone = await meant(turn, BOOK.commands["me", "timezone"], _ZONE)
    if isinstance(zone, Screen):
        return zone
    done = await turn.act(change_account, AccountChange(timezone=zone))
    return told(f"Your times are in {done.timezone} now.")


@BOOK.completes("zone")
async def offer_zones(turn: Turn, text: str) -> Choices:
    wanted = text.strip().lower().replace(" ", "_")
    found = sorted(name for name in zone_names() if wanted in name.lower() and not name.startswith(("Etc/", "posix")))
    first = [name for name in found if name.split("/")[-1].lower().startswith(wanted)]
    names = list(dict.fromkeys([*first, *found]))[:25]
    return Choices(tuple(Choice(name, name) for name in names))


@BOOK.command("me", "link", "Join this to an account you have on the site", "themselves")
async def link(turn: Turn) -> Answer:
    made = await turn.act(mint_link_of_identity)
    open_it = Button("Open Soonish to link ↗", url=made.link)
    said = "Opens the site, which asks whether it is you. It works once, for ten minutes, and for you alone."
    return Screen((line(said),), rows=((open_it,),))


@BOOK.command("me", "unlink", "Take this chat off your account", "themselves")
async def unlink(turn: Turn) -> Answer:
    label = LABELS[turn.speaker.platform]
    buttons = (Button("Unlink", Action("unlink_yes"), style="danger"), Button("Keep it", Action("never_mind")))
    said = (
        f"Unlink {label} from your account? Its direct messages end, and your next press here begins a fresh account."
    )
    return Screen((line(said),), rows=(buttons,))


@BOOK.press("unlink_yes")
async def unlinked(turn: Turn) -> Answer:
    await turn.act(unlink_here)
    return told("Unlinked.")


@BOOK.command("me", "export", "Everything about you, as a file", "themselves")
async def export(turn: Turn) -> Answer:
    pieces = [piece async for piece in await export_account(turn.core, await turn.who())]
    return Document("soonish-account.json", b"".join(pieces), told("Everything there is about you."))


@BOOK.command("me", "delete", "Erase your account", "themselves")
async def delete(turn: Turn) -> Answer:
    buttons = (Button("Erase everything", Action("erase_yes"), style="danger"), Button("Keep it", Action("never_mind")))
    said = "Erase your account? Your channels, what you follow and who you are go at once and for good."
    return Screen(
        (line(said), line("Events of yours that are to come must be cancelled or handed over first.")), rows=(buttons,)
    )


@BOOK.press("erase_yes")
async def erased(turn: Turn) -> Answer:
    done = await turn.core.act(await turn.who(), erase_account)
    ended = counted(done.ended_subscriptions, "subscription", "subscriptions")
    return told(f"It's all gone; {ended} ended. A message that was already on its way may still arrive.")


@BOOK.press("never_mind")
async def kept(turn: Turn) -> Answer:
    return told("Nothing changed.")

"""Let people into an event: by a link, by name, or by their role, to see it or to organize it too."""

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.entering import managed
from bots.conversation.screens import Answer, Button, Screen, line, told
from bots.conversation.speaker import Turn
from core.errors import Code, SoonishError
from core.identities.signed import Place
from core.invitations.model import NewInChat, NewLink
from core.invitations.offer import invite, invite_organizer


@BOOK.command(
    "event", "invite", "Let people into an event of yours", "organizers",
    Option("event", "Which one", required=True, completes="my_event"),
    Option("member", "Somebody of this {space}", kind="member"),
    Option("role", "Everybody with a {role}", kind="role"),
    Option("to", "To follow it, or to organize it with you", choices=("follow", "organize")),
)  # fmt: skip
async def invited(turn: Turn) -> Answer:
    """`member` and `role` are the platform's own ids."""
    event = await managed(turn)
    member, role = turn.given.get("member", ""), turn.given.get("role", "")
    organize = turn.given.get("to") == "organize"
    if not member and not role:
        if organize:
            raise SoonishError(Code.INVALID, turn.speaker.dialect.says("Say who: a member, or a {role}."))
        return await _link(turn, event.id, event.name)
    place, platform = turn.speaker.place, turn.speaker.platform
    if place is None or not place.tenant_id:
        where = turn.speaker.dialect.says("Members and {role}s are of a {space}.")
        raise SoonishError(Code.INVALID, where, hint="Invite them there.")
    use_case, does = (invite_organizer, "organizes it with you") if organize else (invite, "sees it")
    said = []
    if member:
        tenant = await _home_of(turn, place, member) if platform == "slack" else ""
        who = NewInChat(kind="identity", platform=platform, tenant_id=tenant, external_id=member)
        await turn.act(use_case, event.id, who)
        said.append(f"The person you invited {does} from their next press on: tell them.")
    if role:
        room = NewInChat(kind="role", platform=platform, tenant_id=place.tenant_id, external_id=role)
        await turn.once(f"invite:{turn.speaker.key}:role", use_case, event.id, room)
        said.append(f"Everybody with that {turn.speaker.dialect.role} {does} from their next press on.")
    if organize:
        said.append("The event's page lists who does; you can withdraw it there too.")
    elif event.is_public:
        said.append("The event is public, though: anyone with the link sees it.")
    return told(*said)


async def _home_of(turn: Turn, place: Place, member: str) -> str:
    """Somebody of another workspace presses as its member, and where the app is not in theirs they press nothing."""
    home, find = await turn.speaker.home_of(member), turn.outbound.workspaces.find
    if home is None:
        why = "Slack did not say just now who that is."
        raise SoonishError(Code.UNAVAILABLE, why, hint="Try again in a moment.")
    if home == place.tenant_id:
        return home
    theirs = await find(home) if home else None
    # A token of the settings is found for every workspace, and belongs to one.
    if not isinstance(theirs, str) or theirs == await find(place.tenant_id):
        make_one = f"{turn.speaker.dialect.command('event', 'invite')} and the event alone makes one"
        why = "They are not of this workspace, and I am not in theirs."
        raise SoonishError(Code.INVALID, why, hint=f"Send them the link: {make_one}.")
    return home


@BOOK.press("invite")
async def pressed(turn: Turn) -> Answer:
    event = await managed(turn)
    return await _link(turn, event.id, event.name)


async def _link(turn: Turn, event_id: str, name: str) -> Screen:
    made = await turn.act(invite, event_id, NewLink(kind="link"))
    said = line(f"Anyone who opens this link can join {name}. It works for 30 days, and is shown once:")
    details = Button("Details", Action("details", event_id))
    return Screen((said, line(made.link or "")), rows=((details,),))

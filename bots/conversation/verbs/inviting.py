"""Let people into a private event: by a link, by name, or by their role."""

from bots.conversation.actions import Action
from bots.conversation.book import BOOK, Option
from bots.conversation.screens import Answer, Button, Screen, line, told
from bots.conversation.speaker import Turn
from bots.conversation.verbs.editing import managed
from core.errors import Code, SoonishError
from core.invitations.model import NewInChat, NewLink
from core.invitations.offer import invite


@BOOK.command(
    "event", "invite", "Let people into an event of yours", "organizers",
    Option("event", "Which one", required=True, completes="my_event"),
    Option("member", "Somebody of this {space}", kind="member"),
    Option("role", "Everybody with a {role}", kind="role"),
)  # fmt: skip
async def invited(turn: Turn) -> Answer:
    """`member` and `role` are the platform's own ids."""
    event = await managed(turn)
    member, role = turn.given.get("member", ""), turn.given.get("role", "")
    if not member and not role:
        return await _link(turn, event.id, event.name)
    place, platform = turn.speaker.place, turn.speaker.platform
    if place is None or not place.tenant_id:
        where = turn.speaker.dialect.says("Members and {role}s are of a {space}.")
        raise SoonishError(Code.INVALID, where, hint="Invite them there.")
    said = []
    if member:
        tenant = place.tenant_id if platform == "slack" else ""
        who = NewInChat(kind="identity", platform=platform, tenant_id=tenant, external_id=member)
        await turn.act(invite, event.id, who)
        said.append("They see it from their next press on: tell them.")
    if role:
        room = NewInChat(kind="role", platform=platform, tenant_id=place.tenant_id, external_id=role)
        await turn.once(f"invite:{turn.speaker.key}:role", invite, event.id, room)
        said.append(f"Everybody with that {turn.speaker.dialect.role} sees it from their next press on.")
    if event.is_public:
        said.append("The event is public, though: anyone with the link sees it.")
    return told(*said)


@BOOK.press("invite")
async def pressed(turn: Turn) -> Answer:
    event = await managed(turn)
    return await _link(turn, event.id, event.name)


async def _link(turn: Turn, event_id: str, name: str) -> Screen:
    made = await turn.act(invite, event_id, NewLink(kind="link"))
    said = line(f"Whoever opens this link is in {name}. It works for 30 days, and is shown once:")
    details = Button("Details", Action("details", event_id))
    return Screen((said, line(made.link or "")), rows=((details,),))

"""`soonish invite`, `uninvite`, `accept`, `organizers …`, `transfer`: who is let into an event, and who helps."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.terminal import LARGEST_ID, AsJson, Cursor, EventId, Limit, Who, Yes, acting, how_many, show, sure, table

if TYPE_CHECKING:
    from core.events.model import EventView
    from core.invitations.model import InvitationView, Invited, NewLink, NewMail, Offered, Organizers, Revoked
    from core.pages import Page
    from core.work import Actor, Core

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1, max=LARGEST_ID, help="As in the list.")]
Email = Annotated[str, typer.Option(help="The address of the account that is asked.")]


def add_to(app: typer.Typer) -> None:
    for command in (invite, invitations, uninvite, accept, transfer):
        app.command()(command)
    organizers = typer.Typer(help="Who organizes an event.", no_args_is_help=True)
    organizers.command("list")(list_)
    organizers.command("add")(add)
    organizers.command("remove")(remove)
    app.add_typer(organizers, name="organizers")


def invite(
    event: EventId,
    email: Annotated[str | None, typer.Option(help="Mail a link that is good for this address alone.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Print a link to pass on; it is shown this once.")] = False,
    days: Annotated[int | None, typer.Option(help="How long the link works; unset: 30.")] = None,
    uses: Annotated[int | None, typer.Option(help="How many people it lets in; unset: as many as come.")] = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """Invite somebody to an event, by mail or by a link."""
    from core.errors import invalid
    from core.invitations.offer import invite as invite_

    if (email is not None) == link:
        raise invalid("Invite whom?", hint="Give --email ADDRESS, or --link for a link to pass on.")
    if email is not None and (days is not None or uses is not None):
        raise invalid("A mailed invitation works once, for 30 days.", hint="--days and --uses go with --link.")
    new = _new(email, days, uses)
    show(acting(who, lambda core, actor: core.act(actor, invite_, event, new)), _invited, as_json=as_json)


def invitations(
    event: EventId,
    limit: Limit = 50,
    cursor: Cursor = None,
    who: Who = None,
    as_json: AsJson = False,
) -> None:
    """List the invitations to an event of yours, newest first."""
    from core.invitations.offer import list_invitations
    from core.pages import PageRequest

    page = PageRequest(limit=limit, cursor=cursor)
    show(acting(who, lambda core, actor: core.ask(actor, list_invitations, event, page)), _many, as_json=as_json)


def uninvite(event: EventId, number: Number, yes: Yes = False, who: Who = None, as_json: AsJson = False) -> None:
    """Withdraw an invitation; anyone who joined only through it loses access."""
    from core.invitations.offer import revoke_invitation

    sure("Take this invitation back, and shut out whom it let in?", yes=yes)
    show(acting(who, lambda core, actor: core.act(actor, revoke_invitation, event, number)), _revoked, as_json=as_json)


def accept(who: Who = None, as_json: AsJson = False) -> None:
    """Accept an invitation; asks for its link, or reads it from the standard input."""
    from core.invitations.accept import accept_invitation

    end = _secret_link().rpartition("/")[2]
    show(acting(who, lambda core, actor: core.act(actor, accept_invitation, end)), _accepted, as_json=as_json)


def transfer(event: EventId, email: Email, yes: Yes = False, who: Who = None, as_json: AsJson = False) -> None:
    """Hand an event over; nothing changes until the account of that address accepts."""
    from core.invitations.model import OneAddress
    from core.invitations.offer import offer_event

    sure("Offer this event to them?", yes=yes)
    to = OneAddress(email=email)
    show(acting(who, lambda core, actor: core.act(actor, offer_event, event, to)), _asked, as_json=as_json)


def list_(event: EventId, who: Who = None, as_json: AsJson = False) -> None:
    """List who organizes an event of yours."""
    from core.invitations.organizers import list_organizers

    show(acting(who, lambda core, actor: core.ask(actor, list_organizers, event)), _people, as_json=as_json)


def add(event: EventId, email: Email, who: Who = None, as_json: AsJson = False) -> None:
    """Ask somebody to help to organize; their account accepts."""
    from core.invitations.model import OneAddress
    from core.invitations.offer import invite_organizer

    to = OneAddress(email=email)
    show(acting(who, lambda core, actor: core.act(actor, invite_organizer, event, to)), _asked, as_json=as_json)


def remove(event: EventId, number: Number, who: Who = None, as_json: AsJson = False) -> None:
    """Remove an organizer, or step down yourself."""
    from core.invitations.organizers import list_organizers, remove_organizer

    async def removed(core: "Core", actor: "Actor") -> "Organizers | None":
        await core.act(actor, remove_organizer, event, number)
        return None if actor.user_id == number else await core.ask(actor, list_organizers, event)

    left = acting(who, removed)
    if left is not None:
        show(left, _people, as_json=as_json)
    elif as_json:
        typer.echo("{}")
    else:
        typer.echo("You no longer organize it.")


def _secret_link() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("The invitation's link (not shown)", hide_input=True, err=True)).strip()
    return sys.stdin.readline().strip()


def _new(email: str | None, days: int | None, uses: int | None) -> "NewLink | NewMail":
    from core.invitations.model import NewLink, NewMail

    if email is not None:
        return NewMail(kind="email", email=email)
    return NewLink.model_validate(
        {"kind": "link", "max_uses": uses} | ({} if days is None else {"expires_in_days": days})
    )


def _invited(invited: "Invited") -> None:
    typer.echo(invited.link or _again(invited) or f"{invited.label} is asked by mail.")


def _asked(offered: "Offered") -> None:
    typer.echo(_again(offered) or f"{offered.label} is asked by mail; nothing changes until they accept.")


def _again(offered: "Offered") -> str | None:
    if offered.mailed_before is None:
        return None
    return f"{offered.label} was asked already, {offered.mailed_before:%Y-%m-%d %H:%M} UTC: one mail a day, none now."


def _accepted(event: "EventView") -> None:
    typer.echo(f"You're in: {event.name}, {event.id}.{' You organize it.' if event.mine else ''}")


def _revoked(done: "Revoked") -> None:
    typer.echo(f"Withdrawn; {how_many(done.ended_subscriptions, 'subscription')} ended.")


def _many(page: "Page[InvitationView]") -> None:
    rows = [
        (i.id, i.purpose, i.label, i.state, f"{i.uses}/{i.max_uses or '∞'}", f"{i.expires_at:%Y-%m-%d}")
        for i in page.items
    ]
    head = ("NUMBER", "TO", "WHOM", "STATE", "USED", "UNTIL")
    table(head, rows, none="No invitations: soonish invite --help")
    if page.next:
        typer.echo(f"More: --cursor {page.next}")


def _people(found: "Organizers") -> None:
    table(("NUMBER", "NAME", "ROLE"), [(o.user_id, o.name, o.role) for o in found.items], none="Nobody.")

"""Everything there is about an account or an address, as one JSON document that is read and written in pages.

No secret is in it: a stored URL is never shown again, not even here, because whoever finds a browser open would take
every key with one press. The person's own addresses are.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel
from pydantic_core import to_json
from sqlalchemy import Select, case, exists, or_, select

from core.db.models import (
    AuditEntry,
    ChatInstallation,
    Delivery,
    Event,
    EventGrant,
    EventInvitation,
    EventOrganizer,
    EventUpdate,
    Identity,
    Integration,
    Notification,
    Session,
    Subscription,
    SuppressedAddress,
    Token,
    User,
)
from core.db.models.base import Base
from core.delivery.addresses import MAIL
from core.events.access import follower_may_see
from core.privacy.whose import Whose, account_data, address_data
from core.work import Actor, Core, Work

PAGE = 1_000
Item = dict[str, Any]
_Query = Callable[[Whose], Select[*tuple[Any, ...]]]


class Export(BaseModel):
    """What the document looks like. Times are RFC 3339; `complete` stands last, so that a torn download is known."""

    made_at: str
    account: list[Item] = []
    channels: list[Item]
    subscriptions: list[Item]
    events: list[Item] = []
    organizing: list[Item] = []
    updates: list[Item] = []
    messages: list[Item] = []
    deliveries: list[Item]
    invitations: list[Item]
    access: list[Item]
    identities: list[Item] = []
    sessions: list[Item] = []
    tokens: list[Item] = []
    actions: list[Item] = []
    complete: Literal[True]


@dataclass(frozen=True, slots=True)
class Section:
    """Rows of one table, by ascending id. `of_account`: an address without an account has none."""

    table: type[Base]
    query: _Query
    of_account: bool = True


def _account(whose: Whose) -> Select[*tuple[Any, ...]]:
    return select(
        User.id, User.created_at, User.email, User.email_verified_at, User.is_verified, User.display_name,
        User.timezone, User.password_hash.is_not(None).label("has_password"), User.merged_into,
        User.is_operator,
    ).where(User.id.in_(whose.user_ids))  # fmt: skip


def _channels(whose: Whose) -> Select[*tuple[Any, ...]]:
    suppressed = exists().where(SuppressedAddress.destination == Integration.destination)
    return select(
        Integration.id, Integration.created_at, Integration.kind, Integration.name, Integration.tag,
        Integration.label, Integration.is_active, Integration.confirmed_at, Integration.disabled_reason,
        Integration.last_error, Integration.removed_at, suppressed.label("never_written_to"),
        # Opened below for one's own addresses, and shown for nothing else.
        Integration.apprise_url.label("address"),
    ).where(Integration.id.in_(whose.channel_ids))  # fmt: skip


def _subscriptions(whose: Whose) -> Select[*tuple[Any, ...]]:
    sees = follower_may_see()
    return (
        select(
            Subscription.id, Subscription.created_at, Event.public_id.label("event"),
            case((sees, Event.name)).label("event_name"), case((sees, Event.start_date)).label("starts"),
            Subscription.state, Subscription.requested_at, Subscription.ended_at,
            # Organizers remove silently.
            case((Subscription.ended_by != "removed", Subscription.ended_by)).label("ended_by"),
            Subscription.integration_id.label("channel"),
        )
        .join(Event, Event.id == Subscription.event_id)
        .where(Subscription.integration_id.in_(whose.channel_ids))
    )  # fmt: skip


def _events(whose: Whose) -> Select[*tuple[Any, ...]]:
    return select(
        Event.id, Event.created_at, Event.public_id.label("event"), Event.name, Event.description, Event.location,
        Event.contact, Event.timezone, Event.start_date, Event.end_date, Event.status, Event.cancel_reason,
        Event.is_public, Event.is_listed, Event.updated_at,
    ).where(Event.owner_user_id.in_(whose.user_ids))  # fmt: skip


def _organizing(whose: Whose) -> Select[*tuple[Any, ...]]:
    return (
        select(EventOrganizer.id, EventOrganizer.created_at, Event.public_id.label("event"), Event.name)
        .join(Event, Event.id == EventOrganizer.event_id)
        .where(EventOrganizer.user_id.in_(whose.user_ids))
    )


def _updates(whose: Whose) -> Select[*tuple[Any, ...]]:
    return (
        select(
            EventUpdate.id, EventUpdate.created_at, Event.public_id.label("event"), EventUpdate.category,
            EventUpdate.title, EventUpdate.body, EventUpdate.audience,
        )
        .join(Event, Event.id == EventUpdate.event_id)
        .where(EventUpdate.created_by.in_(whose.user_ids))
    )  # fmt: skip


def _messages(whose: Whose) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Notification.id, Notification.created_at, Event.public_id.label("event"), Notification.kind,
            Notification.title, Notification.body,
        )
        .outerjoin(Event, Event.id == Notification.event_id)
        .where(Notification.requested_by.in_(whose.user_ids))
    )  # fmt: skip


def _deliveries(whose: Whose) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Delivery.id, Delivery.created_at, Event.public_id.label("event"), Notification.kind,
            # What never arrived may tell of an event that is no business of theirs any more.
            case((Delivery.status == "delivered", Notification.title)).label("title"),
            Delivery.integration_id.label("channel"), Delivery.status, Delivery.attempts, Delivery.reason,
            Delivery.sent_at,
        )
        .join(Notification, Notification.id == Delivery.notification_id)
        .outerjoin(Event, Event.id == Notification.event_id)
        .where(Delivery.integration_id.in_(whose.channel_ids))
    )  # fmt: skip


def _invitations(whose: Whose) -> Select[*tuple[Any, ...]]:
    """Those they made, and those that were for them."""
    made = EventInvitation.created_by.in_(whose.user_ids)
    return (
        select(
            EventInvitation.id, EventInvitation.created_at, Event.public_id.label("event"), made.label("made_by_me"),
            EventInvitation.purpose, EventInvitation.kind, EventInvitation.label, EventInvitation.expires_at,
            EventInvitation.uses, EventInvitation.max_uses, EventInvitation.revoked_at,
        )
        .join(Event, Event.id == EventInvitation.event_id)
        .where(or_(made, whose.invited))
    )  # fmt: skip


def _access(whose: Whose) -> Select[*tuple[Any, ...]]:
    theirs = or_(EventGrant.user_id.in_(whose.user_ids), EventGrant.integration_id.in_(whose.channel_ids))
    return (
        select(EventGrant.id, EventGrant.created_at, Event.public_id.label("event"), EventGrant.revoked_at)
        .join(Event, Event.id == EventGrant.event_id)
        .where(theirs)
    )


def _identities(whose: Whose) -> Select[*tuple[Any, ...]]:
    return select(
        Identity.id, Identity.created_at, Identity.platform, Identity.tenant_id, Identity.external_id,
        Identity.display_name,
    ).where(Identity.user_id.in_(whose.user_ids))  # fmt: skip


def _installations(whose: Whose) -> Select[*tuple[Any, ...]]:
    return select(
        ChatInstallation.id, ChatInstallation.created_at, ChatInstallation.platform, ChatInstallation.tenant_id,
        ChatInstallation.name, ChatInstallation.scopes, ChatInstallation.installed_at, ChatInstallation.revoked_at,
    ).where(whose.put_there)  # fmt: skip


def _sessions(whose: Whose) -> Select[*tuple[Any, ...]]:
    return select(
        Session.id, Session.created_at, Session.last_seen_at, Session.expires_at, Session.sudo_at, Session.agent
    ).where(Session.user_id.in_(whose.user_ids))


def _tokens(whose: Whose) -> Select[*tuple[Any, ...]]:
    return select(Token.id, Token.created_at, Token.purpose, Token.used_at, Token.expires_at).where(
        Token.user_id.in_(whose.user_ids)
    )


def _actions(whose: Whose) -> Select[*tuple[Any, ...]]:
    return select(
        AuditEntry.id, AuditEntry.created_at, AuditEntry.via, AuditEntry.action, AuditEntry.subject,
        AuditEntry.outcome, AuditEntry.detail,
    ).where(AuditEntry.actor_user_id.in_(whose.user_ids))  # fmt: skip


SECTIONS: dict[str, Section] = {
    "account": Section(User, _account),
    "channels": Section(Integration, _channels, of_account=False),
    "subscriptions": Section(Subscription, _subscriptions, of_account=False),
    "events": Section(Event, _events),
    "organizing": Section(EventOrganizer, _organizing),
    "updates": Section(EventUpdate, _updates),
    "messages": Section(Notification, _messages),
    "deliveries": Section(Delivery, _deliveries, of_account=False),
    "invitations": Section(EventInvitation, _invitations, of_account=False),
    "access": Section(EventGrant, _access, of_account=False),
    "identities": Section(Identity, _identities),
    "installations": Section(ChatInstallation, _installations),
    "sessions": Section(Session, _sessions),
    "tokens": Section(Token, _tokens),
    "actions": Section(AuditEntry, _actions),
}
LEFT_OUT = {
    "suppressed_addresses": "said of each channel, as `never_written_to`",
    "event_announcements": "in which channels the cards of an event stand, and nobody's name",
    "drafts": "previews of what was about to be done, kept for a day",
    "outbox": "bells of workflows, kept for a week: numbers of rows that are in the document",
    "requests": "answers that were given already, kept for a day so that a repeated request gets the same",
}
"""Tables that may say something of a person and are not in the document, and why."""


async def export_account(core: Core, actor: Actor) -> AsyncIterator[bytes]:
    """The document of the actor's account, in pieces. Refusals come before the first."""

    async def page(section: str, after: int) -> list[Item]:
        return await core.ask(actor, export_page, section, after)

    return await _document(core, page, list(SECTIONS))


async def export_address(core: Core, actor: Actor, token: str) -> AsyncIterator[bytes]:
    """The document of an address without an account, by the link that was mailed to it."""

    async def page(section: str, after: int) -> list[Item]:
        return await core.ask(actor, export_address_page, token, section, after)

    return await _document(core, page, [name for name, each in SECTIONS.items() if not each.of_account])


async def export_page(work: Work, section: str, after: int) -> list[Item]:
    """Up to a page of one section of the actor's own, above that id."""
    return await _rows(work, await account_data(work), section, after)


async def export_address_page(work: Work, token: str, section: str, after: int) -> list[Item]:
    """Likewise of an address, by its link."""
    return await _rows(work, await address_data(work, token), section, after)


async def _rows(work: Work, whose: Whose, name: str, after: int) -> list[Item]:
    section = SECTIONS[name]
    number = section.table.__table__.c.id
    query = section.query(whose).where(number > after).order_by(number).limit(PAGE)
    found = [dict(row) for row in (await work.session.execute(query)).mappings()]
    if name == "channels":
        for row in found:
            own = row["kind"] == MAIL and row["confirmed_at"] is not None
            row["address"] = _address(work.keys.open(row["address"])) if own else None
    return found


def _address(url: str) -> str | None:
    return unquote(url.partition("://")[2]) or None


async def _document(
    core: Core, page: Callable[[str, int], Awaitable[list[Item]]], sections: list[str]
) -> AsyncIterator[bytes]:
    first = await page(sections[0], 0)

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"made_at": ' + to_json(core.clock.now())
        for name in sections:
            yield b",\n" + to_json(name) + b": ["
            rows = first if name == sections[0] else await page(name, 0)
            start = b"\n"
            while rows:
                yield start + b",\n".join(to_json(row) for row in rows)
                start = b",\n"
                rows = await page(name, rows[-1]["id"]) if len(rows) == PAGE else []
            yield b"]"
        yield b',\n"complete": true}\n'

    return pieces()

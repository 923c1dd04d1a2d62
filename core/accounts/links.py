"""Registering and signing in by a mailed link.

What is asked takes the same statements whoever has an account, so that neither the answer nor its cost says who does.
What a link does is decided when it is asked for: an address that never said yes is asked to, any other gets in.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, TextClause, and_, case, literal, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from core.accounts.adopt import adopt, known_address, prove_address
from core.accounts.model import AskForLink, CheckInbox, LinkView, Opened
from core.accounts.sessions import begin_session, signed_in_here, watch_session
from core.contracts import NOTIFICATION_OWED, VERIFICATION_COMPLETED, VERIFICATION_REQUESTED
from core.db.models import Integration, Notification, Token, User
from core.delivery.addresses import Channel, mail_channel
from core.errors import Code, SoonishError, conflict
from core.keys import Keys
from core.limits import HOUR, Limit, demand, take_all
from core.notifications.owe import owe_channel
from core.text import mask_address
from core.tokens import LINK_LIFETIMES, LinkPurpose, browser_hash, read_link
from core.work import Actor, Core, Work

_TITLES = {"verify": "Is this your address?", "sign_in": "Your way in"}


async def ask_to_register(core: Core, actor: Actor, request: AskForLink, browser: str) -> CheckInbox:
    """As `register`; what is no address is refused before everybody's writes wait for it."""
    return await core.act(actor, register, mail_channel(request.email), browser)


async def ask_to_sign_in(core: Core, actor: Actor, request: AskForLink, browser: str) -> CheckInbox:
    """As `mail_way_in`; what is no address is refused before everybody's writes wait for it."""
    return await core.act(actor, mail_way_in, mail_channel(request.email), browser)


async def register(work: Work, channel: Channel, browser: str) -> CheckInbox:
    """An account that its address must confirm. The one there is stays as it is, and gets a way in instead."""
    if await _within_limits(work, channel):
        address = _address(channel)
        insert = sqlite.insert if work.core.db.sqlite else postgresql.insert
        new = {"email": address, "display_name": address.partition("@")[0], "is_verified": False}
        await work.session.execute(
            insert(User).values(created_at=work.now, **new).on_conflict_do_nothing(index_elements=[User.email])
        )
        await _mail_link(work, channel, browser)
    return CheckInbox()


async def mail_way_in(work: Work, channel: Channel, browser: str) -> CheckInbox:
    """A link to sign in, if there is an account; the same is done, and nothing mailed, if there is none."""
    if await _within_limits(work, channel):
        await _mail_link(work, channel, browser)
    return CheckInbox()


async def ask_to_prove(work: Work, browser: str) -> CheckInbox:
    """A link to the address of whoever is signed in: opened here, the session proves itself again. What strangers ask
    for that address, or from the same place, is counted apart."""
    user, _ = await signed_in_here(work)
    if user.email is None or user.email_verified_at is None:
        raise SoonishError(Code.FORBIDDEN, "Your account has no address to mail to.", hint="Sign in again as you did.")
    await demand(work, "prove", str(user.id), work.settings.links_per_address_hour, HOUR)
    await _mail_link(work, mail_channel(user.email), browser)
    return CheckInbox()


async def _within_limits(work: Work, channel: Channel) -> bool:
    await demand_by_ip(work)
    return await may_mail(work, channel)


async def may_mail(work: Work, channel: Channel) -> bool:
    """Count a mail that anybody may ask for. One network gets half of what an address is mailed in an hour, so that
    its person, elsewhere, still gets in."""
    who, most = channel.destination, work.settings.links_per_address_hour
    limits = [Limit("link_address", who, most, HOUR)]
    if work.actor.ip:
        limits.append(Limit("link_address_ip", f"{who} {work.actor.ip}", max(1, most // 2), HOUR))
    return await take_all(work, limits)


async def demand_by_ip(work: Work) -> None:
    """Attempts of one client, by whichever way in."""
    if work.actor.ip:
        await demand(work, "sign_in_ip", work.actor.ip, work.settings.sign_in_per_ip_hour, HOUR)


async def _mail_link(work: Work, channel: Channel, browser: str) -> None:
    destination = work.keys.digest("destination", channel.destination)
    user, tag = await _account(work, channel, destination)
    purpose: LinkPurpose = "sign_in" if user is None or user.email_verified_at is not None else "verify"
    carrier = await _carrier(work, channel, destination, user, tag)
    link = Token(
        purpose=purpose,
        user_id=user.id if user else None,
        subject=destination,
        browser_hash=browser_hash(work.keys, browser),
        created_at=work.now,
        expires_at=work.now + LINK_LIFETIMES[purpose],
    )
    work.session.add(link)
    await work.session.flush()
    notification = Notification(
        kind=purpose,
        title=_TITLES[purpose],
        data={"link": link.id},
        dedupe_key=f"link:{link.id}",
        not_before=work.now,
        created_at=work.now,
        # Without an account the worker finds that nothing is to be sent.
        superseded_at=None if user else work.now,
    )
    work.session.add(notification)
    await work.session.flush()
    await owe_channel(work, notification, carrier)
    verify = user.id if user is not None and purpose == "verify" else None
    # One bell for the mail and for the week in which it may be answered.
    signal = NOTIFICATION_OWED if verify is None else VERIFICATION_REQUESTED
    work.ring(signal, notification.id, notification_id=notification.id, user_id=verify)
    work.subject = f"user:{user.id}" if user else ""


async def _account(work: Work, channel: Channel, destination: str) -> tuple[User | None, str]:
    """The account of the address, and the tag of its channel there."""
    found = (
        await work.session.execute(
            select(User, Integration.tag)
            .outerjoin(Integration, and_(Integration.user_id == User.id, Integration.destination == destination))
            .where(User.email == _address(channel), User.merged_into.is_(None))
            .order_by(case((Integration.removed_at.is_(None), 0), else_=1), Integration.id)
            .limit(1)
            # Who is erased or merged this moment gets no link any more (PostgreSQL).
            .with_for_update(read=True, key_share=True, of=User)
        )
    ).one_or_none()
    return (found[0], found[1] or "email") if found else (None, "email")


async def _carrier(work: Work, channel: Channel, destination: str, user: User | None, tag: str) -> Integration:
    """The channel that the mail goes to, in one statement: the account's own, off until its address said yes. An
    address without an account leaves its keyed hash there and nothing else."""
    insert = sqlite.insert if work.core.db.sqlite else postgresql.insert
    new = insert(Integration).values(
        created_at=work.now,
        user_id=user.id if user else None,
        name="E-mail",
        apprise_url=work.keys.seal(channel.url if user else ""),
        kind=channel.kind,
        label=mask_address(_address(channel)) if user else "•••",
        destination=destination,
        tag=tag,
        is_active=False,
        failures=0,
        removed_at=None if user else work.now,
    )
    revive = and_(Integration.removed_at.is_not(None), literal(user is not None))

    def kept(column: str, revived: object) -> ColumnElement[object]:
        return case((revive, revived), else_=getattr(Integration, column))

    same: list[str] = ["destination"]
    where: TextClause | None = text("user_id IS NULL")
    if user is not None:
        same, where = ["user_id", "destination", "tag"], None
    # The row of nobody's address stays as it is, by as long a statement: a shorter one would be quicker by a tenth.
    changes: dict[str, Any] = {
        "apprise_url": kept("apprise_url", new.excluded.apprise_url),
        "is_active": kept("is_active", False),
        "confirmed_at": kept("confirmed_at", None),
        "removed_at": kept("removed_at", None),
    }
    upsert = new.on_conflict_do_update(index_elements=same, index_where=where, set_=changes).returning(Integration)
    rows = await work.session.scalars(upsert, execution_options={"populate_existing": True})
    return rows.one()


def _address(channel: Channel) -> str:
    assert channel.address is not None  # noqa: S101 - a mail channel has one
    return channel.address


async def look_at_link(work: Work, link: str, browser: str | None) -> LinkView:
    """What a link is about. Changes nothing: mail scanners open links."""
    row, user = await _open(work, link)
    here = row.browser_hash is not None and browser_hash(work.keys, browser) == row.browser_hash
    purpose: Literal["verify", "sign_in"] = "verify" if row.purpose == "verify" else "sign_in"
    return LinkView(purpose=purpose, label=mask_address(user.email or ""), asked_here=here)


async def use_link(work: Work, link: str, agent: str) -> Opened:
    """The address said yes: it is verified if it was not, what it followed is the account's, and a session begins."""
    row, user = await _open(work, link)
    work.subject = f"user:{user.id}"
    used = await work.session.execute(
        update(Token).where(Token.id == row.id, Token.used_at.is_(None)).values(used_at=work.now)
    )
    if not used.rowcount:  # type: ignore[attr-defined]
        raise _done()
    mine = await prove_address(work, user) if row.purpose == "verify" else await known_address(work, user)
    adopted = await adopt(work, mine) if mine is not None and mine.is_active else 0
    work.detail = {"purpose": row.purpose, "adopted": adopted}
    session_id, token = await begin_session(work, user.id, agent)
    if row.purpose == "verify":
        work.ring(VERIFICATION_COMPLETED, session_id, user_id=user.id)
    else:
        watch_session(work, user.id, session_id)
    return Opened(token=token, user_id=user.id)


async def _open(work: Work, link: str) -> tuple[Token, User]:
    """The link's row and its account, if it may still be used."""
    named = read_link(work.keys, link, work.now)
    found = await _row(work.session, named.token_id)
    if (
        found is None
        or named.purpose == "change_email"
        or found[0].purpose != named.purpose
        or not _proves(work.keys, *found)
    ):
        raise _void()
    row, user = found
    if row.used_at is not None:
        raise _done()
    if row.purpose == "verify" and user.email_verified_at is not None:
        raise conflict("This address is verified already.", hint="Sign in with a fresh link.")
    if row.purpose == "sign_in" and user.email_verified_at is None:
        raise _void()
    return row, user


async def _row(session: AsyncSession, token_id: int) -> tuple[Token, User] | None:
    found = (
        await session.execute(select(Token, User).join(User, User.id == Token.user_id).where(Token.id == token_id))
    ).one_or_none()
    return (found[0], found[1]) if found else None


def _proves(keys: Keys, row: Token, user: User) -> bool:
    """Whether the link was mailed to the address that the account has now."""
    if user.email is None or user.merged_into is not None:
        return False
    return row.subject == keys.digest("destination", mail_channel(user.email).destination)


def _done() -> SoonishError:
    return conflict("This link has done its work.", hint="Each works once; ask for a fresh one on the page “Sign in”.")


def _void() -> SoonishError:
    return SoonishError(
        Code.NOT_FOUND, "This link does not work any more.", hint="Ask for a fresh one on the page “Sign in”."
    )

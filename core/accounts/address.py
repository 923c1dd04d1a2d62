"""Another address for an account: asked for by whoever proved themselves lately, and made so by the address itself."""

from urllib.parse import unquote

from sqlalchemy import String, cast, func, literal, select, update

from core.accounts.adopt import adopt, prove_address
from core.accounts.links import demand_by_ip, may_mail
from core.accounts.model import AddressView, AskForLink, CheckInbox
from core.accounts.sessions import require_sudo, signed_in_here
from core.accounts.tell import write_to
from core.db.models import Integration, Token, User
from core.delivery.addresses import Channel, mail_channel
from core.errors import Code, SoonishError, conflict, invalid
from core.integrations.flush import flush_channel
from core.limits import HOUR, demand
from core.text import mask_address
from core.tokens import CHANGE_LIFETIME, read_link
from core.work import Actor, Core, Work


async def ask_to_change(core: Core, actor: Actor, request: AskForLink) -> CheckInbox:
    """As `request_change`; what is no address is refused before everybody's writes wait for it."""
    return await core.act(actor, request_change, mail_channel(request.email))


async def request_change(work: Work, channel: Channel) -> CheckInbox:
    """Both addresses are written to. The answer, and what it takes, is the same whoever has the new one."""
    user, _ = await signed_in_here(work)
    await require_sudo(work)
    if channel.address == user.email:
        raise invalid("This is your address already.", field="email", hint="Give another one.")
    await demand_by_ip(work)
    await demand(work, "change_email", str(user.id), work.settings.links_per_address_hour, HOUR)
    if await may_mail(work, channel):
        await _mail_both(work, user, channel)
    return CheckInbox()


async def _mail_both(work: Work, user: User, channel: Channel) -> None:
    taken = await _owner(work, channel) is not None
    await void_change(work, user.id)
    link = Token(
        purpose="change_email",
        user_id=user.id,
        subject=work.keys.digest("destination", channel.destination),
        created_at=work.now,
        expires_at=work.now + CHANGE_LIFETIME,
    )
    work.session.add(link)
    await work.session.flush()
    if taken:
        await write_to(work, channel, "email_taken", "This address has an account already")
    else:
        await write_to(work, channel, "change_email", "Is this your new address?", {"link": link.id})
    if user.email is not None:
        await write_to(
            work, mail_channel(user.email), "email_requested", "Someone asked to change your account's address"
        )


async def void_change(work: Work, user_id: int) -> None:
    """Whatever change was asked for before, its link does nothing any more."""
    await work.session.execute(
        update(Token)
        .where(Token.user_id == user_id, Token.purpose == "change_email", Token.used_at.is_(None))
        .values(used_at=work.now)
    )


async def look_at_change(work: Work, link: str) -> AddressView:
    """What the link would do. Changes nothing: mail scanners open links."""
    _, user, channel = await _open(work, link)
    return AddressView(name=user.display_name, label=mask_address(channel.address or ""))


async def confirm_change(work: Work, link: str) -> AddressView:
    """The new address said yes: the account, its mail channel and what the address followed before are one."""
    row, user, channel = await _open(work, link)
    work.subject = f"user:{user.id}"
    row.used_at = work.now
    before = user.email
    if before is not None:
        await _leave_address(work, user, before, channel)
    # Whoever typed this address into a form and never proved it has no claim on it.
    await work.session.execute(
        update(User).where(User.email == channel.address, User.email_verified_at.is_(None)).values(email=None)
    )
    user.email, user.email_verified_at = channel.address, work.now
    await work.session.flush()
    mine = await prove_address(work, user)
    work.detail = {"adopted": await adopt(work, mine) if mine.is_active else 0}
    if before is not None:
        await write_to(work, mail_channel(before), "email_changed", "Your account has a new address")
    return AddressView(name=user.display_name, label=mask_address(channel.address or ""))


async def _leave_address(work: Work, user: User, before: str, new: Channel) -> None:
    """The mail channel goes along, with its subscriptions and its place in the ledger, and so does the row that links
    in older mail name: they all leave at the new address now."""
    old, destination = (work.keys.digest("destination", each.destination) for each in (mail_channel(before), new))
    mine = Integration.user_id == user.id
    moving = list(await work.session.scalars(select(Integration).where(mine, Integration.destination == old)))
    for row in moving:
        if row.is_active:
            await adopt(work, row)
    # What is at the new address already makes room: one tag names one row of an end point.
    await work.session.execute(
        update(Integration)
        .where(mine, Integration.destination == destination, Integration.tag.in_([row.tag for row in moving]))
        .values(tag=func.substr(Integration.tag, 1, 20) + literal("-") + cast(Integration.id, String))
    )
    await work.session.execute(
        update(Integration)
        .where(Integration.user_id.is_(None), Integration.destination == old, Integration.removed_at.is_not(None))
        .values(user_id=user.id, destination=destination, tag=literal("was-") + cast(Integration.id, String))
    )
    for row in moving:
        row.destination = destination
        if row.label == mask_address(before):
            row.label = mask_address(new.address or "")
        if row.removed_at is None:
            row.apprise_url = work.keys.seal(new.url)
            await _revive(work, row)


async def _revive(work: Work, row: Integration) -> None:
    """The old address did not work; the new one may. Who switched it off themselves leaves it off."""
    if not row.is_active and row.disabled_reason is not None:
        row.is_active, row.failures, row.disabled_reason, row.last_error = True, 0, None, None
        await work.session.flush()
        await flush_channel(work, row)


async def _open(work: Work, link: str) -> tuple[Token, User, Channel]:
    """The request, whose it is and the address it is about, if it may still be granted."""
    named = read_link(work.keys, link, work.now)
    if named.purpose != "change_email":
        raise _void()
    found = (
        await work.session.execute(
            select(Token, User, Integration.apprise_url)
            .join(User, User.id == Token.user_id)
            .join(Integration, Integration.destination == Token.subject)
            .where(
                Token.id == named.token_id,
                Token.purpose == "change_email",
                User.merged_into.is_(None),
                Integration.user_id.is_(None),
                Integration.removed_at.is_(None),
            )
            .with_for_update(of=Token)
        )
    ).one_or_none()
    if found is None:
        raise await _gone(work, named.token_id)
    row, user, sealed = found
    if row.used_at is not None:
        raise _done()
    channel = mail_channel(unquote(work.keys.open(sealed).removeprefix("systemmail://")))
    if await _owner(work, channel) is not None:
        raise conflict("Another account has this address.", hint="Sign in with it, or use another address.")
    return row, user, channel


async def _gone(work: Work, token_id: int) -> SoonishError:
    """An address that was adopted or forgotten since leaves nothing to confirm; a link that was used says so."""
    used = await work.session.scalar(select(Token.used_at).where(Token.id == token_id, Token.purpose == "change_email"))
    if used is not None:
        return _done()
    return _void()


def _void() -> SoonishError:
    return SoonishError(
        Code.NOT_FOUND, "This link does not work any more.", hint="Ask for the change again on your account's page."
    )


def _done() -> SoonishError:
    return conflict("This link has done its work.", hint="Ask for a fresh one on your account's page.")


async def _owner(work: Work, channel: Channel) -> int | None:
    """Who proved this address."""
    found: int | None = await work.session.scalar(
        select(User.id).where(User.email == channel.address, User.email_verified_at.is_not(None))
    )
    return found

"""Joining a chat identity to an account: a link that the identity's side makes, and the account's side confirms."""

from sqlalchemy import select, update

from core.accounts.sessions import require_sudo
from core.db.models import Identity, Token, User
from core.errors import Code, SoonishError, conflict
from core.identities.merge import merge
from core.identities.model import Linked, LinkPreview, Minted
from core.identities.preview import preview_of
from core.limits import HOUR, demand
from core.tokens import LINKING_LIFETIME, new_linking_token, token_hash
from core.work import Work

LINKING = "link_identity"
_LINKS_AN_HOUR = 10


async def mint_link_of_identity(work: Work) -> Minted:
    """For whoever a chat platform has just signed: the consent of that side. A new link voids the one before."""
    mine = await _signed_row(work)
    await demand(work, LINKING, str(mine.id), _LINKS_AN_HOUR, HOUR)
    await work.session.execute(
        update(Token)
        .where(Token.purpose == LINKING, Token.subject == str(mine.id), Token.used_at.is_(None))
        .values(used_at=work.now)
    )
    token, expires_at = new_linking_token(), work.now + LINKING_LIFETIME
    work.session.add(
        Token(
            purpose=LINKING,
            token_hash=token_hash(token),
            user_id=mine.user_id,
            subject=str(mine.id),
            created_at=work.now,
            expires_at=expires_at,
        )
    )
    work.subject, work.detail = f"user:{mine.user_id}", {"identity": mine.id}
    return Minted(link=f"{work.settings.public_base_url}/link/{token}", token=token, expires_at=expires_at)


async def _signed_row(work: Work) -> Identity:
    signed, user_id = work.actor.signed, work.actor.require_user()
    row = None
    if signed is not None:
        row = await work.session.scalar(
            select(Identity).where(
                Identity.platform == signed.platform,
                Identity.tenant_id == signed.tenant_id,
                Identity.external_id == signed.external_id,
                Identity.user_id == user_id,
            )
        )
    if row is None:
        raise SoonishError(Code.FORBIDDEN, "Only a chat account links itself.", hint="Ask for the link in chat.")
    return row


async def look_at_linking(work: Work, token: str) -> LinkPreview:
    """What pressing the button would do. Changes nothing."""
    kept = await _mine(work)
    _, identity = await _open(work, token)
    return await preview_of(work, identity, kept)


async def confirm_linking(work: Work, token: str) -> Linked:
    """The account's side agrees: what the identity's account has is this one's now. Once."""
    kept = await _mine(work)
    await require_sudo(work)
    row, identity = await _open(work, token)
    used = await work.session.execute(
        update(Token).where(Token.id == row.id, Token.used_at.is_(None)).values(used_at=work.now)
    )
    if not used.rowcount:  # type: ignore[attr-defined]
        raise _done()
    work.subject, work.detail = f"user:{kept.id}", {"identity": identity.id}
    if identity.user_id == kept.id:
        return Linked(merged=None)
    gone = await work.session.get_one(User, identity.user_id)
    work.detail["merged"] = gone.id
    await merge(work, gone, kept)
    return Linked(merged=gone.id)


async def _mine(work: Work) -> User:
    """Consent is a press in a browser: a token is for programs, and a chat identity speaks for itself alone."""
    user_id = work.actor.require_user()
    if work.actor.session_id is None:
        raise SoonishError(
            Code.FORBIDDEN, "Only somebody signed in on the site confirms this.", hint="Open the link in your browser."
        )
    user = await work.session.get(User, user_id)
    if user is None or user.merged_into is not None:
        raise _void()
    return user


async def _open(work: Work, token: str) -> tuple[Token, Identity]:
    row = await work.session.scalar(
        select(Token).where(Token.purpose == LINKING, Token.token_hash == token_hash(token[:400]))
    )
    if row is None or row.subject is None or row.expires_at is None or row.expires_at <= work.now:
        raise _void()
    if row.used_at is not None:
        raise _done()
    identity = await work.session.get(Identity, int(row.subject))
    if identity is None or identity.user_id != row.user_id:
        raise _void()  # unlinked, or another account's by now
    return row, identity


def _void() -> SoonishError:
    return SoonishError(
        Code.NOT_FOUND, "This link does not work any more.", hint="Each works for ten minutes: ask for a fresh one."
    )


def _done() -> SoonishError:
    return conflict("This link has done its work.", hint="Each works once: ask for a fresh one.")

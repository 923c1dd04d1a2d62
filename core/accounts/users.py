"""Accounts, as far as an operator vouches for them: an address, its mail channel, API tokens."""

import datetime as dt

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import select, update

from core.accounts.adopt import prove_address
from core.accounts.model import AccountChange, AccountView
from core.db.models import Token, User
from core.delivery.addresses import mail_channel
from core.errors import Code, SoonishError, invalid, not_found
from core.limits import HOUR
from core.text import Name, mask_address
from core.tokens import new_api_token, token_hash
from core.work import Actor, Core, Work
from core.zones import zone

_NAME: TypeAdapter[str] = TypeAdapter(Name)
API_TOKEN = "api"  # noqa: S105 - a purpose, not a secret


class IssuedToken(BaseModel):
    """The only time the token is shown."""

    token: str
    user_id: int


class TokenView(BaseModel):
    """An API token as lists show it: never the token. `used_at` is exact to the hour."""

    id: int
    created_at: dt.datetime
    used_at: dt.datetime | None
    expires_at: dt.datetime | None


class Tokens(BaseModel):
    items: list[TokenView]


class Revoked(BaseModel):
    revoked: int


async def vouch(work: Work, email: str, *, display_name: str | None = None, timezone: str | None = None) -> IssuedToken:
    """The operator says that this address is this person's: account, mail channel, and a new API token."""
    channel = mail_channel(email)
    assert channel.address is not None  # noqa: S101 - a mail channel has one
    if timezone is not None:
        timezone = zone(timezone).key
    user = await work.session.scalar(select(User).where(User.email == channel.address))
    if user is None:
        user = User(
            email=channel.address,
            display_name=channel.address.partition("@")[0],
            created_at=work.now,
        )
        work.session.add(user)
    user.display_name = _NAME.validate_python(display_name) if display_name else user.display_name
    user.timezone = timezone or user.timezone
    await work.session.flush()
    work.subject = f"user:{user.id}"
    await prove_address(work, user)
    token = new_api_token()
    work.session.add(Token(purpose=API_TOKEN, token_hash=token_hash(token), user_id=user.id, created_at=work.now))
    return IssuedToken(token=token, user_id=user.id)


async def authenticate(core: Core, bearer: str, via: str, ip: str | None = None) -> Actor:
    """The actor that an API token names. Raises UNAUTHENTICATED for anything else."""
    async with core.db.read() as session:
        token = await session.scalar(
            select(Token).where(Token.purpose == API_TOKEN, Token.token_hash == token_hash(bearer))
        )
    if token is None or token.user_id is None or (token.expires_at and token.expires_at <= core.clock.now()):
        raise SoonishError(
            Code.UNAUTHENTICATED,
            "This API token is not valid.",
            hint="Ask the operator for one: soonish token create --email you@example.org",
        )
    if token.used_at is None or core.clock.now() - token.used_at >= HOUR:
        await core.note(_used, token.id)
    return Actor(token.user_id, via, ip)


async def _used(work: Work, token_id: int) -> None:
    await work.session.execute(update(Token).where(Token.id == token_id).values(used_at=work.now))


async def list_tokens(work: Work, email: str) -> Tokens:
    """An account's API tokens, oldest first. Which is which is told by when it was made and used."""
    tokens = await work.session.scalars(
        select(Token)
        .join(User, User.id == Token.user_id)
        .where(User.email == email.strip().lower(), Token.purpose == API_TOKEN)
        .order_by(Token.id)
    )
    views = [
        TokenView(id=row.id, created_at=row.created_at, used_at=row.used_at, expires_at=row.expires_at)
        for row in tokens
    ]
    return Tokens(items=views)


async def revoke_token(work: Work, token_id: int) -> Revoked:
    """The token opens nothing any more, from the next request on."""
    token = await work.session.get(Token, token_id)
    if token is None or token.purpose != API_TOKEN:
        raise not_found("token")
    work.subject, work.detail = f"user:{token.user_id}", {"token": token_id}
    await work.session.delete(token)
    return Revoked(revoked=token_id)


async def actor_by_email(work: Work, email: str | None) -> Actor:
    """For the terminal: the named account, or the only one there is."""
    query = select(User).where(User.merged_into.is_(None), User.erased_at.is_(None))
    if email is not None:
        query = query.where(User.email == email.strip().lower())
    users = list(await work.session.scalars(query.limit(2)))
    if email is not None and not users:
        raise invalid(
            f"There is no account for {mask_address(email)}.", hint="Make one: soonish token create --email …"
        )
    if len(users) != 1:
        raise invalid("Say who you are.", hint="Give --as EMAIL, or set SOONISH_AS.")
    return Actor(users[0].id, work.actor.via)


async def my_account(work: Work) -> AccountView:
    """Mine."""
    return _view(await _me(work))


async def change_account(work: Work, change: AccountChange) -> AccountView:
    """My name, which organizers and guests see, and my time zone."""
    user = await _me(work)
    work.subject = f"user:{user.id}"
    if change.timezone is not None:
        user.timezone = zone(change.timezone).key
    user.display_name = change.display_name or user.display_name
    return _view(user)


async def _me(work: Work) -> User:
    user = await work.session.get(User, work.actor.require_user())
    if user is None:
        raise not_found("account")
    return user


def _view(user: User) -> AccountView:
    return AccountView(
        id=user.id,
        email=user.email,
        display_name=user.display_name,
        timezone=user.timezone,
        is_verified=user.is_verified,
        email_verified_at=user.email_verified_at,
        has_password=user.password_hash is not None,
        created_at=user.created_at,
    )

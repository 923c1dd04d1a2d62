"""Who a signed identity is here. The first time an account is made for it: no address, nothing to fill in."""

from sqlalchemy import ColumnElement, Row, Select, select, update

from core.db.models import Identity, User
from core.identities.signed import SignedIdentity
from core.work import Actor, Core, Work


async def actor_of_identity(core: Core, signed: SignedIdentity, via: str, ip: str | None = None) -> Actor:
    """One read for everybody who came before."""
    known = await _look(core, signed)
    if known is None:
        user_id = await core.act(Actor(None, via, ip), first_press, signed)
    else:
        user_id = known.user_id
        if known.display_name != signed.name:
            await core.step(_renamed, known.id, signed.name)
    return Actor(user_id, via, ip, signed=signed)


async def actor_if_known(core: Core, signed: SignedIdentity, via: str) -> Actor:
    """The same for whoever only looks: nothing is written, and who never pressed anything has no account."""
    known = await _look(core, signed)
    return Actor(known.user_id if known is not None else None, via, signed=signed)


async def first_press(work: Work, signed: SignedIdentity) -> int:
    """The account of an identity: the one there is, or a new one. Only for whoever checked the signature."""
    known = await identity_row(work, signed)
    if known is not None:
        return known.user_id
    user = User(email=None, is_verified=True, display_name=signed.name, created_at=work.now)
    work.session.add(user)
    await work.session.flush()
    identity = Identity(
        user_id=user.id,
        platform=signed.platform,
        tenant_id=signed.tenant_id,
        external_id=signed.external_id,
        display_name=signed.name,
        created_at=work.now,
    )
    work.session.add(identity)
    await work.session.flush()
    work.subject, work.detail = f"user:{user.id}", {"identity": identity.id}
    return user.id


async def identity_row(work: Work, signed: SignedIdentity) -> Identity | None:
    row: Identity | None = await work.session.scalar(select(Identity).where(*_same(signed)))
    return row


async def _look(core: Core, signed: SignedIdentity) -> Row[int, int, str] | None:
    async with core.db.read() as session:
        return (await session.execute(_known(signed))).one_or_none()


def _known(signed: SignedIdentity) -> Select[int, int, str]:
    return select(Identity.id, Identity.user_id, Identity.display_name).where(*_same(signed))


def _same(signed: SignedIdentity) -> tuple[ColumnElement[bool], ...]:
    return (
        Identity.platform == signed.platform,
        Identity.tenant_id == signed.tenant_id,
        Identity.external_id == signed.external_id,
    )


async def _renamed(work: Work, identity_id: int, name: str) -> None:
    await work.session.execute(update(Identity).where(Identity.id == identity_id).values(display_name=name))

"""Who a signed identity is here. The first time an account is made for it: no address, nothing to fill in."""

from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from core.db.models import Identity, User
from core.identities.signed import SignedIdentity
from core.work import Actor, Core, Work

_SAME = (
    Identity.platform == bindparam("platform"),
    Identity.tenant_id == bindparam("tenant"),
    Identity.external_id == bindparam("external"),
)
_KNOWN = select(Identity.id, Identity.user_id, Identity.display_name).where(*_SAME)
_ROW = select(Identity).where(*_SAME)


@dataclass(frozen=True, slots=True)
class Known:
    """Who somebody is here so far: nobody, for who never pressed anything."""

    signed: SignedIdentity
    identity_id: int | None = None
    user_id: int | None = None
    name: str = ""

    def actor(self, via: str, ip: str | None = None) -> Actor:
        """For whoever only looks: nothing is written, and no account is made."""
        return Actor(self.user_id, via, ip, signed=self.signed)


async def known_by(core: Core, signed: SignedIdentity) -> Known:
    async with core.db.read_alone() as connection:
        found = (await connection.execute(_KNOWN, _as_bound(signed))).one_or_none()
    return Known(signed, *found) if found is not None else Known(signed)


async def with_account(core: Core, known: Known, via: str, ip: str | None = None) -> Actor:
    """Of whom `known_by` knows nobody, the account is made."""
    if known.identity_id is None:
        user_id = await core.act(Actor(None, via, ip), first_press, known.signed)
        return Actor(user_id, via, ip, signed=known.signed)
    if known.name != known.signed.name:
        await core.note(_renamed, known.identity_id, known.signed.name)
    return known.actor(via, ip)


async def actor_of_identity(core: Core, signed: SignedIdentity, via: str, ip: str | None = None) -> Actor:
    """One read for everybody who came before."""
    return await with_account(core, await known_by(core, signed), via, ip)


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
    row: Identity | None = await work.session.scalar(_ROW, _as_bound(signed))
    return row


def _as_bound(signed: SignedIdentity) -> dict[str, str]:
    return {"platform": signed.platform, "tenant": signed.tenant_id, "external": signed.external_id}


async def _renamed(work: Work, identity_id: int, name: str) -> None:
    await work.session.execute(update(Identity).where(Identity.id == identity_id).values(display_name=name))

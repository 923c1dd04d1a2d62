"""Whose data it is: an account's with all its channels, or an address's without an account."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, exists, or_, select

from core.db.models import ChatInstallation, EventInvitation, Identity, Integration, User
from core.delivery.addresses import MAIL, mail_channel
from core.errors import Code, SoonishError, not_found
from core.tokens import read_address
from core.work import Work


@dataclass(frozen=True, slots=True)
class Whose:
    """`user_ids`: the account and those that were merged into it; none for an address without one. `destinations`:
    keyed hashes of the addresses that are proved to be theirs."""

    user_ids: list[int]
    channel_ids: list[int]
    destinations: list[str]

    @property
    def invited(self) -> ColumnElement[bool]:
        """The invitations that name them: by an address of theirs, or as a member of a chat."""
        as_member = exists().where(
            Identity.user_id.in_(self.user_ids),
            Identity.platform == EventInvitation.platform,
            Identity.tenant_id == EventInvitation.tenant_id,
            Identity.external_id == EventInvitation.external_id,
            EventInvitation.kind == "identity",
        )
        return or_(EventInvitation.destination.in_(self.destinations), as_member)

    @property
    def put_there(self) -> ColumnElement[bool]:
        """The workspaces into which they put the app."""
        return exists().where(
            Identity.user_id.in_(self.user_ids),
            Identity.platform == ChatInstallation.platform,
            Identity.tenant_id == ChatInstallation.tenant_id,
            Identity.external_id == ChatInstallation.external_id,
        )


async def account_data(work: Work, *, to_change: bool = False) -> Whose:
    """What is the actor's: their channels, and the rows that their own addresses left before there was an account."""
    user_id = work.actor.require_user()
    query = select(User).where(User.id == user_id, User.erased_at.is_(None))
    user = await work.session.scalar(query.with_for_update() if to_change else query)
    if user is None:
        raise not_found("account")
    user_ids = [user_id, *await work.session.scalars(select(User.id).where(User.merged_into == user_id))]
    mine = select(Integration.id).where(Integration.user_id.in_(user_ids))
    proved = select(Integration.destination).where(
        Integration.user_id.in_(user_ids), Integration.kind == MAIL, Integration.confirmed_at.is_not(None)
    )
    destinations = set(await work.session.scalars(proved))
    if user.email is not None and user.email_verified_at is not None:
        destinations.add(work.keys.digest("destination", mail_channel(user.email).destination))
    anonymous = and_(Integration.user_id.is_(None), Integration.destination.in_(destinations))
    channels = select(Integration.id).where(or_(Integration.id.in_(mine), anonymous)).order_by(Integration.id)
    return Whose(user_ids, list(await work.session.scalars(channels)), sorted(destinations))


async def address_data(work: Work, token: str) -> Whose:
    """What is the address's that a link "Everything you follow" was mailed to; nothing of an account."""
    row = await address_here(work, token, to_change=True)
    return Whose([], [row.id], [row.destination])


async def address_here(work: Work, token: str, *, to_change: bool = False) -> Integration:
    """The channel that the link names, while its address is kept and has not moved into an account."""
    row = await address_row(work, token, to_change=to_change)
    if row is None or row.removed_at is not None:
        raise SoonishError(
            Code.NOT_FOUND,
            "Nothing is kept about this address now.",
            hint="If it has an account now, sign in to see what that holds.",
        )
    return row


async def address_row(work: Work, token: str, *, to_change: bool = False) -> Integration | None:
    """The channel that the link names, if it is still there and still nobody's account."""
    number = read_address(work.keys, token)
    row = await work.session.get(Integration, number, with_for_update={"key_share": True} if to_change else None)
    return row if row is not None and row.user_id is None and row.erased_at is None else None

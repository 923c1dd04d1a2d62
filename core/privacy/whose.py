"""Whose data it is: an account's with all its channels, or an address's without an account."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, CompoundSelect, and_, exists, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from core.db.models import ChatInstallation, EventInvitation, Identity, Integration, User
from core.delivery.addresses import MAIL, mail_channel
from core.errors import Code, SoonishError, not_found
from core.tokens import read_address
from core.work import Work

_own = aliased(Integration)


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
    """What is the actor's: their channels, and the rows that their own addresses left before there was an account. Not
    those of an address that only said yes to a channel of theirs: it may be somebody else's."""
    user_id = work.actor.require_user()
    query = select(User).where(or_(User.id == user_id, User.merged_into == user_id)).order_by(User.id)
    users = list(await work.session.scalars(query.with_for_update() if to_change else query))
    user = next((each for each in users if each.id == user_id), None)
    if user is None or user.erased_at is not None:
        raise not_found("account")
    user_ids = [user_id, *(each.id for each in users if each is not user)]
    found = (await work.session.execute(_channels(user_ids, _proved_address(work, user)))).all()
    proved = {row.destination for row in found if row.user_id in user_ids and row.proved}
    proved |= set(_proved_address(work, user))
    return Whose(user_ids, sorted(row.id for row in found), sorted(proved))


def _proved_address(work: Work, user: User) -> list[str]:
    if user.email is None or user.email_verified_at is None:
        return []
    return [work.keys.digest("destination", mail_channel(user.email).destination)]


def _channels(user_ids: list[int], address: list[str]) -> CompoundSelect[int, str, int | None, bool]:
    """In two halves, each of which is found by an index."""
    proved = and_(Integration.kind == MAIL, Integration.confirmed_at.is_not(None))
    columns = (Integration.id, Integration.destination, Integration.user_id, proved.label("proved"))
    # One that nobody had to ask was the account's own when it was added.
    own = select(_own.destination).where(
        _own.user_id.in_(user_ids),
        _own.kind == MAIL,
        _own.confirmed_at.is_not(None),
        _own.confirm_requested_at.is_(None),
    )
    ends = union_all(own, *(select(literal(each)) for each in address))
    return union_all(
        select(*columns).where(Integration.user_id.in_(user_ids)),
        select(*columns).where(Integration.user_id.is_(None), Integration.destination.in_(ends)),
    )


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

"""The chat identities of an account: seeing them, and letting one go."""

from typing import cast

from sqlalchemy import func, select

from core.accounts.sessions import require_sudo
from core.db.models import Identity, Integration, User
from core.errors import conflict, not_found
from core.identities.actors import identity_row
from core.identities.model import Identities, IdentityView
from core.identities.signed import Platform
from core.integrations.usecases import remove_integration
from core.work import Work


async def list_identities(work: Work) -> Identities:
    """Mine, oldest first."""
    rows = await work.session.scalars(
        select(Identity).where(Identity.user_id == work.actor.require_user()).order_by(Identity.id)
    )
    return Identities(
        items=[
            IdentityView(
                id=row.id,
                platform=cast("Platform", row.platform),
                display_name=row.display_name,
                created_at=row.created_at,
            )
            for row in rows
        ]
    )


async def unlink_here(work: Work) -> None:
    """The chat identity that speaks this moment."""
    row = await identity_row(work, work.actor.signed) if work.actor.signed is not None else None
    if row is None:
        raise not_found("identity")
    await unlink_identity(work, row.id)


async def unlink_identity(work: Work, identity_id: int) -> None:
    """It opens this account no more, and its direct messages end. Who presses in chat again begins with nothing."""
    user_id = work.actor.require_user()
    await require_sudo(work)
    # Locked: of two that go at the same time, one is the last (PostgreSQL; SQLite has one writer at a time).
    user = await work.session.get_one(User, user_id, with_for_update=True)
    row = await work.session.get(Identity, identity_id)
    if row is None or row.user_id != user_id:
        raise not_found("identity")
    work.subject, work.detail = f"user:{user_id}", {"identity": row.id}
    count = await work.session.scalar(select(func.count()).where(Identity.user_id == user_id)) or 0
    if count == 1 and user.email_verified_at is None:
        raise conflict(
            "This is the only way into your account.",
            hint="Link another one first, or join it to an account by e-mail.",
        )
    channels = await work.session.scalars(select(Integration).where(Integration.identity_id == row.id))
    for channel in channels.all():
        if channel.removed_at is None:
            await remove_integration(work, channel.id)
        channel.identity_id = None
    work.subject = f"user:{user_id}"
    await work.session.flush()
    await work.session.delete(row)

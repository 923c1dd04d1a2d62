"""In which workspaces the app is, by whose doing and with which token. What goes with it when it is removed comes back
when it is put there again: people follow what they followed, and cards are kept true."""

import datetime as dt

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from core.cards.announcements import forget_space, keep_again
from core.db.models import ChatInstallation, Delivery, Identity, Integration
from core.delivery.slackbot import NOT_INSTALLED
from core.identities.signed import Platform
from core.integrations.flush import flush
from core.work import Work

REMOVED = NOT_INSTALLED.reason


class Grant(BaseModel):
    """What a platform hands out to whoever put the app into their workspace."""

    model_config = ConfigDict(hide_input_in_errors=True)

    platform: Platform
    tenant_id: str
    name: str
    token: str = Field(repr=False)
    scopes: str
    external_id: str | None = None


class Installed(BaseModel):
    tenant_id: str
    scopes: str
    """As granted."""
    name: str
    channels: int
    """Switched on again."""
    cards: int
    """Kept true again."""


class Installation(BaseModel):
    tenant_id: str
    name: str
    token: str | None = Field(repr=False)
    """None: sealed with a key that is lost."""


async def install(work: Work, grant: Grant) -> Installed:
    """The app is in that workspace, for the first time or again."""
    row = await _row_to_fill(work, grant)
    row.name, row.scopes, row.external_id = grant.name, grant.scopes, grant.external_id
    row.bot_token, row.installed_at, row.revoked_at = work.keys.seal(grant.token), work.now, None
    await work.session.flush()
    channels = await _reach_again(work, grant.platform, grant.tenant_id)
    cards = await keep_again(work, grant.platform, grant.tenant_id, REMOVED)
    work.subject, work.detail = f"installation:{row.id}", {"channels": channels, "cards": cards}
    return Installed(tenant_id=grant.tenant_id, scopes=grant.scopes, name=grant.name, channels=channels, cards=cards)


async def uninstall(work: Work, platform: Platform, tenant_id: str, at: dt.datetime) -> bool:
    """The platform says that the app was removed at that time. News from before it was put there again are none."""
    row = await _row(work, platform, tenant_id)
    if row is not None and at < row.installed_at.replace(microsecond=0):
        return False
    await _gone(work, row, platform, tenant_id)
    return True


async def token_refused(work: Work, platform: Platform, tenant_id: str, token: str) -> bool:
    """The platform does not know this token any more, and nobody told us that the app was removed. False where it is
    not the installation's (any more)."""
    row = await _row(work, platform, tenant_id)
    if row is None or work.keys.opened(row.bot_token or b"") != token:
        return False
    await _gone(work, row, platform, tenant_id)
    return True


async def token_of(work: Work, platform: Platform, tenant_id: str) -> str | None:
    """Raises KeyMissingError where it cannot be opened."""
    sealed = await work.session.scalar(
        select(ChatInstallation.bot_token).where(
            ChatInstallation.platform == platform, ChatInstallation.tenant_id == tenant_id
        )
    )
    return work.keys.open(sealed) if sealed is not None else None


async def installed(work: Work, platform: Platform) -> list[Installation]:
    """Where the app is now, newest first."""
    rows = await work.session.scalars(
        select(ChatInstallation)
        .where(ChatInstallation.platform == platform, ChatInstallation.bot_token.is_not(None))
        .order_by(ChatInstallation.id.desc())
    )
    opened = work.keys.opened
    return [Installation(tenant_id=row.tenant_id, name=row.name, token=opened(row.bot_token or b"")) for row in rows]


async def _row_to_fill(work: Work, grant: Grant) -> ChatInstallation:
    """Two may add it at the same moment: one row, and the later one's word counts (PostgreSQL)."""
    insert = sqlite.insert if work.core.db.sqlite else postgresql.insert
    new = {"platform": grant.platform, "tenant_id": grant.tenant_id, "name": "", "scopes": ""}
    await work.session.execute(
        insert(ChatInstallation).values(**new, created_at=work.now, installed_at=work.now).on_conflict_do_nothing()
    )
    row = await _row(work, grant.platform, grant.tenant_id)
    assert row is not None  # noqa: S101 - it was there, or was made just now
    return row


async def _row(work: Work, platform: Platform, tenant_id: str) -> ChatInstallation | None:
    row: ChatInstallation | None = await work.session.scalar(
        select(ChatInstallation)
        .where(ChatInstallation.platform == platform, ChatInstallation.tenant_id == tenant_id)
        .with_for_update()
    )
    return row


async def _gone(work: Work, row: ChatInstallation | None, platform: Platform, tenant_id: str) -> None:
    if row is not None:
        row.bot_token, row.revoked_at = None, row.revoked_at or work.now
        work.subject = f"installation:{row.id}"
    work.detail = {"cards": await forget_space(work, platform, tenant_id, why=REMOVED)}


async def _reach_again(work: Work, platform: Platform, tenant_id: str) -> int:
    """Direct messages that were switched off because the app was gone; what waited for them goes out."""
    there = select(Identity.id).where(Identity.platform == platform, Identity.tenant_id == tenant_id)
    back = await work.session.execute(
        update(Integration)
        .where(
            Integration.identity_id.in_(there),
            Integration.removed_at.is_(None),
            Integration.disabled_reason == REMOVED,
        )
        .values(is_active=True, failures=0, disabled_reason=None, last_error=None)
        .execution_options(synchronize_session=False)
    )
    on = select(Integration.id).where(Integration.identity_id.in_(there), Integration.is_active)
    await flush(work, Delivery.integration_id.in_(on))
    return int(back.rowcount)  # type: ignore[attr-defined]

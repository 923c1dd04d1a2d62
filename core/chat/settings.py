"""How a server or workspace wants it: its clock, who may create events, where cards go."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import bindparam, select

from core.db.models import ChatSetting
from core.errors import Code, SoonishError
from core.identities.signed import SPACES, Platform, SignedIdentity
from core.work import Work
from core.zones import zone

PlatformId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\w.:-]+$")]
_ROW = select(ChatSetting).where(
    ChatSetting.platform == bindparam("platform"), ChatSetting.tenant_id == bindparam("tenant")
)


class ChatSettings(BaseModel):
    """Unset: the operator's zone, the platform's own right alone, where the command was typed."""

    timezone: str | None = None
    organizer_role: str | None = None
    channel_id: str | None = None


class ChatSettingsChange(BaseModel):
    """Only what is given changes; None unsets."""

    model_config = ConfigDict(extra="forbid")

    timezone: Annotated[str, Field(max_length=64)] | None = None
    organizer_role: PlatformId | None = None
    channel_id: PlatformId | None = None


async def chat_settings(work: Work, platform: Platform, tenant_id: str) -> ChatSettings:
    row = await _row(work, platform, tenant_id)
    if row is None:
        return ChatSettings()
    return ChatSettings(timezone=row.timezone, organizer_role=row.organizer_role, channel_id=row.channel_id)


async def change_chat_settings(work: Work, change: ChatSettingsChange, *, administers: bool) -> ChatSettings:
    """Of the place where the actor is this moment. `administers`: what the platform signed about them there."""
    work.actor.require_user()
    signed = work.actor.signed
    if signed is None or signed.place is None or not signed.place.tenant_id:
        where = SPACES[signed.platform] if signed is not None else "server"
        raise SoonishError(Code.FORBIDDEN, f"These are the settings of a {where}.", hint="Ask for them in a channel.")
    if not administers:
        where = f"this {SPACES[signed.platform]}"
        raise SoonishError(Code.FORBIDDEN, f"Only admins of {where} change its settings.", hint="Ask one of them.")
    if change.timezone is not None:
        change.timezone = zone(change.timezone).key
    row = await _row(work, signed.platform, signed.place.tenant_id)
    if row is None:
        row = ChatSetting(
            platform=signed.platform, tenant_id=signed.place.tenant_id, created_at=work.now, updated_at=work.now
        )
        work.session.add(row)
    for name in change.model_fields_set:
        setattr(row, name, getattr(change, name))
    row.updated_at = work.now
    await work.session.flush()
    work.subject, work.detail = f"chat_settings:{row.id}", {"changed": sorted(change.model_fields_set)}
    return ChatSettings(timezone=row.timezone, organizer_role=row.organizer_role, channel_id=row.channel_id)


def may_create_here(settings: ChatSettings, signed: SignedIdentity, *, manages_events: bool, administers: bool) -> bool:
    """On Discord the chosen role adds people to those with the platform's own right. Slack has no such right: every
    full member creates events, and the chosen user group restricts that to itself and the admins."""
    chosen, place = settings.organizer_role, signed.place
    has_role = place is not None and chosen is not None and chosen in (place.roles or ())
    if signed.platform == "slack" and chosen is not None:
        return manages_events and (has_role or administers)
    return manages_events or has_role


async def _row(work: Work, platform: Platform, tenant_id: str) -> ChatSetting | None:
    row: ChatSetting | None = await work.session.scalar(_ROW, {"platform": platform, "tenant": tenant_id})
    return row

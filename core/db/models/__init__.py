"""Every table. Import from here, so that the metadata is always whole."""

from core.db.models.access import EventGrant, EventInvitation, EventOrganizer
from core.db.models.base import Base
from core.db.models.chat import ChatInstallation, ChatSetting, Draft
from core.db.models.events import AbuseReport, Event, EventAnnouncement, EventUpdate, Subscription
from core.db.models.ledger import Delivery, Notification, OutboxRow
from core.db.models.operations import (
    AuditEntry,
    Bucket,
    DeliveryOpening,
    ServiceFlag,
    StoredRequest,
    SuppressedAddress,
)
from core.db.models.people import Identity, Integration, Session, Token, User

__all__ = [
    "AbuseReport",
    "AuditEntry",
    "Base",
    "Bucket",
    "ChatInstallation",
    "ChatSetting",
    "Delivery",
    "DeliveryOpening",
    "Draft",
    "Event",
    "EventAnnouncement",
    "EventGrant",
    "EventInvitation",
    "EventOrganizer",
    "EventUpdate",
    "Identity",
    "Integration",
    "Notification",
    "OutboxRow",
    "ServiceFlag",
    "Session",
    "StoredRequest",
    "Subscription",
    "SuppressedAddress",
    "Token",
    "User",
]

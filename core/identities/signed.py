"""Somebody as a chat platform signs them. Whoever makes one of these has checked the platform's signature first."""

from dataclasses import dataclass
from typing import Literal

Platform = Literal["discord", "slack"]
LABELS: dict[Platform, str] = {"discord": "Discord", "slack": "Slack"}
SPACES: dict[Platform, str] = {"discord": "server", "slack": "workspace"}
NAME_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where in chat they are this moment, and what they are there. True at the click, and stored nowhere."""

    tenant_id: str
    """Discord: the server. Slack: the workspace."""
    space_id: str | None = None
    """The channel."""
    roles: frozenset[str] | None = frozenset()
    """Discord: roles. Slack: user groups. None where the platform did not say: nobody gets anything by them then, and
    nobody loses anything."""


@dataclass(frozen=True, slots=True)
class SignedIdentity:
    """`tenant_id` is the Slack workspace, and "" for Discord, where a person is the same in every server."""

    platform: Platform
    tenant_id: str
    external_id: str
    display_name: str
    place: Place | None = None
    """None where the platform does not say: on the site."""

    @property
    def name(self) -> str:
        """One printable line, whatever the platform lets people call themselves."""
        shown = "".join(ch for ch in self.display_name if ch.isprintable()).strip()[:NAME_AT_MOST].strip()
        return shown or f"Somebody on {LABELS[self.platform]}"

"""The words that are not the same on every platform: how commands are typed, and what its places are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.identities.signed import SPACES, Platform


@dataclass(frozen=True, slots=True)
class Dialect:
    """`{space}`, `{role}` and `{command}` in a sentence are replaced by these."""

    platform: Platform
    role: str
    closed: str
    """What somebody does whom the bot may not write to."""
    creators: str
    """Who creates events where nothing is set, and what everybody else is told."""
    creators_hint: str
    calendar: str = ""
    """What puts an event among those that the platform lists itself, where it does."""
    flat: bool = False
    """One command with verbs, instead of groups of commands."""

    @property
    def space(self) -> str:
        return SPACES[self.platform]

    def command(self, group: str, name: str) -> str:
        """As it is typed."""
        return f"/soonish {name}" if self.flat else f"/{group} {name}"

    def says(self, words: str) -> str:
        return words.replace("{space}", self.space).replace("{role}", self.role)


DIALECTS: Mapping[Platform, Dialect] = MappingProxyType(
    {
        "discord": Dialect(
            "discord",
            role="role",
            closed="your DMs are closed for this server. Open them in its privacy settings, and try again.",
            creators="who manages events",
            creators_hint="Ask an admin for that right.",
            calendar="Add to the server's events",
        ),
        "slack": Dialect(
            "slack",
            role="user group",
            closed="Slack does not let me write to this account. Ask an admin about the app, and try again.",
            creators="every full member",
            creators_hint="Ask a member to create it, or an admin to let you.",
            flat=True,
        ),
    }
)

"""What a button, a menu or a form stands for, in text that survives restarts: `soonish:verb[:event[:more]]`."""

from dataclasses import dataclass

PREFIX = "soonish"
LONGEST = 100
"""Discord's limit of a custom_id."""


@dataclass(frozen=True, slots=True)
class Action:
    """`event` is a public id. Nothing here is believed: who may do it is asked at the press."""

    verb: str
    event: str = ""
    more: str = ""

    def __post_init__(self) -> None:
        assert ":" not in self.verb + self.event + self.more  # noqa: S101 - ours, never typed by anybody
        assert len(str(self)) <= LONGEST  # noqa: S101

    def __str__(self) -> str:
        parts = [PREFIX, self.verb, self.event, self.more]
        while not parts[-1]:
            parts.pop()
        return ":".join(parts)

    @classmethod
    def of(cls, text: str) -> "Action | None":
        """None for what is not one of ours."""
        parts = text.split(":")
        if len(text) > LONGEST or parts[0] != PREFIX or not 2 <= len(parts) <= 4 or not parts[1]:
            return None
        return cls(*parts[1:])

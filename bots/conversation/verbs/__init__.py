"""One module for each thing people come to do. Importing this fills the book."""

from bots.conversation.verbs import (
    browsing,
    channels,
    creating,
    editing,
    following,
    helping,
    inviting,
    mine,
    reporting,
    settings,
    writing,
)

__all__ = [
    "browsing",
    "channels",
    "creating",
    "editing",
    "following",
    "helping",
    "inviting",
    "mine",
    "reporting",
    "settings",
    "writing",
]

"""One module for each thing people come to do. Importing this fills the book."""

from bots.conversation.book import BOOK
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
    "BOOK",
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

"""What a refusal and a fault read like."""

import secrets

from pydantic import ValidationError

from bots.conversation.screens import Screen
from core.complaints import complaint
from core.errors import SoonishError

_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_IN_FORMS = {"start_date": "when", "end_date": "duration", "location": "where"}
_FIELDS = {
    "name": "Name",
    "when": "When",
    "end_date": "End",
    "location": "Where",
    "description": "Description",
    "title": "Title",
    "body": "Message",
    "timezone": "Time zone",
    "tag": "Tag",
    "apprise_url": "Apprise URL",
    "reason": "Reason",
}


class InsteadError(Exception):
    """Not what was asked for, but this screen: what a preview stands for is done already, or has changed."""

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self.screen = screen


def refused(error: SoonishError | ValidationError) -> Screen:
    """What happened and what to do; `about` is the field as forms name it."""
    if isinstance(error, SoonishError):
        words = " ".join(filter(None, (error.message, error.hint)))
        return Screen(((words,),), about=_IN_FORMS.get(error.field or "", error.field or ""))
    found = error.errors()[0]
    name = str(found["loc"][0]) if found["loc"] else ""
    said = f"{_FIELDS[name]}: " if name in _FIELDS else ""
    return Screen(((f"{said}{complaint(found)}",),), about=_IN_FORMS.get(name, name))


def new_reference() -> str:
    """Of a fault: whoever met it can tell it, and the log has it with the trace."""
    return "".join(secrets.choice(_LETTERS) for _ in range(4))

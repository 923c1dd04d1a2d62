"""`systemmail://name%40example.org`: mail that Soonish sends itself, through its pooled connections."""

import re
from typing import Any
from urllib.parse import unquote

from apprise.plugins.base import NotifyBase

from core.delivery.message import Message, Outcome
from core.delivery.mime import compose
from core.delivery.native import Native
from core.delivery.outcomes import ERROR
from core.delivery.smtp import MailPool

# Stricter than what mail allows and exactly what a stored channel contains.
ADDRESS = re.compile(r"[A-Za-z0-9!$'*+=^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}")


class SystemMail(Native, NotifyBase):  # type: ignore[no-untyped-call]
    service_name: Any = "E-mail"
    secure_protocol: Any = "systemmail"
    request_rate_per_sec = 0

    pool: MailPool
    message: Message

    def __init__(self, address: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self.address = address

    @staticmethod
    def parse_url(url: str, *_: Any, **__: Any) -> dict[str, Any] | None:
        """None unless it is exactly one plain address, percent-encoded."""
        address = unquote(url.partition("://")[2])
        return {"schema": "systemmail", "address": address} if ADDRESS.fullmatch(address) else None

    def words(self, message: Message) -> tuple[str, str]:
        """A mail needs more than title and body; the whole message is kept for `async_notify`."""
        self.message = message
        return message.title, message.text

    async def async_notify(self, body: str = "", title: str = "", **_: Any) -> bool:
        self.outcome: Outcome = ERROR
        self.outcome = await self.pool.send(self.address, compose(self.pool.sender, self.address, self.message))
        return self.outcome.delivered

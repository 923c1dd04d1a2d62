"""Pooled connections to the one mail server, and what its replies mean."""

import asyncio
import contextlib
import re
from urllib.parse import urlsplit

import aiosmtplib

from core.delivery.message import OK, Outcome
from core.delivery.mime import sender_header
from core.delivery.outcomes import RESET, from_error
from core.settings import Settings

MAILBOX_FULL = frozenset({422, 452, 552})
CONFIGURATION = frozenset({530, 534, 535, 538})
TROUBLE = (aiosmtplib.SMTPException, OSError)
ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.(\d{1,3})\b")

# RFC 3463: 5.3.x is the mail system's (5.3.4: larger than it takes), 5.6.x the content's form, 5.2.3 its length.
TOO_LARGE = frozenset({"3.4", "2.3"})
MAILBOX = frozenset({"1", "2"})
# RFC 7372 and its followers: SPF, DKIM, reverse DNS; the operator can mend these while the mail waits.
WHO_WE_ARE = re.compile(r"7\.2\d")
SAYS_TOO_LARGE = re.compile(r"message (size|length)|too (large|big|much)", re.IGNORECASE)

OWN_TROUBLE = "The mail server does not accept mail from Soonish at the moment."
RESET_SECONDS = 1.0


class MailPool:
    """At most `smtp_connections` connections, opened when needed and kept as long as the server keeps them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.sender, self._envelope = sender_header(settings.smtp_from)
        self._bound = 3 * settings.delivery_timeout_seconds
        self._connections = [Connection(settings) for _ in range(settings.smtp_connections)]
        self._idle: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in self._connections:
            self._idle.put_nowait(connection)

    async def send(self, address: str, content: bytes) -> Outcome:
        """One mail to one recipient. Never raises for what the server does."""
        try:
            async with asyncio.timeout(self._bound):
                connection = await self._idle.get()
                try:
                    return await connection.send(self._envelope, address, content)
                finally:
                    self._idle.put_nowait(connection)
        except TimeoutError as error:
            return from_error(error)

    async def close(self) -> None:
        await asyncio.gather(*(connection.close() for connection in self._connections))


class Connection:
    """One SMTP connection, one mail at a time."""

    def __init__(self, settings: Settings) -> None:
        password = settings.smtp_password
        self._client = aiosmtplib.SMTP(
            hostname=settings.smtp_server,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout=settings.delivery_timeout_seconds,
            local_hostname=urlsplit(settings.public_base_url).hostname or "localhost",
        )

    async def send(self, sender: str, recipient: str, content: bytes) -> Outcome:
        finished = False
        try:
            await self._begin(sender)
            outcome = await self._transfer(recipient, content)
            finished = True
        except TROUBLE as error:
            return from_smtp_error(error)
        finally:
            if not finished:
                self._client.close()
        return outcome

    async def _begin(self, sender: str) -> None:
        """MAIL FROM; a connection that went stale while idle is replaced once, before anything was handed over."""
        if self._client.is_connected:
            try:
                await self._client.mail(sender)
            except TROUBLE:
                self._client.close()
            else:
                return
        await self._client.connect()
        await self._client.mail(sender)

    async def _transfer(self, recipient: str, content: bytes) -> Outcome:
        try:
            await self._client.rcpt(recipient)
            await self._client.data(content)
        except (aiosmtplib.SMTPRecipientRefused, aiosmtplib.SMTPDataError) as error:
            outcome = from_reply(error.code, error.message, at_data=isinstance(error, aiosmtplib.SMTPDataError))
        else:
            return OK
        await self._reset(usable=not outcome.host_fault)
        return outcome

    async def _reset(self, *, usable: bool) -> None:
        """Ready for the next mail. A server that hangs up after refusing has given its answer all the same."""
        if usable:
            with contextlib.suppress(*TROUBLE):
                await self._client.rset(timeout=RESET_SECONDS)
                return
        self._client.close()

    async def close(self) -> None:
        if not self._client.is_connected:
            return
        try:
            await self._client.quit(timeout=1)
        except TROUBLE:
            self._client.close()


def from_reply(code: int, text: str, *, at_data: bool = False) -> Outcome:
    """What a reply to RCPT, or to DATA, means for this recipient.

    5.7.x to RCPT is the server's policy, often about us (`relaying denied`): it must not switch off anybody's channel.
    """
    status, said = f"smtp_{code}", f"The mail server answered {code}:"
    enhanced = ENHANCED.match(text)
    detail = f"{enhanced.group(2)}.{enhanced.group(3)}" if enhanced else ""
    if code in CONFIGURATION or code == 421:
        return Outcome(False, status, OWN_TROUBLE, host_fault=True)
    if code == 552 and not detail and SAYS_TOO_LARGE.search(text):
        detail = "3.4"
    if code >= 500 and _about_message(code, detail, at_data):
        why = "the message is too large for it" if detail in TOO_LARGE else "it does not take this message"
        return Outcome(False, status, f"{said} {why}.", permanent=True, about_message=True)
    if code in MAILBOX_FULL or detail == "2.2":
        return Outcome(False, status, f"{said} the mailbox is full.")
    if code < 500:
        return Outcome(False, status, f"{said} it asked to try again later.")
    if detail.startswith("7."):
        return Outcome(False, status, f"{said} its rules do not let this message through.")
    return Outcome(False, status, f"{said} it does not accept mail for this address.", permanent=True)


def _about_message(code: int, detail: str, at_data: bool) -> bool:
    """Whether a permanent refusal is about what was sent. To DATA it is, unless it names the mailbox or who we are."""
    subject = detail.partition(".")[0]
    if detail in TOO_LARGE or subject in ("3", "6"):
        return True
    if not at_data or subject in MAILBOX or WHO_WE_ARE.fullmatch(detail):
        return False
    return bool(detail) or code not in MAILBOX_FULL


def from_smtp_error(error: BaseException) -> Outcome:
    """Trouble before a recipient was named, or the connection's own: never the recipient's fault."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Outcome(False, f"smtp_{error.code}", OWN_TROUBLE, host_fault=True)
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return RESET
    if isinstance(error, aiosmtplib.SMTPConnectError) and error.__cause__ is not None:
        return from_error(error.__cause__)
    if isinstance(error, aiosmtplib.SMTPException) and not isinstance(error, TimeoutError):
        return Outcome(False, "smtp", OWN_TROUBLE, host_fault=True)  # no STARTTLS, no login: the settings do not fit
    return from_error(error)

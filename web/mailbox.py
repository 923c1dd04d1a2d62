"""Reads the development mailbox: a folder with one file a mail, newest last by name."""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

ENVELOPE_TO = "X-Envelope-To"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAIL_ID = re.compile(r"\d{16}-\d{6}")
"""Microseconds since 1970 and a counter: also the file's name without `.eml`."""


@dataclass(frozen=True)
class MailboxEntry:
    id: str
    to: tuple[str, ...]
    """The envelope's recipients, in lower case."""
    subject: str
    headers: dict[str, str]
    text: str
    html: str
    received_at: datetime


def read_mailbox(folder: Path, to: str | None = None, limit: int = 50) -> list[MailboxEntry]:
    """The newest mails first, for one recipient or all."""
    found: list[MailboxEntry] = []
    for name in _names(folder):
        if len(found) >= limit:
            break
        if to is not None and to.lower() not in _recipients(folder / name):
            continue
        entry = read_mail(folder, name.removesuffix(".eml"))
        if entry is not None:
            found.append(entry)
    return found


def read_mail(folder: Path, mail_id: str) -> MailboxEntry | None:
    """None when there is no such mail, or no longer."""
    if not MAIL_ID.fullmatch(mail_id):
        return None
    path = folder / f"{mail_id}.eml"
    try:
        message = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
    except FileNotFoundError:
        return None
    return MailboxEntry(
        id=mail_id,
        to=_recipients(path),
        subject=str(message.get("Subject", "")),
        headers={name: str(value) for name, value in message.items() if name != ENVELOPE_TO},
        text=_body(message, "plain"),
        html=_body(message, "html"),
        received_at=EPOCH + timedelta(microseconds=int(mail_id.split("-")[0])),
    )


def _names(folder: Path) -> list[str]:
    try:
        return sorted((name for name in os.listdir(folder) if name.endswith(".eml")), reverse=True)
    except FileNotFoundError:  # before the first mail
        return []


def _recipients(path: Path) -> tuple[str, ...]:
    """From the first line alone, which the sink writes: a search need not parse every mail."""
    try:
        with path.open("rb") as file:
            line = file.readline().decode(errors="replace")
    except FileNotFoundError:
        return ()
    return tuple(line.removeprefix(f"{ENVELOPE_TO}: ").strip().lower().split(", "))


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a character set that nobody knows
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else ""

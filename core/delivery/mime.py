"""A mail as bytes, built by hand: the email package takes many times as long to fold what is folded already."""

import binascii
import email.header
import email.utils
import functools
import re
import time

from core.delivery.message import Mail, Message

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
NEWLINE = re.compile(r"\r\n?|\n")
PLAIN_SUBJECT_CHARACTERS = 60

# Neither can occur in a body: in quoted-printable `=` is followed by hex digits or a line's end, base64 has no `_`.
MIXED, ALTERNATIVE = b"=_soonish_mixed", b"=_soonish_alternative"


def compose(sender: str, address: str, message: Message) -> bytes:
    """The whole mail with CRLF line ends, 7-bit clean. `sender` is a From header that `sender_header` made."""
    mail = message.mail
    lines = [
        f"From: {sender}",
        f"To: {header_text(address)}",
        f"Subject: {subject(message.title)}",
        f"Date: {email.utils.formatdate(time.time())}",
        f"Message-ID: <{token(mail.message_id)}>"
        if mail
        else f"Message-ID: {email.utils.make_msgid(domain='soonish')}",
        "MIME-Version: 1.0",
        "Auto-Submitted: auto-generated",
        *(_list_headers(mail) if mail else ()),
    ]
    head = "\r\n".join(lines).encode("ascii", "replace")
    return head + b"\r\n" + (_parts(message, mail) if mail else _text(b"plain", message.text))


def _list_headers(mail: Mail) -> list[str]:
    headers = [f"List-ID: <{token(mail.list_id)}>"] if mail.list_id else []
    if mail.unsubscribe_url:
        headers += [
            f"List-Unsubscribe: <{token(mail.unsubscribe_url)}>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        ]
    return headers


def _parts(message: Message, mail: Mail) -> bytes:
    alternative = _multipart(b"alternative", ALTERNATIVE, _text(b"plain", message.text), _text(b"html", mail.html))
    if mail.calendar is None:
        return alternative
    return _multipart(b"mixed", MIXED, alternative, calendar_part(mail.calendar, mail.calendar_method))


def _multipart(kind: bytes, boundary: bytes, *parts: bytes) -> bytes:
    head = b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (kind, boundary)
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
    return b"%b%b--%b--\r\n" % (head, body, boundary)


def _text(subtype: bytes, text: str) -> bytes:
    lines = NEWLINE.sub("\n", text).encode("utf-8", "replace")
    encoded = binascii.b2a_qp(lines, istext=True).replace(b"\n", b"\r\n")
    head = b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" % subtype
    return head + encoded + b"\r\n"


@functools.lru_cache(maxsize=64)
def calendar_part(calendar: str, method: str) -> bytes:
    """The same for everybody who gets one notification, hence kept."""
    lines = NEWLINE.sub("\r\n", calendar).encode("utf-8", "replace")
    encoded = b"".join(binascii.b2a_base64(lines[start : start + 57]) for start in range(0, len(lines), 57))
    head = (
        f'Content-Type: text/calendar; charset=utf-8; method={token(method)}; name="event.ics"\r\n'
        'Content-Disposition: attachment; filename="event.ics"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode("ascii", "replace") + encoded.replace(b"\n", b"\r\n")


@functools.lru_cache(maxsize=256)
def subject(title: str) -> str:
    """The title as a header value: one line, encoded where it must be, folded where it is long."""
    text = header_text(title)
    if text.isascii() and len(text) <= PLAIN_SUBJECT_CHARACTERS and "=?" not in text:
        return text
    return email.header.Header(text, "utf-8", header_name="Subject").encode(linesep="\r\n")


def sender_header(value: str) -> tuple[str, str]:
    """(header, envelope address) for a setting such as `Soonish <nudge@example.org>`."""
    name, address = email.utils.parseaddr(header_text(value))
    return email.utils.formataddr((name, address)), address


def header_text(text: str) -> str:
    """One line, without anything that could begin another header."""
    return " ".join(CONTROL.sub(" ", text.encode("utf-8", "replace").decode()).split())


def token(text: str) -> str:
    """For ids and URLs inside angle brackets: nothing that could end them early."""
    return re.sub(r"[\s<>\"\x00-\x20\x7f]", "", text)

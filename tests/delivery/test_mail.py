"""The mail people get, read back by the email package, and what the mail server's replies mean."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from core.delivery.hosts import Hosts
from core.delivery.message import Mail, Message
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender
from core.delivery.smtp import from_reply

BOB = "systemmail://bob%40example.org"
CALENDAR = "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nSUMMARY:Sömmerfest\r\nEND:VCALENDAR\r\n"


async def test_a_mail_carries_text_html_and_the_headers_of_a_list(
    sender: Sender, mailbox: Any, message: Message
) -> None:
    assert (await sender.send(BOB, message)).delivered
    (mail,) = mailbox.mails
    assert mailbox.envelopes[0].mail_from == "nudge@soonish.example"
    assert mailbox.envelopes[0].rcpt_tos == ["bob@example.org"]
    assert mail["From"] == "Soonish <nudge@soonish.example>"
    assert mail["To"] == "bob@example.org"
    assert mail["Subject"] == "Summer party"
    assert mail["Message-ID"] == "<delivery-7@soonish.example>"
    assert mail["Date"].datetime is not None
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-ID"] == "<event-abc.soonish.example>"
    assert mail["List-Unsubscribe"] == "<https://soonish.example/u/token>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.get_body(("plain",)).get_content().strip() == "Tomorrow – bring cake."
    assert "<b>cake</b>" in mail.get_body(("html",)).get_content()
    assert not mail.defects


async def test_mail_somebody_just_asked_for_offers_no_unsubscribing(
    sender: Sender, mailbox: Any, message: Message
) -> None:
    plain = dataclasses.replace(message, mail=Mail(html="<p>Sign in</p>", message_id="m@soonish.example"))
    await sender.send(BOB, plain)
    assert mailbox.mails[0]["List-Unsubscribe"] is None
    assert mailbox.mails[0]["List-Unsubscribe-Post"] is None


async def test_a_message_without_mail_parts_goes_as_plain_text(sender: Sender, mailbox: Any, message: Message) -> None:
    await sender.send(BOB, dataclasses.replace(message, mail=None))
    (mail,) = mailbox.mails
    assert mail.get_content_type() == "text/plain"
    assert mail["Message-ID"]


async def test_the_calendar_travels_with_its_method(sender: Sender, mailbox: Any, message: Message) -> None:
    assert message.mail is not None
    mail_parts = dataclasses.replace(message.mail, calendar=CALENDAR, calendar_method="CANCEL")
    await sender.send(BOB, dataclasses.replace(message, mail=mail_parts))
    (mail,) = mailbox.mails
    (calendar,) = mail.iter_attachments()
    assert mail.get_content_type() == "multipart/mixed"
    assert calendar.get_content_type() == "text/calendar"
    assert calendar.get_param("method") == "CANCEL"
    assert calendar.get_filename() == "event.ics"
    assert calendar.get_payload(decode=True).decode() == CALENDAR
    assert mail.get_body(("plain",)) is not None


@pytest.mark.parametrize(
    "title",
    [
        "Party\r\nBcc: eve@example.org",
        "Party\nBcc: eve@example.org\n\nhello",
        "Party\rBcc: eve@example.org",
        "Party\x0bBcc:\x85eve\u2028@\u2029example.org",
        "Party\x00 \x1b[31m",
    ],
)
async def test_a_title_never_becomes_a_header(sender: Sender, mailbox: Any, message: Message, title: str) -> None:
    await sender.send(BOB, dataclasses.replace(message, title=title))
    (mail,) = mailbox.mails
    assert mail["Bcc"] is None
    assert mail["Subject"].startswith("Party")
    assert mailbox.envelopes[0].rcpt_tos == ["bob@example.org"]


async def test_hostile_ids_and_links_never_become_headers(sender: Sender, mailbox: Any, message: Message) -> None:
    hostile = Mail(
        html="<p>x</p>",
        message_id="a>\r\nBcc: eve@example.org",
        unsubscribe_url="https://soonish.example/u/x>\r\nBcc: eve@example.org",
        list_id="x\r\nBcc: eve@example.org",
        calendar=CALENDAR,
        calendar_method='X"\r\nBcc: eve@example.org',
    )
    await sender.send(BOB, dataclasses.replace(message, mail=hostile))
    (mail,) = mailbox.mails
    assert all("Bcc" not in part for part in mail.walk())


@pytest.mark.parametrize(
    "title",
    [
        "Grillfest – Käse & Wein 🍷",
        "x" * 500,
        "word " * 100,
        "日本語のイベント" * 20,
        "=?utf-8?q?not_encoded?=",
        "",
        "broken \udcff surrogate",
    ],
)
async def test_any_title_arrives_readable(sender: Sender, mailbox: Any, message: Message, title: str) -> None:
    await sender.send(BOB, dataclasses.replace(message, title=title))
    (mail,) = mailbox.mails
    assert mail["Subject"] == " ".join(title.encode("utf-8", "replace").decode().split())
    assert max(map(len, bytes(mailbox.envelopes[0].content).split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5000,
        "a\r\nb\rc\nd",
        ".\n..\n.leading dot\n.",
        "=_soonish_alternative\n--=_soonish_alternative--",
        "From me\n ",
        "ä" * 3000,
        "",
    ],
)
async def test_any_text_arrives_as_it_was(sender: Sender, mailbox: Any, message: Message, text: str) -> None:
    await sender.send(BOB, dataclasses.replace(message, text=text))
    (mail,) = mailbox.mails
    received = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert received.rstrip("\n") == text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    raw = bytes(mailbox.envelopes[0].content)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()


async def test_a_sender_name_in_another_script_is_encoded(
    senders: Callable[..., Any], policy: DestinationPolicy, mailbox: Any, message: Message
) -> None:
    async with senders(policy, smtp_port=mailbox.port, smtp_from="Später <nudge@soonish.example>") as sender:
        await sender.send(BOB, message)
    assert mailbox.mails[0]["From"].addresses[0].display_name == "Später"


@pytest.mark.parametrize(
    ("reply", "permanent", "host_fault", "words"),
    [
        ("550 No such user", True, False, "does not accept mail for this address"),
        ("551 Not local", True, False, "does not accept"),
        ("553 Bad mailbox", True, False, "does not accept"),
        ("554 5.1.1 Unknown", True, False, "does not accept"),
        ("552 Full", False, False, "mailbox is full"),
        ("452 4.2.2 Full", False, False, "mailbox is full"),
        ("550 5.2.2 Over quota", False, False, "mailbox is full"),
        ("450 Busy", False, False, "later"),
        ("451 4.7.1 Greylisted", False, False, "later"),
        ("550 5.7.1 Relaying denied", False, False, "rules"),
        ("530 5.7.0 Authenticate first", False, True, "from Soonish"),
        ("421 Too many connections", False, True, "from Soonish"),
    ],
)
async def test_a_refused_recipient_has_its_reason(
    sender: Sender, mailbox: Any, message: Message, reply: str, permanent: bool, host_fault: bool, words: str
) -> None:
    mailbox.replies["bob@example.org"] = reply
    outcome = await sender.send(BOB, message)
    assert outcome.code == f"smtp_{reply[:3]}"
    assert (outcome.delivered, outcome.permanent, outcome.host_fault) == (False, permanent, host_fault)
    assert not outcome.about_message
    assert words in outcome.reason
    assert "bob" not in outcome.reason


async def test_a_refusal_does_not_spoil_the_next_mail(
    senders: Callable[..., Any], policy: DestinationPolicy, mailbox: Any, message: Message
) -> None:
    mailbox.replies["bob@example.org"] = "550 No such user"
    async with senders(policy, smtp_port=mailbox.port, smtp_connections=1) as sender:
        assert (await sender.send(BOB, message)).code == "smtp_550"
        assert (await sender.send("systemmail://alice%40example.org", message)).delivered
    assert mailbox.envelopes[0].rcpt_tos == ["alice@example.org"]
    assert len(mailbox.sessions) == 1


@asynccontextmanager
async def _refusing(at: str, reply: str) -> AsyncIterator[int]:
    """A mail server that answers this to a command and hangs up at once."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        while line := await reader.readline():
            if line.upper().startswith(at.encode()):
                writer.write(f"{reply}\r\n".encode())
                break
            writer.write(b"250 OK\r\n")
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]


@pytest.mark.parametrize(("at", "about_message"), [("RCPT", False), ("DATA", True)])
async def test_a_refusal_that_hangs_up_is_still_a_refusal_and_stops_nobody_elses_mail(
    senders: Callable[..., Any], policy: DestinationPolicy, message: Message, at: str, about_message: bool
) -> None:
    hosts = Hosts(32)
    async with _refusing(at, "550 Not here") as port, senders(policy, smtp_port=port, smtp_connections=1) as sender:
        for _ in range(6):
            gate = hosts.enter("smtp")
            assert gate is not None
            assert gate.deferral is None
            outcome = await sender.send(BOB, message)
            hosts.record("smtp", outcome)
            hosts.leave("smtp", gate)
            assert (outcome.code, outcome.permanent, outcome.host_fault) == ("smtp_550", True, False)
            assert outcome.about_message is about_message
    assert hosts.states() == {}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("554 Looks like spam", "does not take this message"),
        ("550 High probability of spam", "does not take this message"),
        ("550 5.7.1 Blocked for its content", "does not take this message"),
        ("552 5.7.0 An attachment like this is not allowed", "does not take this message"),
        ("554 5.6.0 Malformed message", "does not take this message"),
        ("554 5.3.0 Something else", "does not take this message"),
        ("552 5.3.4 Message size exceeds fixed limit", "too large"),
        ("552 5.2.3 Longer than the administrator allows", "too large"),
        ("552 Message size exceeds the maximum", "too large"),
    ],
)
async def test_a_message_that_is_refused_leaves_its_channel_alone(
    sender: Sender, mailbox: Any, message: Message, reply: str, words: str
) -> None:
    mailbox.replies["DATA"] = reply
    outcome = await sender.send(BOB, message)
    assert outcome.code == f"smtp_{reply[:3]}"
    assert (outcome.permanent, outcome.about_message, outcome.host_fault) == (True, True, False)
    assert words in outcome.reason


@pytest.mark.parametrize(
    ("reply", "permanent"),
    [
        ("550 5.1.1 No such user", True),
        ("550 5.2.1 Mailbox disabled", True),
        ("552 5.2.2 Over quota", False),
        ("552 Exceeded storage allocation", False),
        ("550 5.7.26 Neither SPF nor DKIM", False),
        ("451 4.3.0 Try later", False),
    ],
)
async def test_a_mailbox_refused_after_the_content_is_not_blamed_on_the_message(
    sender: Sender, mailbox: Any, message: Message, reply: str, permanent: bool
) -> None:
    mailbox.replies["DATA"] = reply
    outcome = await sender.send(BOB, message)
    assert (outcome.permanent, outcome.about_message) == (permanent, False)


@pytest.mark.parametrize("reply", ["554 5.3.4 Too big", "550 5.6.1 Not this kind of media"])
async def test_a_recipients_server_that_refuses_the_message_early_is_understood(
    sender: Sender, mailbox: Any, message: Message, reply: str
) -> None:
    mailbox.replies["bob@example.org"] = reply
    outcome = await sender.send(BOB, message)
    assert (outcome.permanent, outcome.about_message) == (True, True)


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
async def test_a_connection_cut_in_the_middle_is_transient_and_the_next_mail_goes_out(
    sender: Sender, mailbox: Any, message: Message, command: str
) -> None:
    mailbox.drop_at = command
    outcome = await sender.send(BOB, message)
    assert (outcome.code, outcome.permanent, outcome.host_fault) == ("reset", False, True)
    assert (await sender.send(BOB, message)).delivered


async def test_a_connection_gone_stale_is_replaced_without_losing_or_doubling_the_mail(
    senders: Callable[..., Any], policy: DestinationPolicy, mailbox: Any, message: Message
) -> None:
    async with senders(policy, smtp_port=mailbox.port, smtp_connections=1) as sender:
        assert (await sender.send(BOB, message)).delivered
        mailbox.drop_at = "MAIL"
        assert (await sender.send(BOB, message)).delivered
    assert len(mailbox.envelopes) == 2


async def test_many_mails_share_few_connections(
    senders: Callable[..., Any], policy: DestinationPolicy, mailbox: Any, message: Message
) -> None:
    async with senders(policy, smtp_port=mailbox.port, smtp_connections=3) as sender:
        outcomes = await asyncio.gather(*(sender.send(f"systemmail://u{n}%40example.org", message) for n in range(60)))
    assert all(outcome.delivered for outcome in outcomes)
    assert len(mailbox.envelopes) == 60
    assert len(mailbox.sessions) <= 3


async def test_no_mail_server_is_our_trouble_and_not_the_recipients(
    senders: Callable[..., Any], policy: DestinationPolicy, message: Message
) -> None:
    async with senders(policy, smtp_port=1) as sender:
        outcome = await sender.send(BOB, message)
    assert (outcome.code, outcome.permanent, outcome.host_fault) == ("refused", False, True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"smtp_security": "tls"}, "tls"),
        ({"smtp_security": "starttls"}, "smtp"),
        ({"smtp_username": "soonish", "smtp_password": "secret"}, "smtp"),
        ({"smtp_server": "nowhere.invalid"}, "dns"),
    ],
)
async def test_settings_that_do_not_fit_the_mail_server_switch_nobody_off(
    senders: Callable[..., Any],
    policy: DestinationPolicy,
    mailbox: Any,
    message: Message,
    changes: dict[str, str],
    code: str,
) -> None:
    async with senders(policy, smtp_port=mailbox.port, **changes) as sender:
        outcome = await sender.send(BOB, message)
    assert (outcome.code, outcome.permanent, outcome.host_fault) == (code, False, True)


async def test_a_mail_server_that_never_speaks_is_given_up(
    senders: Callable[..., Any], policy: DestinationPolicy, message: Message
) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        async with senders(policy, smtp_port=port, delivery_timeout_seconds=0.1) as sender:
            outcome = await sender.send(BOB, message)
    assert (outcome.code, outcome.permanent, outcome.host_fault) == ("timeout", False, True)


def test_a_reply_without_detail_is_understood() -> None:
    assert from_reply(550, "").permanent
    assert not from_reply(450, "").permanent


@pytest.mark.parametrize(
    "url",
    [
        "systemmail://bob%40example.org%2Ceve%40example.org",
        "systemmail://bob%40example.org%0D%0ABcc%3Aeve%40example.org",
        "systemmail://bob%40example.org%3E%20SIZE%3D1",
        "systemmail://bob%40example.org?to=eve@example.org",
        "systemmail://%3Cbob%40example.org%3E",
        "systemmail://bob@example.org@example.net",
        "systemmail://",
    ],
)
async def test_a_tampered_mail_url_sends_nothing(sender: Sender, mailbox: Any, message: Message, url: str) -> None:
    assert (await sender.send(url, message)).code == "unreadable"
    assert mailbox.envelopes == []

"""The development mailbox: what a client hands over is what a reader finds."""

import asyncio
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from cli.mailsink import Conversation, Mailbox
from tests.servers import free_port
from web.mailbox import read_mail, read_mailbox


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    port, mailbox = free_port(), Mailbox(tmp_path)
    server = await asyncio.get_running_loop().create_server(lambda: Conversation(mailbox), "127.0.0.1", port)
    yield port
    server.close()
    await server.wait_closed()


def mail(subject: str, text: str = "Hello") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Soonish <nudge@localhost>"
    message["To"] = "bob@example.org"
    message["Subject"] = subject
    message.set_content(text)
    message.add_alternative(f"<p>{text}</p>", subtype="html")
    return message


async def send(port: int, *messages: EmailMessage, to: str = "bob@example.org") -> None:
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        for message in messages:
            await client.send_message(message, recipients=[to])


async def test_a_mail_reads_as_it_was_sent(port: int, tmp_path: Path) -> None:
    await send(port, mail("Tomorrow: Brettspiele für alle", ".one\n..two\n\nend"))
    (entry,) = read_mailbox(tmp_path)
    assert entry.subject == "Tomorrow: Brettspiele für alle"
    assert entry.text.splitlines() == [".one", "..two", "", "end"]
    assert "<p>.one" in entry.html
    assert entry.to == ("bob@example.org",)
    assert entry.headers["From"] == "Soonish <nudge@localhost>"
    assert read_mail(tmp_path, entry.id) == entry


async def test_the_newest_comes_first_and_a_recipient_can_be_chosen(port: int, tmp_path: Path) -> None:
    await send(port, *(mail(f"{number}") for number in range(5)))
    await send(port, mail("for carol"), to="Carol@example.org")
    assert [entry.subject for entry in read_mailbox(tmp_path, limit=3)] == ["for carol", "4", "3"]
    assert [entry.subject for entry in read_mailbox(tmp_path, "carol@example.org")] == ["for carol"]
    assert read_mailbox(tmp_path, "nobody@example.org") == []


async def test_a_mail_without_a_body_and_pipelined_commands_are_understood(port: int, tmp_path: Path) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"EHLO x\r\nMAIL FROM:<a@x.org>\r\nDATA\r\nRCPT TO:<b@x.org>\r\nDATA\r\n.\r\nNONSENSE\r\nQUIT\r\n")
    answers = (await reader.read()).decode().splitlines()
    writer.close()
    await writer.wait_closed()
    codes = " ".join(answer[:3] for answer in answers if answer[3] == " ")
    assert codes == "220 250 250 503 250 354 250 500 221"
    assert [entry.to for entry in read_mailbox(tmp_path)] == [("b@x.org",)]


def test_only_the_newest_are_kept_also_across_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        mailbox = Mailbox(tmp_path, kept=3)
        for number in range(4):
            mailbox.store([b"bob@example.org"], b"Subject: %d\r\n\r\n" % number)
    assert [entry.subject for entry in read_mailbox(tmp_path)] == ["3", "2", "1"]


def test_ids_from_outside_name_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.eml").write_text("Subject: secret\n\n")
    assert read_mail(tmp_path / "mailbox", "../secret") is None
    assert read_mail(tmp_path, "secret") is None
    assert read_mailbox(tmp_path / "missing") == []

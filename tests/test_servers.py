"""The sinks that other tests lean on."""

import asyncio
from email.message import EmailMessage

import aiohttp
import aiosmtplib
import pytest

from tests.servers import SmtpSink, WebhookSink


async def test_the_webhook_sink_remembers_and_answers_as_told() -> None:
    async with WebhookSink() as sink, aiohttp.ClientSession() as client:
        sink.answer("/down", status=503, headers={"Retry-After": "7"})
        sink.answer("/broken", reset=True)
        await client.post(sink.url("/up"), json={"n": 1})
        answer = await client.post(sink.url("/down"))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.post(sink.url("/broken"))
        (request,) = await sink.wait_for(1, path="/up")
        assert (request.method, request.body) == ("POST", b'{"n": 1}')
        assert request.headers["content-type"] == "application/json"
        assert sink.counts()["/down"] == 1


async def test_a_hanging_sink_closes_at_once_and_takes_its_port_again() -> None:
    sink = WebhookSink()
    await sink.start()
    sink.answer(hang=True)
    async with aiohttp.ClientSession() as client:
        call = asyncio.create_task(client.post(sink.url("/slow")))
        await sink.wait_for(1)
        async with asyncio.timeout(3):
            await sink.stop()
        await asyncio.gather(call, return_exceptions=True)
        await sink.start()
        sink.answer()
        assert (await client.post(sink.url("/slow"))).status == 200
    await sink.stop()


async def test_waiting_in_vain_says_what_came() -> None:
    async with WebhookSink() as sink:
        with pytest.raises(AssertionError, match="0 of 1 requests"):
            await sink.wait_for(1, 0.01)


async def test_the_smtp_sink_parses_what_it_takes_and_refuses_whom_it_is_told_to() -> None:
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message.set_content("Hello")
    async with SmtpSink() as sink:
        sink.refuse("gone@example.org", 550)
        client = aiosmtplib.SMTP(hostname=sink.host, port=sink.port, start_tls=False)
        await client.connect()
        await client.send_message(message, sender="a@example.org", recipients=["Bob@example.org"])
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refusal:
            await client.send_message(message, sender="a@example.org", recipients=["gone@example.org"])
        assert refusal.value.recipients[0].code == 550
        (mail,) = await sink.wait_for(1, to="bob@example.org")
        assert (mail.sender, mail.subject, mail.text.strip()) == ("a@example.org", "Grüße", "Hello")
        assert sink.refused == {"gone@example.org": 1}
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):  # closing the sink ends those who stayed
        await client.noop()

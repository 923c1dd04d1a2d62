"""The development mail server: takes every mail on the loopback and keeps each as a file. `python -m cli.mailsink`.

Written on asyncio alone: aiosmtpd costs four times as much a mail (measured 0.55 ms against 0.15 ms), which on a small
machine is the difference between a mailbox and a bottleneck.
"""

import argparse
import asyncio
import os
import re
import signal
import time
from collections import deque
from pathlib import Path
from typing import cast

import uvloop

from cli.processes import signal_ready

KEPT = 20_000
SIZE_LIMIT = 32 * 1024 * 1024
END = b"\r\n.\r\n"
ADDRESS = re.compile(rb"(?:FROM|TO):\s*<?([^<>\x00-\x20]*)>?", re.IGNORECASE)


class Mailbox:
    """A folder of mails, each written under a temporary name and renamed: a reader never sees half of one."""

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._kept = kept
        self._names = deque(sorted(path.name for path in folder.glob("*.eml")))
        self._counter = 0

    def store(self, recipients: list[bytes], content: bytes) -> None:
        self._counter = (self._counter + 1) % 1_000_000
        name = f"{time.time_ns() // 1000:016d}-{self._counter:06d}.eml"
        draft = self._folder / f"{name}.part"
        with draft.open("wb", buffering=0) as file:
            file.write(b"X-Envelope-To: " + b", ".join(recipients) + b"\r\n" + content)
        draft.rename(self._folder / name)
        self._names.append(name)
        while len(self._names) > self._kept:
            (self._folder / self._names.popleft()).unlink(missing_ok=True)


class Conversation(asyncio.Protocol):
    """As much SMTP as a client needs to hand over mail; it refuses nothing but nonsense."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._recipients: list[bytes] = []
        self._buffer = bytearray()
        self._in_body = False
        self._searched = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._say("220 soonish mailbox")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._take_body() if self._in_body else self._take_line():
            pass
        if len(self._buffer) > SIZE_LIMIT:
            self._say("552 Too much mail data")
            self._transport.close()

    def _take_line(self) -> bool:
        end = self._buffer.find(b"\r\n")
        if end < 0 or self._transport.is_closing():
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        self._obey(line)
        return True

    def _take_body(self) -> bool:
        """The buffer starts with the line break before the body, so that an empty body ends like any other."""
        end = self._buffer.find(END, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(END))
            return False
        content = bytes(self._buffer[: end + 2]).replace(b"\r\n..", b"\r\n.")[2:]
        del self._buffer[: end + len(END)]
        self._in_body = False
        self._mailbox.store(self._recipients, content)
        self._recipients = []
        self._say("250 Kept")
        return True

    def _obey(self, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        match verb.upper():
            case b"EHLO":
                self._say(f"250-soonish\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-PIPELINING\r\n250 SIZE {SIZE_LIMIT}")
            case b"MAIL" | b"RSET":
                self._recipients = []
                self._say("250 OK")
            case b"RCPT":
                self._add_recipient(rest)
            case b"DATA":
                self._begin_body()
            case b"HELO" | b"NOOP" | b"VRFY":
                self._say("250 OK")
            case b"QUIT":
                self._say("221 Bye")
                self._transport.close()
            case _:
                self._say("500 Unknown command")

    def _add_recipient(self, rest: bytes) -> None:
        found = ADDRESS.match(rest)
        if found and found[1]:
            self._recipients.append(found[1])
            self._say("250 OK")
        else:
            self._say("501 Syntax: RCPT TO:<address>")

    def _begin_body(self) -> None:
        if not self._recipients:
            self._say("503 RCPT first")
            return
        self._buffer[:0] = b"\r\n"
        self._in_body, self._searched = True, 0
        self._say("354 Go ahead")

    def _say(self, line: str) -> None:
        self._transport.write(f"{line}\r\n".encode())


async def serve(folder: Path, port: int) -> None:
    """Until SIGTERM."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    mailbox = Mailbox(folder)
    server = await loop.create_server(lambda: Conversation(mailbox), "127.0.0.1", port)
    signal_ready()
    await over.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Keep every mail as a file.")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    os.umask(0o077)
    uvloop.run(serve(options.folder, options.port))


if __name__ == "__main__":
    main()

"""The far end, in a process of its own: takes webhooks and mails as fast as they come, and says when which arrived.

python -m bench.sink        prints {"http": PORT, "smtp": PORT}; GET /stats answers, GET /reset forgets
"""

import asyncio
import json
import time
from typing import cast

import uvloop


class Stats:
    def __init__(self) -> None:
        self.times: list[float] = []
        self.paths: set[bytes] = set()
        self.last_new: float | None = None

    def arrived(self, what: bytes) -> None:
        now = time.time()
        self.times.append(now)
        if what not in self.paths:
            self.paths.add(what)
            self.last_new = now

    def answer(self) -> bytes:
        times = self.times
        found = {
            "count": len(times),
            "different": len(self.paths),
            "first": times[0] if times else None,
            "last": times[-1] if times else None,
            "last_new": self.last_new,
        }
        return json.dumps(found).encode()


STATS = Stats()
_NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


class Http(asyncio.Protocol):
    """Just enough HTTP: requests with Content-Length, kept alive."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _content_length(head)
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            self._transport.write(self._respond(head.split(b" ", 2)[1]))

    def _respond(self, path: bytes) -> bytes:
        if path == b"/stats":
            body = STATS.answer()
            return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
                len(body),
                body,
            )
        if path == b"/reset":
            STATS.__init__()  # type: ignore[misc]
        else:
            STATS.arrived(path)
        return _NO_CONTENT


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    return int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


class Smtp(asyncio.Protocol):
    """Just enough SMTP, without extensions but PIPELINING-safe line reading."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = b""
        self._in_data = False
        self._to = b""
        self._transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = self._buffer.find(b"\r\n.\r\n" if self._in_data else b"\r\n")
            if end < 0:
                return
            line = self._buffer[:end]
            self._buffer = self._buffer[end + (5 if self._in_data else 2) :]
            if self._in_data:
                self._in_data = False
                STATS.arrived(self._to)
                self._transport.write(b"250 ok\r\n")
            else:
                self._command(line)

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"DATA":
            self._in_data = True
            self._transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            if verb == b"RCPT":
                self._to = line[8:]
            self._transport.write(b"250 ok\r\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    http = await loop.create_server(Http, "127.0.0.1", 0)
    smtp = await loop.create_server(Smtp, "127.0.0.1", 0)
    print(json.dumps({"http": _port(http), "smtp": _port(smtp)}), flush=True)
    await http.serve_forever()


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


if __name__ == "__main__":
    uvloop.run(main())

"""A platform that people sign in with, over real HTTP on the loopback: Discord's way, or Slack's OpenID Connect."""

import asyncio
import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from cli.processes import free_port

CLIENT, SECRET = "the-client", "the-client-secret"


@dataclass
class Person:
    """Who presses “Authorize” there."""

    external_id: str = "80351110224678912"
    name: str = "Bob on chat"
    tenant_id: str = "T0001"
    email: str = "bob@example.org"


@dataclass
class OAuthServer:
    """Gives each consent a code that works once, and remembers what it was asked. `spoil` changes its answers, by
    path; `claims` what Slack's id_token says."""

    issued_at: int
    port: int = field(default_factory=free_port)
    spoil: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    _consents: int = 0
    _codes: dict[str, tuple[Person, dict[str, str]]] = field(default_factory=dict)
    _tokens: dict[str, Person] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._closing = asyncio.Event()

    @property
    def settings(self) -> dict[str, str]:
        base = f"http://127.0.0.1:{self.port}"
        found: dict[str, str] = {}
        for platform, api in (("discord", "/api/v10"), ("slack", "/api/")):
            found |= {
                f"{platform}_client_id": CLIENT,
                f"{platform}_client_secret": SECRET,
                f"{platform}_api_base_url": base + api,
                f"{platform}_authorize_url": f"{base}/{platform}/authorize",
            }
        return found

    def consent(self, address: str, person: Person | None = None) -> str:
        """What the person's browser is sent back to (path and query) after they agreed on the page at `address`."""
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert query["client_id"] == CLIENT
        assert query["response_type"] == "code"
        assert "email" not in query["scope"]
        self._consents += 1
        code = f"code-{self._consents}"
        self._codes[code] = (person or Person(), query)
        back = urlsplit(query["redirect_uri"])
        return f"{back.path}?code={code}&state={query['state']}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append((request.path, form))
        spoilt = self.spoil.get(request.path, self.spoil.get("*"))
        if spoilt == "hang":
            await self._closing.wait()
        if spoilt is not None:
            status, body = spoilt if isinstance(spoilt, tuple) else (200, "")
            return web.Response(status=status, text=body, headers={"Location": "/elsewhere"})
        if request.path.endswith("/users/@me"):
            return self._profile(request)
        return self._redeem(request.path, form)

    def _redeem(self, path: str, form: dict[str, str]) -> web.Response:
        found = self._codes.pop(form.get("code", ""), None)
        slack = path.endswith("openid.connect.token")
        if found is None or form.get("client_secret") != SECRET or not _fits(form, found[1]):
            refused = {"ok": False, "error": "invalid_code"} if slack else {"error": "invalid_grant"}
            return web.json_response(refused, status=200 if slack else 400)
        person, query = found
        token = f"access-{len(self._tokens)}"
        self._tokens[token] = person
        answer: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "refresh_token": "refresh"}
        if slack:
            answer |= {"ok": True, "id_token": self._id_token(person, query)}
        return web.json_response(answer)

    def _profile(self, request: web.BaseRequest) -> web.Response:
        person = self._tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if person is None:
            return web.json_response({"message": "401: Unauthorized"}, status=401)
        return web.json_response(
            {"id": person.external_id, "username": "bob", "global_name": person.name, "email": person.email}
        )

    def _id_token(self, person: Person, query: dict[str, str]) -> str:
        claims = {
            "iss": "https://slack.com",
            "sub": person.external_id,
            "aud": CLIENT,
            "exp": self.issued_at + 300,
            "iat": self.issued_at,
            "nonce": query.get("nonce"),
            "https://slack.com/user_id": person.external_id,
            "https://slack.com/team_id": person.tenant_id,
            "name": person.name,
            "email": person.email,
            "email_verified": True,
        } | self.claims
        kept = {name: value for name, value in claims.items() if value is not None}
        return ".".join(_b64(part) for part in (json.dumps({"alg": "RS256"}), json.dumps(kept), "signature"))

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def stop(self) -> None:
        self._closing.set()
        await self._runner.cleanup()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


def _fits(form: dict[str, str], query: dict[str, str]) -> bool:
    """The same redirect, and PKCE's answer to the challenge that was sent."""
    proof = _b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
    return form.get("redirect_uri") == query["redirect_uri"] and query.get("code_challenge", proof) == proof


def _b64(part: str | bytes) -> str:
    raw = part.encode() if isinstance(part, str) else part
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

"""Asking Discord and Slack who somebody is: OAuth's code flow, once, over HTTP. Nothing of what they hand out is kept.

Slack speaks OpenID Connect. Its id_token is taken from the answer of the token end point itself, over TLS and for our
client secret, which stands for its signature (OpenID Connect Core 3.1.3.7, 6); issuer, audience, time and nonce are
checked. Discord has no id_token: its profile is read with the fresh access token, and the code is bound to us by PKCE.
No scope asks for an e-mail address, and one that comes anyway is not read.
"""

import asyncio
import datetime as dt
import json
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from core.errors import Code, SoonishError
from core.identities.signed import LABELS, Platform, SignedIdentity
from core.keys import Keys
from core.settings import Settings

log = logging.getLogger(__name__)

_TIMEOUT = 10.0
_REPLY_AT_MOST = 64 * 1024
_SLACK_ISSUER = "https://slack.com"
_CLOCKS_APART = 60
_ID_AT_MOST = 64


@dataclass(frozen=True, slots=True)
class Provider:
    """One platform, as the settings name it."""

    platform: Platform
    client_id: str
    client_secret: str = field(repr=False)
    api: str
    """Ends with a slash."""
    authorize: str
    redirect: str
    timeout: float = _TIMEOUT

    @property
    def label(self) -> str:
        return LABELS[self.platform]


def provider_of(settings: Settings, platform: Platform) -> Provider | None:
    """None while it is not configured."""
    client_id: str | None = getattr(settings, f"{platform}_client_id")
    secret = getattr(settings, f"{platform}_client_secret")
    if not client_id or not secret or not secret.get_secret_value():
        return None
    return Provider(
        platform=platform,
        client_id=client_id,
        client_secret=secret.get_secret_value(),
        api=getattr(settings, f"{platform}_api_base_url").rstrip("/") + "/",
        authorize=getattr(settings, f"{platform}_authorize_url"),
        redirect=f"{settings.public_base_url}/sign-in/{platform}/callback",
    )


def where_to_ask(provider: Provider, keys: Keys, state: str) -> str:
    """The platform's page that asks for consent."""
    if provider.platform == "discord":
        more = {"code_challenge": create_s256_code_challenge(_verifier(keys, state)), "code_challenge_method": "S256"}
        scope = "identify"
    else:
        more, scope = {"nonce": _nonce(keys, state)}, "openid profile"
    address: str = prepare_grant_uri(
        provider.authorize, provider.client_id, "code", provider.redirect, scope=scope, state=state, **more
    )
    return address


def where_to_install(provider: Provider, url: str, scopes: Collection[str], state: str) -> str:
    """Slack's page that asks into which workspace the app shall go, and what it may do there. It wants commas."""
    asked = ",".join(sorted(scopes))
    address: str = prepare_grant_uri(url, provider.client_id, "code", provider.redirect, scope=asked, state=state)
    return address


async def granted(provider: Provider, code: str) -> dict[str, Any]:
    """What Slack hands out for the code of an installation. Raises SoonishError when it hands out nothing."""
    async with _asking(provider) as client:
        return await _redeem(client, provider, "oauth.v2.access", code)


async def identify(provider: Provider, keys: Keys, state: str, code: str, now: dt.datetime) -> SignedIdentity:
    """Whom the platform names for this code. Raises SoonishError when it names nobody."""
    async with _asking(provider) as client:
        if provider.platform == "discord":
            return await _discord(client, provider, keys, state, code)
        return await _slack(client, provider, keys, state, code, now)


@asynccontextmanager
async def _asking(provider: Provider) -> AsyncIterator[aiohttp.ClientSession]:
    """Fresh for each sign-in, so that nothing of one person's is about when the next one comes."""
    try:
        async with (
            asyncio.timeout(provider.timeout),
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=False) as client,
        ):
            yield client
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        log.warning("%s did not answer a sign-in: %s", provider.label, type(error).__name__)
        raise _away(provider) from None


async def _discord(
    client: aiohttp.ClientSession, provider: Provider, keys: Keys, state: str, code: str
) -> SignedIdentity:
    answer = await _redeem(client, provider, "oauth2/token", code, code_verifier=_verifier(keys, state))
    token = _text(provider, answer, "access_token")
    me = await _read(client, provider, "GET", "users/@me", headers={"Authorization": f"Bearer {token}"})
    name = me.get("global_name") or me.get("username") or ""
    return SignedIdentity("discord", "", _text(provider, me, "id"), str(name))


async def _slack(
    client: aiohttp.ClientSession, provider: Provider, keys: Keys, state: str, code: str, now: dt.datetime
) -> SignedIdentity:
    answer = await _redeem(client, provider, "openid.connect.token", code)
    claims = _claims(provider, _text(provider, answer, "id_token"), _nonce(keys, state), now)
    tenant, person = (_text(provider, claims, f"{_SLACK_ISSUER}/{name}_id") for name in ("team", "user"))
    return SignedIdentity("slack", tenant, person, str(claims.get("name") or ""))


def _claims(provider: Provider, id_token: str, nonce: str, now: dt.datetime) -> Mapping[str, Any]:
    wanted = {
        "iss": {"essential": True, "value": _SLACK_ISSUER},
        "aud": {"essential": True, "value": provider.client_id},
        "nonce": {"essential": True, "value": nonce},
    }
    try:
        opened = extract_compact(id_token.encode())
        payload = json.loads(opened.payload)
        claims = CodeIDToken(payload, opened.headers(), wanted, {"nonce": nonce, "client_id": provider.client_id})
        claims.validate(now=int(now.timestamp()), leeway=_CLOCKS_APART)
    except (AuthlibBaseError, JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _garbled(provider, f"id_token: {type(error).__name__}") from None
    return payload if isinstance(payload, dict) else {}


async def _redeem(
    client: aiohttp.ClientSession, provider: Provider, method: str, code: str, **more: str
) -> dict[str, Any]:
    """The code, once, for what it stands for."""
    body = prepare_token_request(
        "authorization_code",
        redirect_uri=provider.redirect,
        code=code,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        **more,
    )
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await _read(client, provider, "POST", method, headers=headers, body=body)


async def _read(
    client: aiohttp.ClientSession,
    provider: Provider,
    verb: str,
    path: str,
    *,
    headers: dict[str, str],
    body: str | None = None,
) -> dict[str, Any]:
    """One JSON object. What the platform refuses is the person's to try again, what it garbles is the platform's."""
    async with client.request(
        verb, provider.api + path, data=body, headers={"Accept": "application/json", **headers}, allow_redirects=False
    ) as response:
        raw = await response.content.read(_REPLY_AT_MOST)
        while not response.content.at_eof() and len(raw) < _REPLY_AT_MOST:
            raw += await response.content.read(_REPLY_AT_MOST - len(raw))
    if response.status >= 500 or response.status == 429:
        log.warning("%s answered a sign-in with %d", provider.label, response.status)
        raise _away(provider)
    try:
        answer = json.loads(raw)
    except ValueError:
        answer = None
    if response.status >= 400 or (isinstance(answer, dict) and (answer.get("ok") is False or "error" in answer)):
        log.warning("%s refused a sign-in with %d", provider.label, response.status)
        raise SoonishError(
            Code.FORBIDDEN, f"{provider.label} did not confirm who you are.", hint="Start again on the page “Sign in”."
        )
    if response.status != 200 or not isinstance(answer, dict):
        raise _garbled(provider, f"status {response.status}")
    return answer


def _text(provider: Provider, answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    at_most = _ID_AT_MOST if name.endswith("id") else _REPLY_AT_MOST
    if not isinstance(value, str) or not 0 < len(value) <= at_most or not value.isascii() or not value.isprintable():
        raise _garbled(provider, f"no {name.rpartition('/')[2]}")
    return value


def _nonce(keys: Keys, state: str) -> str:
    return keys.digest("oauth nonce", state)


def _verifier(keys: Keys, state: str) -> str:
    """PKCE: nobody who sees the state on its way can make it."""
    return keys.digest("oauth verifier", state) + keys.digest("oauth verifier, second half", state)


def _away(provider: Provider) -> SoonishError:
    return SoonishError(
        Code.UNAVAILABLE,
        f"{provider.label} does not answer right now.",
        hint="Try again in a minute, or sign in by mail.",
        retry_after=60,
    )


def _garbled(provider: Provider, what: str) -> SoonishError:
    log.warning("%s answered a sign-in with something else than agreed: %s", provider.label, what)
    return SoonishError(
        Code.UNAVAILABLE, f"{provider.label} answered something we cannot read.", hint="Try again, or sign in by mail."
    )

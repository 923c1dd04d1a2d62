"""Tokens: signed ones that are mailed and stored nowhere, random ones of which only a hash is stored."""

import datetime as dt
import hashlib
import secrets
import struct
from dataclasses import dataclass
from typing import Literal

from core.clock import UTC
from core.errors import Code, SoonishError
from core.keys import Keys

LinkPurpose = Literal["verify", "sign_in", "change_email"]
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CONFIRM_LIFETIME = dt.timedelta(days=7)
UNDO_LIFETIME = dt.timedelta(hours=24)
VERIFY_LIFETIME = dt.timedelta(days=7)
SIGN_IN_LIFETIME = dt.timedelta(minutes=15)
CHANGE_LIFETIME = dt.timedelta(days=1)
LINKING_LIFETIME = dt.timedelta(minutes=10)
OAUTH_LIFETIME = dt.timedelta(minutes=10)
API_PREFIX = "soonish_"


def new_public_id() -> str:
    """Ten random base58 characters (58 bits): what an event is called in links."""
    return "".join(secrets.choice(_BASE58) for _ in range(10))


@dataclass(frozen=True, slots=True)
class UnsubscribeToken:
    """Names what a recipient may leave. Never expires, survives re-subscription. event_id 0: no event."""

    event_id: int
    integration_id: int


@dataclass(frozen=True, slots=True)
class ConfirmToken:
    """Names an unconfirmed row (`subscription` or `integration`) and the request that asked for it."""

    kind: str
    subject_id: int
    requested_at: int
    """Seconds since the epoch; a later request for the same row makes a new link and voids this one."""


@dataclass(frozen=True, slots=True)
class UndoToken:
    act: str
    """Which unsubscribe it undoes."""
    expires_at: int


@dataclass(frozen=True, slots=True)
class LinkToken:
    """Names the row of a link that was mailed to an account's address. The row says whether it was used."""

    purpose: LinkPurpose
    token_id: int
    asked_at: int
    """Seconds since the epoch."""


_PURPOSES: dict[LinkPurpose, int] = {"verify": 1, "sign_in": 2, "change_email": 3}
_PURPOSE_NAMES = {number: name for name, number in _PURPOSES.items()}
LINK_LIFETIMES: dict[LinkPurpose, dt.timedelta] = {
    "verify": VERIFY_LIFETIME, "sign_in": SIGN_IN_LIFETIME, "change_email": CHANGE_LIFETIME,
}  # fmt: skip
_LIFETIME_WORDS: dict[LinkPurpose, str] = {
    "verify": "seven days",
    "sign_in": "fifteen minutes",
    "change_email": "a day",
}
_KINDS = {"subscription": 1, "integration": 2}
_KIND_NAMES = {number: name for name, number in _KINDS.items()}


def unsubscribe_token(keys: Keys, token: UnsubscribeToken) -> str:
    return keys.sign("unsubscribe", struct.pack(">QQ", token.event_id, token.integration_id))


def read_unsubscribe(keys: Keys, text: str) -> UnsubscribeToken:
    return UnsubscribeToken(*struct.unpack(">QQ", _payload(keys, "unsubscribe", text, 16)))


def address_token(keys: Keys, integration_id: int) -> str:
    """Opens what an address without an account follows. Never expires, as the unsubscribe links beside it."""
    return keys.sign("address", struct.pack(">Q", integration_id))


def read_address(keys: Keys, text: str) -> int:
    """The channel that the link names."""
    return int(struct.unpack(">Q", _payload(keys, "address", text, 8))[0])


def confirm_token(keys: Keys, token: ConfirmToken) -> str:
    return keys.sign("confirm", struct.pack(">BQQ", _KINDS[token.kind], token.subject_id, token.requested_at))


def read_confirm(keys: Keys, text: str, now: dt.datetime) -> ConfirmToken:
    """Raises SoonishError for a forged, truncated or expired link."""
    kind, subject_id, requested_at = struct.unpack(">BQQ", _payload(keys, "confirm", text, 17))
    if dt.datetime.fromtimestamp(requested_at, UTC) + CONFIRM_LIFETIME < now:
        raise SoonishError(
            Code.NOT_FOUND, "This link is older than seven days.", hint="Subscribe again to get a fresh one."
        )
    return ConfirmToken(_KIND_NAMES[kind], subject_id, requested_at)


def undo_token(keys: Keys, token: UndoToken) -> str:
    return keys.sign("undo", struct.pack(">16sQ", bytes.fromhex(token.act), token.expires_at))


def read_undo(keys: Keys, text: str, now: dt.datetime) -> UndoToken:
    act, expires_at = struct.unpack(">16sQ", _payload(keys, "undo", text, 24))
    if expires_at < now.timestamp():
        raise SoonishError(Code.NOT_FOUND, "Undo works for a day.", hint="Subscribe again on the event's page.")
    return UndoToken(act.hex(), expires_at)


def new_invitation_token() -> str:
    """For a link that anybody may pass on."""
    return secrets.token_urlsafe(24)


def form_invitation_token(keys: Keys, form: str) -> str:
    """The same, made again when the same form is sent again: the answer to the first is stored nowhere."""
    return keys.digest("invitation_form", form)


def invitation_token(keys: Keys, invitation_id: int) -> str:
    """For a mailed invitation: made again whenever the mail is written, and stored nowhere in clear."""
    return keys.sign("invitation", struct.pack(">Q", invitation_id))


def link_token(keys: Keys, token: LinkToken) -> str:
    return keys.sign("link", struct.pack(">BQQ", _PURPOSES[token.purpose], token.token_id, token.asked_at))


def read_link(keys: Keys, text: str, now: dt.datetime) -> LinkToken:
    """Raises SoonishError for a forged, truncated or expired link. Which browser asked is for the row to say."""
    number, token_id, asked_at = struct.unpack(">BQQ", _payload(keys, "link", text, 17))
    purpose = _PURPOSE_NAMES[number]
    if dt.datetime.fromtimestamp(asked_at, UTC) + LINK_LIFETIMES[purpose] < now:
        where = "your account's page" if purpose == "change_email" else "the page “Sign in”"
        raise SoonishError(
            Code.NOT_FOUND,
            f"This link is older than {_LIFETIME_WORDS[purpose]}.",
            hint=f"Ask for a fresh one on {where}.",
        )
    return LinkToken(purpose, token_id, asked_at)


def browser_token(keys: Keys) -> str:
    """What a browser that asks for a link keeps, so that the link knows it again."""
    return keys.sign("browser", secrets.token_bytes(16))


def browser_hash(keys: Keys, text: str | None) -> str | None:
    """What is stored of it; None when it is not one of ours."""
    payload = keys.verify("browser", text) if text and len(text) <= 200 else None
    return keys.digest("browser", payload.hex()) if payload is not None and len(payload) == 16 else None


Errand = Literal["sign_in", "link", "install"]


@dataclass(frozen=True, slots=True)
class OAuthState:
    """What travels to a chat platform and back: which one, for what, since when, and for which browser."""

    platform: Literal["discord", "slack"]
    purpose: Errand
    asked_at: int
    """Seconds since the epoch."""
    browser: str
    """Keyed hash of what the browser keeps in a cookie."""


_PLATFORMS: tuple[Literal["discord", "slack"], ...] = ("discord", "slack")
_ERRANDS: tuple[Errand, ...] = ("sign_in", "link", "install")


def oauth_state(keys: Keys, state: OAuthState) -> str:
    """Never the same twice, so that it can be used up."""
    numbers = (_PLATFORMS.index(state.platform), _ERRANDS.index(state.purpose), state.asked_at)
    return keys.sign("oauth", struct.pack(">BBQ16s8s", *numbers, bytes.fromhex(state.browser), secrets.token_bytes(8)))


def read_oauth(keys: Keys, text: str, now: dt.datetime) -> OAuthState:
    """Raises SoonishError for a state that is forged, truncated or too old. Whose it is, is for the caller to ask."""
    platform, errand, asked_at, browser, _ = struct.unpack(">BBQ16s8s", _payload(keys, "oauth", text, 34))
    if dt.datetime.fromtimestamp(asked_at, UTC) + OAUTH_LIFETIME < now:
        raise SoonishError(
            Code.NOT_FOUND, "That took longer than ten minutes.", hint="Start again on the page “Sign in”."
        )
    return OAuthState(_PLATFORMS[platform], _ERRANDS[errand], asked_at, browser.hex())


def new_linking_token() -> str:
    """For the link that joins a chat identity to the account that confirms it."""
    return secrets.token_urlsafe(24)


def new_session_token() -> str:
    return secrets.token_urlsafe(32)


def new_api_token() -> str:
    return API_PREFIX + secrets.token_urlsafe(32)


def token_hash(text: str) -> str:
    """What is stored of a random token. Plain SHA-256 suffices: the token has 256 random bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _payload(keys: Keys, purpose: str, text: str, length: int) -> bytes:
    payload = keys.verify(purpose, text) if len(text) <= 200 else None
    if payload is None or len(payload) != length:
        raise SoonishError(
            Code.NOT_FOUND,
            "This link is not one of ours, or a part of it is missing.",
            hint="Open it from the message again, or copy the whole address.",
        )
    return payload

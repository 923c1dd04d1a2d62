"""Keys: what is stored is sealed, what is looked up is hashed, what is mailed is signed.

Sealing uses ENCRYPTION_KEYS (rotating); hashes and signatures use keys derived from SECRET_KEY, so that rotating
the former breaks neither look-ups nor old mail.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.settings import Settings

_NONCE = 12
_KEY_ID = 4
_SIGNATURE = 16


class KeyMissingError(Exception):
    """Something stored was sealed with a key that is not in ENCRYPTION_KEYS."""


class Keys:
    """The keys of one installation. Cheap to call: a seal or a look-up hash takes microseconds."""

    def __init__(self, secret_key: str, encryption_keys: list[str]) -> None:
        if not encryption_keys:
            raise ValueError("ENCRYPTION_KEYS needs at least one key")
        self._secret = secret_key.encode()
        self._derived: dict[str, bytes] = {}
        self._ciphers: dict[bytes, AESGCM] = {}
        for text in encryption_keys:
            key = hashlib.sha256(b"soonish seal\0" + text.encode()).digest()
            self._ciphers[hashlib.sha256(key).digest()[:_KEY_ID]] = AESGCM(key)
        self._newest = next(iter(self._ciphers))

    def seal(self, text: str) -> bytes:
        """Ciphertext that names its key: key id, nonce, AES-256-GCM."""
        nonce = os.urandom(_NONCE)
        return self._newest + nonce + self._ciphers[self._newest].encrypt(nonce, text.encode(), self._newest)

    def open(self, sealed: bytes) -> str:
        """Undo `seal`. Raises KeyMissingError when its key is gone or the bytes were changed."""
        key_id, nonce, body = sealed[:_KEY_ID], sealed[_KEY_ID : _KEY_ID + _NONCE], sealed[_KEY_ID + _NONCE :]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise KeyMissingError(f"no key {key_id.hex()} in ENCRYPTION_KEYS")
        try:
            return cipher.decrypt(nonce, body, key_id).decode()
        except InvalidTag as error:
            raise KeyMissingError("stored data does not match its key") from error

    def opened(self, sealed: bytes) -> str | None:
        """As `open`, with None for what cannot be opened."""
        try:
            return self.open(sealed)
        except KeyMissingError:
            return None

    def current(self, sealed: bytes) -> bool:
        """Whether it was sealed with the newest key (else `soonish keys rotate` seals it again)."""
        return sealed[:_KEY_ID] == self._newest

    def knows(self, key_id: bytes) -> bool:
        return key_id in self._ciphers

    def digest(self, purpose: str, value: str) -> str:
        """A keyed hash (hex, 32 characters): equal values look equal, and nothing else can be read from it."""
        return self._mac(purpose, value.encode()).hex()

    def sign(self, purpose: str, payload: bytes) -> str:
        """URL-safe text that carries `payload` in clear and a 128-bit signature."""
        return _b64(payload + self._mac(purpose, payload))

    def verify(self, purpose: str, token: str) -> bytes | None:
        """The payload of a token that `sign` made for the same purpose, else None."""
        raw = _unb64(token)
        if raw is None or len(raw) <= _SIGNATURE:
            return None
        payload, signature = raw[:-_SIGNATURE], raw[-_SIGNATURE:]
        return payload if hmac.compare_digest(signature, self._mac(purpose, payload)) else None

    def _mac(self, purpose: str, payload: bytes) -> bytes:
        """BLAKE2b's keyed mode: as strong as HMAC here and twenty times quicker, once for each delivery."""
        key = self._derived.get(purpose)
        if key is None:
            key = self._derived[purpose] = hmac.digest(self._secret, b"soonish " + purpose.encode(), "sha256")
        return hashlib.blake2b(payload, key=key, digest_size=_SIGNATURE).digest()


def key_id_of(sealed: bytes) -> bytes:
    return sealed[:_KEY_ID]


def load_keys(settings: Settings) -> Keys:
    """From the settings; in development missing ones are generated once into the data folder."""
    if settings.secret_key is not None and settings.encryption_keys:
        return Keys(
            settings.secret_key.get_secret_value(), [key.get_secret_value() for key in settings.encryption_keys]
        )
    stored = _development_secrets(settings.soonish_data)
    secret = settings.secret_key.get_secret_value() if settings.secret_key else stored["secret_key"]
    encryption = [key.get_secret_value() for key in settings.encryption_keys] or [stored["encryption_key"]]
    return Keys(secret, encryption)


def _development_secrets(folder: Path) -> dict[str, str]:
    path = folder / "secrets.json"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = {"secret_key": secrets.token_urlsafe(48), "encryption_key": secrets.token_urlsafe(48)}
    # Several processes may start at once: the file is written whole under another name, and the first link wins.
    temporary = folder / f".secrets.{os.getpid()}.{secrets.token_hex(4)}"
    if not path.exists():
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(fresh, file)
        try:
            os.link(temporary, path)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    loaded: dict[str, str] = json.loads(path.read_text())
    return loaded


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes | None:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None
    # Only the canonical spelling counts, so that a token has one form.
    return raw if _b64(raw) == text else None

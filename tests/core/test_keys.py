"""Sealing, look-up hashes and signatures."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.keys import KeyMissingError, Keys, load_keys
from core.settings import Settings

KEYS = Keys("s" * 32, ["e" * 32])


@given(st.text())
def test_what_is_sealed_opens_again_and_never_looks_the_same_twice(text: str) -> None:
    sealed = KEYS.seal(text)
    assert KEYS.open(sealed) == text
    assert KEYS.seal(text) != sealed


@given(st.text(max_size=40), st.data())
def test_any_flipped_bit_of_a_seal_is_noticed(text: str, data: st.DataObject) -> None:
    sealed = bytearray(KEYS.seal(text))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(KeyMissingError):
        KEYS.open(bytes(sealed))


@given(st.binary(max_size=60))
def test_bytes_that_were_never_sealed_do_not_open(raw: bytes) -> None:
    with pytest.raises(KeyMissingError):
        KEYS.open(raw)


def test_old_seals_open_while_their_key_is_listed_and_new_ones_use_the_first() -> None:
    old = KEYS.seal("json://x")
    rotated = Keys("s" * 32, ["new" * 12, "e" * 32])
    assert rotated.open(old) == "json://x"
    assert not rotated.current(old)
    assert rotated.current(rotated.seal("json://x"))
    with pytest.raises(KeyMissingError):
        Keys("s" * 32, ["new" * 12]).open(old)


@given(st.text(), st.text())
def test_hashes_are_equal_for_equal_values_of_one_purpose_and_installation(one: str, other: str) -> None:
    assert (KEYS.digest("destination", one) == KEYS.digest("destination", other)) is (one == other)
    assert KEYS.digest("destination", one) != KEYS.digest("bucket", one)
    assert KEYS.digest("destination", one) != Keys("t" * 32, ["e" * 32]).digest("destination", one)
    assert KEYS.digest("destination", one) == Keys("s" * 32, ["f" * 32]).digest("destination", one)


@given(st.binary(min_size=1, max_size=60))
def test_a_signature_holds_for_its_payload_and_purpose(payload: bytes) -> None:
    token = KEYS.sign("undo", payload)
    assert KEYS.verify("undo", token) == payload
    assert KEYS.verify("confirm", token) is None


@given(st.text(max_size=120))
def test_text_that_was_not_signed_has_no_payload(text: str) -> None:
    assert KEYS.verify("undo", text) is None


def _secret_of(folder: Path) -> str:
    return load_keys(Settings(_env_file=None, soonish_data=folder)).digest("x", "y")


def test_those_who_start_at_once_agree_on_generated_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(_secret_of, [tmp_path] * 16))
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_production_without_secrets_does_not_start_and_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "ENCRYPTION_KEYS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ValueError, match="production needs SECRET_KEY, ENCRYPTION_KEYS"):
        Settings(_env_file=None, soonish_env="production")

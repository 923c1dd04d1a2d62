"""Signed links: what was signed is read back, anything else is refused."""

import base64
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Code, SoonishError
from core.keys import Keys
from core.tokens import (
    CONFIRM_LIFETIME,
    UNDO_LIFETIME,
    ConfirmToken,
    UndoToken,
    UnsubscribeToken,
    confirm_token,
    new_api_token,
    new_public_id,
    read_confirm,
    read_undo,
    read_unsubscribe,
    token_hash,
    undo_token,
    unsubscribe_token,
)

KEYS = Keys("s" * 32, ["e" * 32])
NOW = dt.datetime(2026, 11, 27, 18, 0, tzinfo=dt.UTC)
ids = st.integers(0, 2**63 - 1)


@given(ids, ids)
def test_an_unsubscribe_link_names_what_it_was_made_for(event_id: int, integration_id: int) -> None:
    token = UnsubscribeToken(event_id, integration_id)
    assert read_unsubscribe(KEYS, unsubscribe_token(KEYS, token)) == token


@given(st.sampled_from(["subscription", "integration"]), ids, st.integers(0, 3600))
def test_a_confirm_link_names_what_it_was_made_for(kind: str, subject: int, age: int) -> None:
    token = ConfirmToken(kind, subject, int(NOW.timestamp()) - age)
    assert read_confirm(KEYS, confirm_token(KEYS, token), NOW) == token


@given(st.binary(min_size=16, max_size=16))
def test_an_undo_link_names_the_act_it_undoes(act: bytes) -> None:
    token = UndoToken(act.hex(), int((NOW + UNDO_LIFETIME).timestamp()))
    assert read_undo(KEYS, undo_token(KEYS, token), NOW) == token


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    text = unsubscribe_token(KEYS, UnsubscribeToken(7, 9))
    raw = bytearray(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SoonishError) as refused:
        read_unsubscribe(KEYS, base64.urlsafe_b64encode(raw).rstrip(b"=").decode())
    assert refused.value.code is Code.NOT_FOUND


@given(st.text(max_size=300))
def test_any_other_text_is_refused(text: str) -> None:
    for read in (
        lambda: read_unsubscribe(KEYS, text),
        lambda: read_confirm(KEYS, text, NOW),
        lambda: read_undo(KEYS, text, NOW),
    ):
        with pytest.raises(SoonishError):
            read()


def test_a_truncated_or_padded_link_is_refused() -> None:
    text = unsubscribe_token(KEYS, UnsubscribeToken(7, 9))
    for wrong in (*(text[:length] for length in range(len(text))), f"{text}A", f"{text}=", f"{text}\n", f" {text}"):
        with pytest.raises(SoonishError):
            read_unsubscribe(KEYS, wrong)


def test_a_link_works_for_its_own_purpose_and_installation_only() -> None:
    text = undo_token(KEYS, UndoToken("00" * 16, int(NOW.timestamp()) + 60))
    for read in (
        lambda: read_unsubscribe(KEYS, text),
        lambda: read_confirm(KEYS, text, NOW),
        lambda: read_undo(Keys("t" * 32, ["e" * 32]), text, NOW),
    ):
        with pytest.raises(SoonishError):
            read()


def test_links_survive_a_rotation_of_the_encryption_keys() -> None:
    text = unsubscribe_token(KEYS, UnsubscribeToken(7, 9))
    assert read_unsubscribe(Keys("s" * 32, ["new" * 12, "e" * 32]), text) == UnsubscribeToken(7, 9)


def test_a_confirm_link_works_for_seven_days_and_an_undo_link_for_one() -> None:
    second = dt.timedelta(seconds=1)
    confirm = confirm_token(KEYS, ConfirmToken("subscription", 1, int(NOW.timestamp())))
    read_confirm(KEYS, confirm, NOW + CONFIRM_LIFETIME)
    with pytest.raises(SoonishError, match="seven days"):
        read_confirm(KEYS, confirm, NOW + CONFIRM_LIFETIME + second)
    undo = undo_token(KEYS, UndoToken("00" * 16, int((NOW + UNDO_LIFETIME).timestamp())))
    read_undo(KEYS, undo, NOW + UNDO_LIFETIME)
    with pytest.raises(SoonishError, match="for a day"):
        read_undo(KEYS, undo, NOW + UNDO_LIFETIME + second)


def test_random_names_and_tokens_do_not_repeat_and_only_a_hash_is_kept() -> None:
    assert len({new_public_id() for _ in range(1000)}) == 1000
    assert all(len(new_public_id()) == 10 and new_public_id().isalnum() for _ in range(100))
    token = new_api_token()
    assert token not in token_hash(token)
    assert len({token_hash(new_api_token()) for _ in range(100)}) == 100

"""What people may type, and how much of an address others see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from core.text import Block, Line, MessageBody, Name, mask_address

NAME, LINE, BLOCK, BODY = (TypeAdapter[str](kind) for kind in (Name, Line, Block, MessageBody))


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "a\nb", "a\rb", "a\x00b", "a\u2028b", "a\u202eb", "x" * 201])
def test_a_name_is_one_readable_line(text: str) -> None:
    with pytest.raises(ValidationError):
        NAME.validate_python(text)


@pytest.mark.parametrize("text", ["Launch party", "🎉", "Фестиваль", "夏祭り", "x" * 200, "  padded  ", "<script>"])
def test_a_name_may_be_in_any_script(text: str) -> None:
    assert NAME.validate_python(text) == text.strip()


def test_what_looks_equal_is_equal() -> None:
    assert NAME.validate_python("Cafe\u0301") == NAME.validate_python("Café")


def test_a_description_holds_ten_thousand_characters_and_line_breaks_of_one_kind() -> None:
    assert BLOCK.validate_python("x" * 10_000)
    assert BLOCK.validate_python("a\r\nb\rc\nd\te") == "a\nb\nc\nd\te"
    for wrong in ("x" * 10_001, "a\x00", "a\u202eb"):
        with pytest.raises(ValidationError):
            BLOCK.validate_python(wrong)


def test_a_message_says_something_in_at_most_four_thousand_characters() -> None:
    assert BODY.validate_python("x" * 4_000)
    for wrong in ("", " \n ", "x" * 4_001):
        with pytest.raises(ValidationError):
            BODY.validate_python(wrong)


@given(st.text(max_size=60) | st.text("ab \r\n\u2066\u2068\u2069", max_size=12))
def test_whatever_is_accepted_once_is_accepted_unchanged_again(text: str) -> None:
    for kind in (NAME, LINE, BLOCK, BODY):
        try:
            cleaned = kind.validate_python(text)
        except ValidationError:
            continue
        assert kind.validate_python(cleaned) == cleaned
        assert "\r" not in cleaned
        assert "\x02" not in cleaned


@given(st.text(st.characters(categories=["L", "N"]), min_size=3, max_size=64))
def test_a_masked_address_shows_two_characters_and_the_domain(local: str) -> None:
    masked = mask_address(f"{local}@example.org")
    assert masked == f"{local[0]}•••{local[-1]}@example.org"


def test_a_short_address_shows_its_first_character_only() -> None:
    assert [mask_address(f"{local}@x.org") for local in ("a", "ab")] == ["a•••@x.org", "a•••@x.org"]


def test_marks_around_a_pasted_number_are_kept_in_pairs_and_others_are_dropped() -> None:
    pasted = "اتصل \u2068+49 30 123\u2069 الآن"
    for kind in (NAME, LINE, BLOCK, BODY):
        assert kind.validate_python(pasted) == pasted
        assert kind.validate_python("a \u2067b") == "a b"
        assert kind.validate_python("a\u2069 \u2066b") == "a b"
    assert BODY.validate_python("a \u2067b\nc \u2069d\n\u2068e\u2069") == "a b\nc d\n\u2068e\u2069"

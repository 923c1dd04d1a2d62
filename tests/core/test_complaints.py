"""Rules that were broken, in words that fit what was given."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, SecretStr, TypeAdapter, ValidationError

from core.complaints import complaint


class _Password(BaseModel):
    password: Annotated[SecretStr, Field(min_length=10, max_length=20)]


class _People(BaseModel):
    ids: Annotated[list[int], Field(min_length=1, max_length=2)]


class _Link(BaseModel):
    kind: Literal["link"]


class _Room(BaseModel):
    kind: Literal["room"]


class _Either(BaseModel):
    way: Annotated[_Link | _Room, Field(discriminator="kind")]


@pytest.mark.parametrize(
    ("model", "given", "words"),
    [
        (_Password, {"password": "short"}, "At least 10 characters."),
        (_Password, {"password": "x" * 21}, "At most 20 characters."),
        (_People, {"ids": []}, "At least 1 entry; leave it out to mean all."),
        (_People, {"ids": [1, 2, 3]}, "At most 2 entries."),
        (_Either, {"way": {"kind": "telepathy"}}, "'kind' must be one of 'link', 'room'."),
        (_Either, {"way": {}}, "'kind' is required."),
    ],
)
def test_a_complaint_says_the_rule_and_not_what_was_given(model: type[BaseModel], given: object, words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(model).validate_python(given)
    (found,) = refused.value.errors()
    assert complaint(found) == words

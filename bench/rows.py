"""What a measure answers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    value: float
    unit: str
    must_be_zero: bool = False

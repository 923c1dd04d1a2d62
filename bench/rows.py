"""What a measure answers."""

import statistics
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    value: float
    unit: str
    must_be_zero: bool = False


def spread(what: str, took: list[float]) -> list[Row]:
    """Of milliseconds."""
    ordered = sorted(took)
    return [
        Row(f"{what}, p50", statistics.median(ordered), "ms"),
        Row(f"{what}, p95", ordered[int(len(ordered) * 0.95)], "ms"),
    ]

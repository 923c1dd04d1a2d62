"""Reading a time: what is understood is exact, and what is not is asked."""

import datetime as dt

import pytest

from core.errors import SoonishError
from core.when import read, say

NOW = dt.datetime.fromisoformat("2026-11-23T15:30:00+01:00")
ZONE = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fri 7pm", "Fri 27 Nov 2026, 19:00 · Europe/Berlin · in 4 days"),
        ("tommorow at 19", "Tue 24 Nov 2026, 19:00 · Europe/Berlin · in 28 hours"),
        ("in 2 hours", "Mon 23 Nov 2026, 17:30 · Europe/Berlin · in 2 hours"),
        ("27.11.2026 um 19:30 Uhr", "Fri 27 Nov 2026, 19:30 · Europe/Berlin · in 4 days"),
        ("tomorrow 7pm PST", "Wed 25 Nov 2026, 04:00 · Europe/Berlin · in 36 hours"),
        ("mon 3pm", "Mon 30 Nov 2026, 15:00 · Europe/Berlin · in 7 days"),
    ],
)
def test_what_people_type_is_read_and_read_back(text: str, said: str) -> None:
    (instant,) = read(text, NOW, ZONE)
    assert say(instant, NOW, ZONE) == said
    assert read(said, NOW, ZONE) == [instant]


@pytest.mark.parametrize("text", ["at 7", "friday at 7", "11/12 7pm", "31 Oct 2027 02:30"])
def test_what_can_mean_two_things_offers_both(text: str) -> None:
    assert len(read(text, NOW, ZONE)) == 2


@pytest.mark.parametrize(
    "text",
    ["", "friday", "friday 7", "yesterday 5pm", "today 3pm", "every friday 7pm", "7-9pm", "fri 7pm please", "9pm cst",
     "28 mar 2027 02:30", "thu 27 nov 7pm", "2040-01-01 10:00", "friday midnight", "x" * 10_000],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(SoonishError) as refused:
        read(text, NOW, ZONE)
    assert refused.value.hint

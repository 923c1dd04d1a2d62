"""`soonish when`, and events made with words."""

import datetime as dt
import json

from tests.cli.conftest import ALICE, Terminal

MOMENT = ("--now", "2026-11-23T15:30:00+01:00", "--zone", "Europe/Berlin")
FRIDAY = "Fri 27 Nov 2026, 19:00 · Europe/Berlin · in 4 days"


def test_a_reading_is_one_line_for_people_and_one_document_for_programs(terminal: Terminal) -> None:
    assert terminal.ok("when", *MOMENT, "fri 7pm") == f"{FRIDAY}\n"
    assert terminal.json("when", *MOMENT, "fri 7pm") == {
        "text": "fri 7pm",
        "readings": ["2026-11-27T18:00:00Z"],
        "say": [FRIDAY],
    }


def test_a_refusal_says_what_to_type_and_is_an_answer_to_a_program(terminal: Terminal) -> None:
    refused = terminal.run("when", *MOMENT, "fri")
    assert refused.exit_code == 1
    assert refused.stderr == 'What time of day?\nAdd a time, like "fri 7pm".\n'
    answer = terminal.json("when", *MOMENT, "fri")
    assert answer == {
        "text": "fri",
        "readings": [],
        "error": "What time of day?",
        "hint": 'Add a time, like "fri 7pm".',
    }


def test_a_locale_settles_the_order_of_day_and_month(terminal: Terminal) -> None:
    def readings(*locale: str) -> list[str]:
        found: list[str] = terminal.json("when", *MOMENT, *locale, "11/12 7pm")["readings"]
        return found

    british, american = ["2026-12-11T18:00:00Z"], ["2027-11-12T18:00:00Z"]
    assert readings("--locale", "en-GB") == british
    assert readings("--locale", "en-US") == american
    assert readings() == british + american


def test_every_line_of_the_input_gets_one_line_of_answer(terminal: Terminal) -> None:
    lines = ["fri 7pm", "", "at 7", "nonsense", "x" * 10_000, "tomorrow\u2028 7pm"]
    answers = terminal.ok("when", *MOMENT, "-", stdin="\n".join(lines)).splitlines()
    documents = [json.loads(line) for line in answers]
    assert [document["text"] for document in documents] == lines
    assert [len(document["readings"]) for document in documents] == [1, 0, 2, 0, 0, 1]


def test_bytes_that_are_no_text_are_refused_as_a_phrase(terminal: Terminal) -> None:
    process = terminal.process("when", *MOMENT, "--json", "\udcff\udcfe 7pm")
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["readings"] == []


def test_an_unknown_zone_or_moment_is_refused_before_any_phrase(terminal: Terminal) -> None:
    assert "zone" in terminal.refusal("when", "--zone", "Mars/Base", "fri 7pm")["error"]
    assert "--now" in terminal.refusal("when", "--now", "2026-11-23 15:30", "fri 7pm")["error"]


def test_an_event_starts_when_the_words_say(terminal: Terminal) -> None:
    terminal.people()
    made = terminal.json(
        "event", "create", "--as", ALICE, "--name", "Quiz", "--when", "in 2 weeks at 7pm", "--timezone", "Asia/Tokyo"
    )
    assert dt.datetime.fromisoformat(made["start_date"]).time() == dt.time(10, 0)
    moved = terminal.json("event", "edit", made["id"], "--when", "in 3 weeks at 8pm", "--as", ALICE)
    assert dt.datetime.fromisoformat(moved["start_date"]).time() == dt.time(11, 0)


def test_an_event_wants_one_start(terminal: Terminal) -> None:
    terminal.people()
    create = ("event", "create", "--as", ALICE, "--name", "Quiz")
    for starts in ((), ("--when", "fri 7pm", "--start", "2030-05-01T19:00:00Z")):
        assert "--when" in terminal.refusal(*create, *starts)["hint"]
    assert terminal.refusal(*create, "--when", "friday at 7")["hint"].count(" · UTC") == 2
    assert terminal.rows("SELECT id FROM events") == []

"""The terminal as people type at it: every command works, says what it did, and says what to do when it refuses."""

import datetime as dt
import json
import time

import pytest

from tests.cli.conftest import ALICE, BOB, CAROL, Terminal


@pytest.fixture(autouse=True)
def _people(terminal: Terminal) -> None:
    terminal.people()


def test_an_organizer_creates_shows_edits_and_cancels_an_event(terminal: Terminal) -> None:
    event = terminal.event("--where", "Café Central", "--timezone", "Europe/Berlin")
    assert "Café Central" in terminal.ok("event", "show", event, "--as", ALICE)
    edited = terminal.json("event", "edit", event, "--where", "Library", "--notify", "no", "--as", ALICE)
    assert (edited["location"], edited["revision"]) == ("Library", 2)
    assert event in terminal.ok("event", "list", "--upcoming", "--as", ALICE)
    cancelled = terminal.json("event", "cancel", event, "--reason", "Rain", "--yes", "--as", ALICE)
    assert (cancelled["status"], cancelled["cancel_reason"]) == ("cancelled", "Rain")


def test_an_end_can_be_set_and_taken_back(terminal: Terminal) -> None:
    event = terminal.event()
    start = terminal.json("event", "show", event, "--as", ALICE)["start_date"]
    refused = terminal.refusal("event", "edit", event, "--end", start, "--as", ALICE)
    assert refused["field"] == "end_date"
    end = (dt.datetime.fromisoformat(start) + dt.timedelta(hours=2)).isoformat()
    assert terminal.json("event", "edit", event, "--end", end, "--as", ALICE)["end_date"]
    assert terminal.json("event", "edit", event, "--end", "", "--as", ALICE)["end_date"] is None


def test_somebody_follows_an_event_by_channel_and_anybody_by_address(terminal: Terminal) -> None:
    event = terminal.event()
    followed = terminal.json("subscribe", event, "--as", BOB)
    assert [row["state"] for row in followed["subscriptions"]] == ["active"]
    assert terminal.json("subscribe", event, "--tag", "email", "--as", BOB)["created"] is False
    assert terminal.json("subscribe", event, "--email", "nora@example.org") == {"status": "check_inbox"}
    states = terminal.rows("SELECT state FROM subscriptions ORDER BY id")
    assert states == [("active",), ("unconfirmed",)]
    assert terminal.json("event", "list", "subscribed", "--as", BOB)["items"][0]["id"] == event


def test_a_message_is_accepted_reported_and_retried(terminal: Terminal) -> None:
    event = terminal.event()
    terminal.ok("subscribe", event, "--as", BOB)
    sent = terminal.json("notify", event, "--title", "Hello", "--body", "-", "--as", ALICE, stdin="Bring chairs\n")
    assert sent["recipients"] == 1
    message = str(sent["id"])
    assert terminal.json("report", message, "--as", ALICE)["waiting"] == 1
    terminal.rows("UPDATE deliveries SET status='dead', reason='The server is gone.'")
    shown = terminal.ok("report", message, "--as", ALICE)
    assert "The server is gone." in shown
    assert f"soonish retry {message}" in shown
    assert terminal.json("retry", message, "--as", ALICE) == {"retried": 1}


def test_one_failure_among_many_is_what_a_report_shows(terminal: Terminal) -> None:
    event = terminal.event()
    for who in (BOB, CAROL, ALICE):
        terminal.ok("subscribe", event, "--as", who)
    message = str(terminal.json("notify", event, "--title", "Hello", "--body", "x", "--as", ALICE)["id"])
    terminal.rows("UPDATE deliveries SET status='delivered'")
    terminal.rows("UPDATE deliveries SET status='dead', reason='Gone.' WHERE id=(SELECT max(id) FROM deliveries)")
    shown = terminal.ok("report", message, "--as", ALICE, "--limit", "2")
    assert (shown.count("Gone."), shown.count("delivered")) == (1, 1)
    assert f"The others: soonish report {message} --only delivered" in shown
    others = terminal.ok("report", message, "--as", ALICE, "--only", "delivered", "--limit", "1")
    assert f"More: soonish report {message} --only delivered --cursor " in others
    assert len(terminal.json("report", message, "--as", ALICE, "--only", "failed")["results"]) == 1
    assert terminal.ok("report", message, "--as", ALICE).splitlines()[-3].split()[-1] != "Gone."


def test_a_message_to_chosen_subscriptions_reaches_them_alone(terminal: Terminal) -> None:
    event = terminal.event()
    first, _ = (terminal.json("subscribe", event, "--as", who)["subscriptions"][0]["id"] for who in (BOB, CAROL))
    sent = terminal.json("notify", event, "--title", "Hi", "--body", "You", "--to", str(first), "--as", ALICE)
    assert sent["recipients"] == 1


def test_waiting_for_a_report_that_never_completes_ends_and_says_so(terminal: Terminal) -> None:
    event = terminal.event()
    terminal.ok("subscribe", event, "--as", BOB)
    args = ("notify", event, "--title", "Hi", "--body", "You", "--as", ALICE, "--wait", "--timeout", "0.1")
    result = terminal.run(*args, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["waiting"] == 1
    assert "soonish doctor" in terminal.run(*args).stdout


@pytest.mark.parametrize(
    "command",
    [
        ("event", "edit", "EVENT", "--name", "Mine now"),
        ("event", "cancel", "EVENT", "--yes"),
        ("notify", "EVENT", "--title", "Hi", "--body", "All"),
        ("report", "1"),
        ("retry", "1"),
        ("channel", "off", "1"),
        ("channel", "remove", "1", "--yes"),
        ("channel", "test", "1"),
        ("subscribe", "EVENT", "--integration", "1"),
    ],
)
def test_a_stranger_is_refused(terminal: Terminal, command: tuple[str, ...]) -> None:
    event = terminal.event()
    terminal.ok("notify", event, "--title", "Hi", "--body", "All", "--as", ALICE)
    before = terminal.rows("SELECT name, status, revision FROM events")
    refused = terminal.refusal(*(event if part == "EVENT" else part for part in command), "--as", CAROL)
    assert refused["error"] in (
        "Only the organizer may do this.",
        "There is no such message.",
        "There is no such channel.",
    )
    assert terminal.rows("SELECT name, status, revision FROM events") == before


def test_a_private_event_does_not_exist_for_a_stranger(terminal: Terminal) -> None:
    event = terminal.event("--private")
    assert terminal.refusal("event", "show", event, "--as", CAROL)["error"] == "There is no such event."
    assert terminal.refusal("subscribe", event, "--email", "nora@example.org")["error"] == "There is no such event."


def test_who_acts_is_asked_when_there_are_several_accounts(terminal: Terminal) -> None:
    assert "SOONISH_AS" in terminal.refusal("event", "list")["hint"]
    assert terminal.json("event", "list", env={"SOONISH_AS": BOB})["items"] == []
    unknown = terminal.refusal("event", "list", "--as", "nobody@example.org")
    assert "nobody@example.org" not in unknown["error"]
    assert "token create" in unknown["hint"]


def test_a_time_without_a_zone_says_what_to_type(terminal: Terminal) -> None:
    args = ("event", "create", "--name", "Games", "--start", "2027-05-01T19:00:00", "--as", ALICE)
    refused = terminal.refusal(*args)
    assert refused["field"] == "start_date"
    assert "add an offset like +02:00" in refused["error"]
    plain = terminal.run(*args)
    assert plain.stdout == ""
    assert plain.stderr.startswith("--start: ")


def test_several_complaints_come_at_once(terminal: Terminal) -> None:
    refused = terminal.refusal("event", "create", "--name", "", "--start", "noon", "--as", ALICE)
    assert "--name: " in refused["error"]
    assert "--start: " in refused["error"]


def test_what_is_typed_wrong_exits_with_two(terminal: Terminal) -> None:
    assert "EVENT" in terminal.refusal("event", "show", code=2)["error"]
    assert terminal.refusal("event", "shwo", "x", code=2)["hint"]
    result = terminal.run("event", "list", "--nonsense")
    assert result.exit_code == 2
    assert "--nonsense" in result.stderr


def test_nothing_to_change_is_said(terminal: Terminal) -> None:
    assert "--start" in terminal.refusal("event", "edit", terminal.event(), "--as", ALICE)["hint"]


def test_what_cannot_be_taken_back_wants_a_yes(terminal: Terminal) -> None:
    event = terminal.event()
    assert terminal.refusal("event", "cancel", event, "--as", ALICE)["hint"] == "Add --yes."
    assert terminal.rows("SELECT status FROM events") == [("scheduled",)]


def test_a_channels_url_is_read_from_standard_input_and_never_shown(terminal: Terminal) -> None:
    secret = "json://user:hunter2@127.0.0.1:9/hook"
    refused = terminal.refusal("channel", "add", "--name", "Hook", "--as", BOB, stdin=f"{secret}\n")
    assert "public internet" in refused["error"]
    assert "hunter2" not in str(refused)
    shown = terminal.run("channel", "add", "--name", "x", "--as", BOB, stdin="json://hunter2" + "x" * 3000)
    assert "hunter2" not in shown.output


def test_channels_are_added_listed_switched_and_removed(terminal: Terminal) -> None:
    added = terminal.json("channel", "add", "--name", "Other", "--as", BOB, stdin="mailto://bob2@example.org\n")
    assert (added["confirmed"], added["is_active"]) == (False, False)
    listed = terminal.json("channel", "list", "--as", BOB)["items"]
    assert [each["name"] for each in listed] == ["Other", "E-mail"]
    mail = str(listed[1]["id"])
    assert terminal.json("channel", "off", mail, "--as", BOB)["is_active"] is False
    assert terminal.json("channel", "on", mail, "--as", BOB)["is_active"] is True
    assert "confirm" in terminal.refusal("channel", "on", str(added["id"]), "--as", BOB)["error"]
    removed = terminal.json("channel", "remove", str(added["id"]), "--yes", "--as", BOB)
    assert removed == {"ended_subscriptions": 0}


def test_a_test_that_does_not_arrive_exits_with_one(terminal: Terminal) -> None:
    number = str(terminal.json("channel", "list", "--as", BOB)["items"][0]["id"])
    result = terminal.run("channel", "test", number, "--as", BOB, "--json", env={"SMTP_PORT": "9"})
    assert result.exit_code == 1
    assert json.loads(result.stdout)["delivered"] is False


def test_a_token_is_made_for_a_new_account_and_for_a_known_one(terminal: Terminal) -> None:
    made = terminal.json("token", "create", "--email", "Dora@Example.org", "--name", "Dora", "--timezone", "Asia/Tokyo")
    again = terminal.json("token", "create", "--email", "dora@example.org")
    assert made["token"] != again["token"]
    assert made["user_id"] == again["user_id"]
    stored = terminal.rows("SELECT display_name, timezone FROM users WHERE email='dora@example.org'")
    assert stored == [("Dora", "Asia/Tokyo")]
    assert not terminal.rows("SELECT 1 FROM tokens WHERE token_hash=?", made["token"])


def test_tokens_are_listed_without_being_shown_and_taken_back(terminal: Terminal) -> None:
    made = terminal.json("token", "create", "--email", "dora@example.org")
    (listed,) = terminal.json("token", "list", "--email", "dora@example.org")["items"]
    assert made["token"] not in terminal.ok("token", "list", "--email", "dora@example.org")
    assert terminal.json("token", "revoke", str(listed["id"])) == {"revoked": listed["id"]}
    assert terminal.json("token", "list", "--email", "dora@example.org") == {"items": []}
    assert terminal.rows("SELECT count(*) FROM audit_log WHERE action='revoke_token'") == [(1,)]


def test_a_token_for_nonsense_is_refused(terminal: Terminal) -> None:
    assert terminal.refusal("token", "create", "--email", "nonsense")["field"] == "email"
    refused = terminal.refusal("token", "create", "--email", "dora@example.org", "--timezone", "Mars/Base")
    assert refused["field"] == "timezone"
    assert not terminal.rows("SELECT 1 FROM users WHERE email='dora@example.org'")


def test_a_bad_setting_is_named_without_its_value(terminal: Terminal) -> None:
    refused = terminal.refusal("event", "list", env={"SECRET_KEY": "hunter2", "SMTP_PORT": "many"})
    assert "SMTP_PORT" in refused["error"]
    assert "hunter2" not in str(refused)
    assert "SECRET_KEY" in terminal.refusal("event", "list", env={"SECRET_KEY": "hunter2"})["error"]


def test_without_tables_it_says_what_to_run(terminal: Terminal) -> None:
    (terminal.data / "soonish.db").unlink()
    refused = terminal.refusal("event", "list", "--as", ALICE)
    assert refused["hint"] == "Run: soonish db upgrade"
    assert terminal.json("db", "upgrade") == {"upgraded": True}
    terminal.ok("token", "create", "--email", ALICE)
    assert terminal.json("event", "list")["items"] == []


def test_what_nobody_expected_shows_its_kind_and_no_words_of_it(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "-".join(("hunter", "2"))

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr("core.events.usecases.list_events", broken)
    refused = terminal.refusal("event", "list", "--as", ALICE)
    assert "RuntimeError" in refused["error"]
    assert "test_commands.py" in refused["hint"]
    assert secret not in str(refused)


def test_a_real_process_prints_one_document_and_leaves_the_error_stream_empty(terminal: Terminal) -> None:
    done = terminal.process("event", "list", "--as", ALICE, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"items": [], "next": None}


def test_the_demo_without_a_running_stack_says_what_to_start(terminal: Terminal) -> None:
    refused = terminal.refusal("demo")
    assert "./dev run" in refused["hint"]


def test_help_answers_at_once(terminal: Terminal) -> None:
    began = time.monotonic()
    assert terminal.process("--help").returncode == 0
    assert time.monotonic() - began < 1.0  # 0.15 s on an idle machine

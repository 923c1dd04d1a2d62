"""What operators do at the terminal."""

from tests.cli.conftest import ALICE, BOB, Terminal


def test_operators_are_named_listed_and_taken_back(terminal: Terminal) -> None:
    terminal.people()
    assert "Nobody but the terminal." in terminal.ok("operator", "list")
    assert BOB in terminal.ok("operator", "add", BOB)
    assert [each["email"] for each in terminal.json("operator", "list")["items"]] == [BOB]
    terminal.ok("operator", "remove", BOB)
    assert terminal.json("operator", "list") == {"items": []}
    assert "no account" in terminal.refusal("operator", "add", "nobody@example.org")["error"]


def test_an_event_is_cancelled_after_a_yes(terminal: Terminal) -> None:
    terminal.people()
    event = terminal.event()
    terminal.refusal("admin", "cancel", event)
    assert terminal.json("admin", "cancel", event, "--reason", "Spam", "--yes")["status"] == "cancelled"
    assert terminal.refusal("admin", "cancel", "3kTMd9aQxZ", "--yes")["error"] == "There is no such event."


def test_people_are_removed_by_a_piped_list_and_let_back(terminal: Terminal) -> None:
    terminal.people()
    event = terminal.event()
    terminal.ok("subscribe", event, "--as", BOB)
    done = terminal.ok("admin", "put-out", event, "--yes", stdin=f"{BOB}\nnobody@example.org\n")
    assert done == "1 removed.\nNot here: n•••y@example.org\n"
    assert terminal.json("subscriptions", event, "--as", ALICE)["items"] == []
    assert terminal.ok("admin", "let-back", event, BOB) == "1 may come back.\n"
    terminal.ok("subscribe", event, "--as", BOB)


def test_the_looks_are_tables_and_documents(terminal: Terminal) -> None:
    terminal.people()
    event = terminal.event()
    terminal.ok("subscribe", event, "--as", BOB)
    assert "E-mail" in terminal.ok("admin", "channels")
    assert "Nothing was given up." in terminal.ok("admin", "dead")
    assert terminal.json("admin", "requeue", "--kind", "message", "--code", "x") == {"requeued": 0, "left": False}
    assert "EVENTS MADE" in terminal.ok("admin", "numbers")
    assert [each["action"] for each in terminal.json("admin", "audit", "--action", "create_event")["items"]] == [
        "create_event"
    ]
    assert "create_event" in terminal.ok("admin", "audit", "--since", "2020-01-01T00:00:00Z", "--limit", "50")


def test_reports_are_listed_and_closed(terminal: Terminal) -> None:
    terminal.people()
    assert "None." in terminal.ok("admin", "reports")
    assert terminal.refusal("admin", "close", "7")["error"] == "There is no such report."

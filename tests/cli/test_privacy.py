"""`soonish account`: everything about an account in one document, and erasing it with a yes."""

import json

from tests.cli.conftest import ALICE, BOB, Terminal


def test_an_account_is_exported_as_one_document_and_erased_with_a_yes(terminal: Terminal) -> None:
    terminal.people()
    event = terminal.event()
    terminal.ok("subscribe", event, "--as", BOB)
    found = json.loads(terminal.ok("account", "export", "--as", BOB))
    assert found["account"][0]["email"] == BOB
    assert [row["event"] for row in found["subscriptions"]] == [event]
    assert "--yes" in terminal.refusal("account", "erase", "--as", BOB)["hint"]
    assert terminal.json("account", "erase", "--yes", "--as", BOB)["ended_subscriptions"] == 1
    assert "no account" in terminal.refusal("account", "export", "--as", BOB)["error"]
    assert "still to come" in terminal.refusal("account", "erase", "--yes", "--as", ALICE)["error"]

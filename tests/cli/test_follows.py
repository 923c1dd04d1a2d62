"""Who follows what, in the terminal; and what of the API the terminal can do."""

import re

import pytest
from fastapi.routing import APIRoute

import core.ids
from cli.terminal import LARGEST_ID
from tests.cli.conftest import ALICE, BOB, CAROL, ROOT, Terminal
from web.routes import API


def test_what_one_follows_is_listed_and_left(terminal: Terminal) -> None:
    terminal.people()
    event = terminal.event()
    assert "No subscriptions." in terminal.ok("subscriptions", "--as", BOB)
    (made,) = terminal.json("subscribe", event, "--as", BOB)["subscriptions"]
    (listed,) = terminal.json("subscriptions", "--as", BOB)["items"]
    assert listed == made
    assert "Board games" in terminal.ok("subscriptions", "--as", BOB)
    number = str(made["id"])
    assert terminal.refusal("unsubscribe", number, "--as", CAROL)["hint"]
    assert "No hard feelings" in terminal.ok("unsubscribe", number, "--as", BOB)
    assert "already" in terminal.ok("unsubscribe", number, "--as", BOB)
    assert terminal.json("subscriptions", "--as", BOB)["items"] == []


def test_an_organizer_sees_who_follows_with_the_numbers_that_a_message_takes(terminal: Terminal) -> None:
    terminal.people()
    event = terminal.event()
    for email in (BOB, CAROL):
        terminal.ok("subscribe", event, "--as", email)
    first = terminal.json("subscriptions", event, "--limit", "1", "--as", ALICE)
    (other,) = terminal.json("subscriptions", event, "--cursor", first["next"], "--as", ALICE)["items"]
    number = first["items"][0]["id"]
    assert number != other["id"]
    sent = terminal.json("notify", event, "--title", "Hi", "--body", "You", "--to", str(number), "--as", ALICE)
    assert sent["recipients"] == 1
    write = ("notify", event, "--title", "Hi", "--body", "You", "--as", ALICE)
    assert terminal.json(*write, "--matching", "mail")["recipients"] == 2
    assert terminal.refusal(*write, "--missed", str(sent["id"]))["field"] == "missed"
    assert terminal.json("subscriptions", event, "--removed", "--as", ALICE)["items"] == []
    assert "organizer" in terminal.refusal("subscriptions", event, "--as", BOB)["error"]
    assert terminal.refusal("subscriptions", "--removed", "--as", BOB)["hint"] == "Name the event."


def test_what_the_terminal_cannot_do_is_what_its_document_says() -> None:
    """Every operation of the API is done by a command that is documented, or named as one for the API alone."""
    text = (ROOT / "docs/terminal.md").read_text()
    alone = set(re.findall(r"^- `([A-Z]+ /api/\S+)`", text, re.MULTILINE))
    operations = {
        f"{method} {route.path}": route.name
        for router in API
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert alone == {path for path, name in operations.items() if name not in BY_COMMAND}
    assert set(BY_COMMAND) <= set(operations.values())
    for command in BY_COMMAND.values():
        assert f"`soonish {command}" in text, command


BY_COMMAND = {
    "deliveries_to_me": "log",
    "new_event": "event create",
    "my_events": "event list",
    "one_event": "event show",
    "changed_event": "event edit",
    "cancelled_event": "event cancel",
    "new_subscription": "subscribe",
    "subscriptions_of_mine": "subscriptions",
    "subscriptions_of_event": "subscriptions",
    "ended_subscription": "unsubscribe",
    "invitations_of_event": "invitations",
    "new_invitation": "invite",
    "revoked_invitation": "uninvite",
    "accepted_invitation": "accept",
    "organizers_of_event": "organizers list",
    "new_organizer": "organizers add",
    "removed_organizer": "organizers remove",
    "offered_event": "transfer",
    "new_message": "notify",
    "notification_report": "report",
    "retried_notification": "retry",
    "my_integrations": "channel list",
    "new_integration": "channel add",
    "removed_integration": "channel remove",
    "tested_integration": "channel test",
    "exported_account": "account export",
    "erased_account": "account erase",
    "health": "doctor",
    "temporal_connection": "doctor",
}


@pytest.mark.parametrize(
    "command", ["report", "retry", "unsubscribe", "channel test", "channel on", "channel remove --yes", "token revoke"]
)
@pytest.mark.parametrize("number", ["0", str(LARGEST_ID + 1), "9" * 40, "one"])
def test_a_number_that_no_row_can_have_is_typed_wrong(terminal: Terminal, command: str, number: str) -> None:
    assert terminal.refusal(*command.split(), number, code=2)["error"]


def test_the_largest_number_is_the_same_in_every_room() -> None:
    assert core.ids.LARGEST_ID == LARGEST_ID


def test_a_member_reads_what_was_sent_to_them_and_why(terminal: Terminal) -> None:
    terminal.people()
    event = terminal.event()
    terminal.ok("subscribe", event, "--as", BOB)
    assert "about to go out" in terminal.ok("log", "--as", BOB)
    (entry,) = terminal.json("log", "--as", BOB)["items"]
    assert (entry["what"], entry["event_name"], entry["outcome"]) == ("Welcome", "Board games", "waiting")
    assert terminal.ok("log", "--as", CAROL) == "Nothing was sent to you yet.\n"

"""Inviting, accepting and organizing together, as people type it."""

from tests.cli.conftest import ALICE, BOB, CAROL, Terminal


def test_a_link_lets_somebody_in_and_taking_it_back_shuts_them_out(terminal: Terminal) -> None:
    terminal.people()
    event = terminal.event("--private")
    made = terminal.json("invite", event, "--link", "--uses", "2", "--as", ALICE)
    assert "You're in" in terminal.ok("accept", "--as", BOB, stdin=made["link"] + "\n")
    assert terminal.json("subscribe", event, "--as", BOB)["created"]
    assert "1/2" in terminal.ok("invitations", event, "--as", ALICE)
    done = terminal.json("uninvite", event, str(made["id"]), "--yes", "--as", ALICE)
    assert done == {"ended_subscriptions": 1}
    assert terminal.refusal("event", "show", event, "--as", BOB)["error"] == "There is no such event."
    assert "withdrawn" in terminal.refusal("accept", "--as", CAROL, stdin=made["link"])["error"]


def test_organizers_are_asked_listed_and_removed_and_an_event_is_offered(terminal: Terminal) -> None:
    terminal.people()
    event = terminal.event()
    assert terminal.refusal("invite", event, "--as", ALICE)["hint"]
    assert terminal.refusal("invite", event, "--email", BOB, "--days", "3", "--as", ALICE)["hint"]
    assert "b•••b@example.org" in terminal.ok("invite", event, "--email", BOB, "--as", ALICE)
    assert "b•••b@example.org" in terminal.ok("organizers", "add", event, "--email", BOB, "--as", ALICE)
    assert "nothing changes" in terminal.ok("transfer", event, "--email", BOB, "--yes", "--as", ALICE)
    assert [each["role"] for each in terminal.json("organizers", "list", event, "--as", ALICE)["items"]] == ["owner"]
    assert "no such" in terminal.refusal("organizers", "remove", event, "2", "--as", ALICE)["error"]
    for command in (("invitations", event), ("organizers", "list", event), ("uninvite", event, "1", "--yes")):
        assert terminal.refusal(*command, "--as", CAROL)["error"] == "Only the organizer may do this."

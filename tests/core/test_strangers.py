"""Every use case there is meets a stranger somewhere: the list is made from the code, so that none is forgotten."""

import ast
from collections.abc import Iterator
from pathlib import Path

from core.accounts.address import confirm_change, look_at_change, request_change
from core.accounts.calendars import end_calendar, make_calendar, my_calendars, read_calendar
from core.accounts.links import ask_to_prove
from core.accounts.model import AccountChange
from core.accounts.passwords import open_by_password, prepare_password, prove_session, store_password
from core.accounts.users import change_account, my_account
from core.delivery.addresses import mail_channel
from core.errors import Code
from tests.core.look import NOBODY, refusal
from tests.people import Town

ROOT = Path(__file__).parents[2]
RUNS = {"act": 1, "ask": 1, "act_once": 2}
"""How `Core` is asked to run a use case for somebody, and which argument that is."""
TURNS = {"act": 0, "ask": 0, "look": 0, "once": 1}
"""The same for a turn of the conversation, which knows who speaks."""
ELSEWHERE = {
    "vouch": "the operator's, at the terminal",
    "list_tokens": "the operator's, at the terminal",
    "revoke_token": "the operator's, at the terminal",
    "actor_by_email": "the operator's, at the terminal",
    "pause_sending": "the operator's, at the terminal",
    "resume_sending": "the operator's, at the terminal",
    "open_destination": "the operator's, in development",
    "sending_state": "the operator's, at the terminal",
    "seed_event": "the operator's, in development",
    "keys_in_use": "the service's own",
    "keys_rotated": "the operator's, at the terminal",
    "neglected": "the sweeper's",
    "last_bell": "the card keeper's",
    "rung_since": "the card keeper's",
    "maybe_stale": "the card keeper's",
    "look_at_card": "the card keeper's",
    "backlog": "the service's own",
    "somebody_joined_since": "the worker's own",
    "ring_all": "the operator's, at the terminal",
    "disable_channel": "the courier's",
    "prepare_integration": "the first half of adding a channel; its route is in the web's table",
    "register": "open to everybody; that it tells nobody anything is compared for every kind of address",
    "mail_way_in": "likewise",
    "try_password": "likewise",
    "forget_space": "the bot's own, when Discord says that a place is gone",
    "install": "whoever comes back from Slack by a way that this browser began; that way is tried on the site",
    "uninstall": "the bot's own, when Slack says that it was removed",
    "token_of": "the bot's and the courier's own",
    "token_refused": "likewise, when Slack takes a token no more",
    "installed": "the operator's, at the terminal",
    "read_told": "the bot's own",
    "mark_card": "the bot's own, which of two presses posts a card",
    "unmark_card": "likewise",
    "told_elsewhere": "the bot's own",
    "coming_events": "open to everybody; that it shows public events alone is tried on the landing page",
    "count_numbers": "counts alone, shared by operators: the page asks `look_around` first",
    "require_sudo": "asks of nothing but the session that it comes by",
    "prepare_test": "the first half of testing a channel; its route is in the web's table",
}


def _called(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            places = TURNS if ast.unparse(node.func.value) == "turn" else RUNS
            place = places.get(node.func.attr)
            if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Name):
                name = node.args[place]
                assert isinstance(name, ast.Name)
                yield node.func.attr, name.id


def _defined() -> set[str]:
    """Public functions of the core that work on a transaction."""
    return {
        node.name
        for file in (ROOT / "core").rglob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.AsyncFunctionDef) and node.args.args and not node.name.startswith("_")
        if node.args.args[0].arg == "work"
    }


def _use_cases() -> set[str]:
    files = [file for folder in ("core", "web", "cli", "worker", "bots") for file in (ROOT / folder).rglob("*.py")]
    return {name for file in files for _, name in _called(ast.parse(file.read_text()))} & _defined()


def _tried_by_strangers() -> set[str]:
    """Use cases that a test of the core runs for carol or for nobody, or by a link that is not theirs."""
    found: set[str] = set()
    for file in (ROOT / "tests/core").glob("test_*.py"):
        for test in ast.walk(ast.parse(file.read_text())):
            if isinstance(test, ast.AsyncFunctionDef):
                text = ast.unparse(test)
                if any(word in text for word in ("carol", "NOBODY", "stranger")):
                    found |= {name for _, name in _called(test)}
    return found


def test_every_use_case_is_tried_by_a_stranger() -> None:
    found = _use_cases()
    assert len(found) > 40
    assert sorted(found - _tried_by_strangers() - set(ELSEWHERE)) == []


def test_no_exception_outlives_its_use_case() -> None:
    assert sorted(set(ELSEWHERE) - _use_cases()) == []


async def test_an_account_and_its_password_are_nobody_elses(town: Town) -> None:
    core, bob = town.core, town.bob.actor.require_user()
    await refusal(core.ask(NOBODY, my_account), Code.UNAUTHENTICATED)
    await refusal(core.act(NOBODY, prepare_password, by_current=False), Code.UNAUTHENTICATED)
    await refusal(core.act(NOBODY, change_account, AccountChange()), Code.UNAUTHENTICATED)
    await refusal(core.act(NOBODY, request_change, mail_channel("new@example.org")), Code.UNAUTHENTICATED)
    await refusal(core.act(town.carol.actor, request_change, mail_channel("new@example.org")), Code.FORBIDDEN)
    await refusal(core.ask(town.carol.actor, look_at_change, "forged"), Code.NOT_FOUND)
    await refusal(core.act(town.carol.actor, confirm_change, "forged"), Code.NOT_FOUND)
    await refusal(core.act(NOBODY, prove_session, "hash"), Code.UNAUTHENTICATED)
    await refusal(core.act(town.carol.actor, prove_session, "hash"), Code.FORBIDDEN)
    await refusal(core.act(NOBODY, ask_to_prove, ""), Code.UNAUTHENTICATED)
    await refusal(core.act(town.carol.actor, ask_to_prove, ""), Code.FORBIDDEN)
    await refusal(core.act(NOBODY, store_password, None, "hash"), Code.UNAUTHENTICATED)
    await refusal(core.act(town.carol.actor, store_password, None, "hash"), Code.FORBIDDEN)
    await refusal(core.act(NOBODY, open_by_password, bob, "another hash", ""), Code.UNAUTHENTICATED)


async def test_a_calendar_is_made_and_read_by_nobody_else(town: Town) -> None:
    await refusal(town.core.ask(NOBODY, my_calendars), Code.UNAUTHENTICATED)
    await refusal(town.core.act(NOBODY, make_calendar, "follows"), Code.UNAUTHENTICATED)
    await refusal(town.core.act(NOBODY, end_calendar, "follows"), Code.UNAUTHENTICATED)
    secret = await town.core.act(town.alice.actor, make_calendar, "hosts")
    await town.core.act(town.carol.actor, end_calendar, "hosts")
    assert (await town.core.ask(town.carol.actor, my_calendars))["hosts"] is None
    assert "VCALENDAR" in await town.core.ask(NOBODY, read_calendar, secret)
    await refusal(town.core.ask(NOBODY, read_calendar, "forged"), Code.NOT_FOUND)

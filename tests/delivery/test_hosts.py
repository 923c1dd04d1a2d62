"""One host in trouble is left alone and holds nobody else up."""

import pytest

from core.delivery import hosts as hosts_module
from core.delivery.chat import slack_error
from core.delivery.hosts import Hosts
from core.delivery.message import OK, Outcome
from core.delivery.outcomes import from_status
from core.delivery.smtp import from_reply

FAULT = Outcome(False, "timeout", host_fault=True)
REFUSAL = Outcome(False, "http_404", permanent=True)
PAUSE = Outcome(False, "http_429", retry_after=20.0, deferred=True, host_wide=True)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def attempt(hosts: Hosts, outcome: Outcome, host: str = "h:443") -> Outcome | None:
    """One delivery with this outcome; what the gate said instead, if it was closed."""
    gate = hosts.enter(host)
    assert gate is not None
    if gate.deferral is None:
        hosts.record(host, outcome)
        hosts.leave(host, gate)
    return gate.deferral


def broken(clock: Clock, faults: int = 5) -> Hosts:
    hosts = Hosts(32, clock)
    for _ in range(faults):
        assert attempt(hosts, FAULT) is None
    return hosts


def test_the_breaker_opens_after_five_faults_in_a_row() -> None:
    hosts = broken(Clock())
    deferral = attempt(hosts, OK)
    assert deferral is not None
    assert (deferral.code, deferral.deferred, deferral.retry_after) == ("breaker_open", True, 30.0)
    assert hosts.states() == {"h:443": "open"}


def test_a_refusal_between_faults_is_a_sign_of_life() -> None:
    hosts = broken(Clock(), faults=4)
    attempt(hosts, REFUSAL)
    assert attempt(hosts, FAULT) is None
    assert attempt(hosts, OK) is None


def test_half_open_lets_one_through_and_closes_when_it_arrives() -> None:
    clock = Clock()
    hosts = broken(clock)
    clock.now += 31
    assert hosts.states() == {"h:443": "half_open"}
    probe = hosts.enter("h:443")
    assert probe is not None
    assert probe.deferral is None
    second = attempt(hosts, OK)
    assert second is not None
    assert second.code == "breaker_open"
    hosts.record("h:443", OK)
    hosts.leave("h:443", probe)
    assert attempt(hosts, OK) is None
    assert hosts.states() == {}


def test_a_failed_trial_doubles_the_wait_up_to_ten_minutes() -> None:
    clock = Clock()
    hosts = broken(clock)
    for seconds in (60.0, 120.0, 240.0, 480.0, 600.0, 600.0):
        clock.now += 601
        assert attempt(hosts, FAULT) is None
        deferral = attempt(hosts, OK)
        assert deferral is not None
        assert deferral.retry_after == seconds


def test_a_trial_that_was_cancelled_leaves_the_door_for_the_next() -> None:
    clock = Clock()
    hosts = broken(clock)
    clock.now += 31
    probe = hosts.enter("h:443")
    assert probe is not None
    hosts.leave("h:443", probe)
    assert attempt(hosts, OK) is None


def test_faults_under_way_when_it_opened_do_not_count_twice() -> None:
    hosts = broken(Clock())
    for _ in range(10):
        hosts.record("h:443", FAULT)
    deferral = attempt(hosts, OK)
    assert deferral is not None
    assert deferral.retry_after == 30.0


def test_a_host_that_asks_for_a_pause_gets_it_and_only_that_host() -> None:
    clock = Clock()
    hosts = Hosts(32, clock)
    attempt(hosts, PAUSE)
    clock.now += 5
    deferral = attempt(hosts, OK)
    assert deferral is not None
    assert (deferral.code, deferral.retry_after) == ("host_paused", 15.0)
    assert attempt(hosts, OK, "other:443") is None
    clock.now += 16
    assert attempt(hosts, OK) is None


def test_a_wait_for_one_address_pauses_nobody_else_there() -> None:
    hosts = Hosts(32, Clock())
    attempt(hosts, Outcome(False, "http_429", retry_after=20.0, deferred=True))
    assert attempt(hosts, OK) is None


ABOUT_ONE = [
    *(from_status(status) for status in range(300, 500)),
    from_status(429, "20"),
    *(from_reply(code, "") for code in (450, 451, 452, 550, 551, 552, 553, 554)),
    *(from_reply(550, f"5.{subject}.1 No", at_data=at_data) for subject in range(8) for at_data in (False, True)),
    *(
        slack_error(error)
        for error in ("channel_not_found", "invalid_auth", "msg_too_long", "ratelimited", "unheard_of")
    ),
]


@pytest.mark.parametrize("outcome", ABOUT_ONE, ids=lambda outcome: outcome.code)
def test_what_is_wrong_with_one_recipient_or_message_never_opens_a_breaker(outcome: Outcome) -> None:
    clock = Clock()
    hosts = broken(clock, faults=4)
    for _ in range(20):
        assert attempt(hosts, outcome) is None
        clock.now += 61 if hosts.states().get("h:443") == "paused" else 0
    assert set(hosts.states().values()) <= {"closed", "paused"}


@pytest.mark.parametrize("code", ["blocked", "error", "render", "key_missing"])
def test_a_trial_that_never_reached_the_host_does_not_close_its_breaker(code: str) -> None:
    clock = Clock()
    hosts = broken(clock)
    clock.now += 31
    assert attempt(hosts, Outcome(False, code)) is None
    assert hosts.states() == {"h:443": "half_open"}


@pytest.mark.parametrize(
    "code", ["blocked", "error", "unreadable", "breaker_open", "host_busy", "render", "key_missing"]
)
def test_what_says_nothing_about_the_host_does_not_count(code: str) -> None:
    hosts = broken(Clock(), faults=4)
    hosts.record("h:443", Outcome(False, code))
    attempt(hosts, FAULT)
    assert hosts.states() == {"h:443": "open"}


def test_a_host_takes_half_the_window_and_the_next_waits_for_a_place() -> None:
    hosts = Hosts(4, Clock())
    first, second = hosts.enter("h:443"), hosts.enter("h:443")
    assert first is not None
    assert second is not None
    assert hosts.enter("h:443") is None
    hosts.leave("h:443", first)
    assert attempt(hosts, OK) is None


def test_a_full_host_that_makes_no_progress_is_not_waited_for() -> None:
    clock = Clock()
    hosts = Hosts(2, clock)
    assert hosts.enter("h:443") is not None
    clock.now += 1.1
    deferral = attempt(hosts, OK)
    assert deferral is not None
    assert (deferral.code, deferral.deferred) == ("host_busy", True)


def test_a_hundred_thousand_healthy_hosts_leave_nothing_behind() -> None:
    hosts = Hosts(32)
    for number in range(100_000):
        attempt(hosts, OK, f"h{number}:443")
    assert hosts.states() == {}


def test_hosts_that_failed_once_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts_module, "SWEEP_EVERY", 10)
    clock = Clock()
    hosts = Hosts(32, clock)
    for number in range(10_000):
        clock.now += 1
        attempt(hosts, FAULT, f"h{number}:443")
    assert len(hosts.states()) < 5000


ASKS = Outcome(False, "http_429", retry_after=3600.0, deferred=True)


def test_one_address_that_asks_to_wait_holds_up_nobody_else_on_its_host() -> None:
    hosts = Hosts(32, Clock())
    for _ in range(50):
        assert attempt(hosts, ASKS) is None
        assert attempt(hosts, OK) is None


def test_a_host_where_everybody_is_asked_to_wait_is_left_alone_for_a_minute_at_most() -> None:
    clock = Clock()
    hosts = Hosts(32, clock)
    for _ in range(10):
        assert attempt(hosts, ASKS) is None
    deferral = attempt(hosts, OK)
    assert deferral is not None
    assert (deferral.code, deferral.retry_after) == ("host_paused", 60.0)
    clock.now += 61
    assert attempt(hosts, OK) is None

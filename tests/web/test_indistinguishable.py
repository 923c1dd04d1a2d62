"""Whether an address is known: neither the answer nor the time it takes tells, measured in interleaved runs."""

import statistics
import time
from collections.abc import AsyncIterator

import pytest

from core.accounts.passwords import Cost, Passwords
from core.settings import Settings
from tests.conftest import Inhabited
from tests.web.client import Browser, Client
from tests.web.conftest import Stage, playing
from tests.web.test_accounts import ALICE, asked, with_password

UNVERIFIED = "unverified@example.org"
ADDRESSES = (ALICE, UNVERIFIED, "unknown-{}@example.org")
"""The last is another one each time: after the first time nobody is unknown."""
COST = Cost(memory=16 * 1024)
"""A quarter of a real password's: still far more than all else that an attempt takes."""
TOLERANCE = 1.4
"""What the slowest median may be of the fastest: noise stays below, a skipped comparison is ten times off."""


@pytest.fixture
async def patient(settings: Settings, inhabited: Inhabited) -> AsyncIterator[Stage]:
    """A stage whose limits are not in the way."""
    many = {"links_per_address_hour": 10_000, "sign_in_per_ip_hour": 10_000, "password_tries_per_day": 10_000}
    async with playing(settings.model_copy(update=many), inhabited, Passwords(COST)) as made:
        await asked(made, Browser(made.app), UNVERIFIED)
        yield made


async def spread(stage: Stage, path: str, rounds: int, **more: str) -> tuple[float, dict[str, float]]:
    """Slowest median over fastest, and the medians in milliseconds. The order turns with every round, so that no
    address always follows the same other one."""
    took: dict[str, list[float]] = {each: [] for each in ADDRESSES}
    client = Client(stage.app)
    for number in range(rounds + 2):
        turn = number % len(ADDRESSES)
        for email in (*ADDRESSES[turn:], *ADDRESSES[:turn]):
            body = {"email": email.format(number), **more}
            began = time.perf_counter()
            answer = await client.post(path, body)
            if number >= 2:  # the first ones find everything cold
                took[email].append(time.perf_counter() - began)
            assert answer.status == (401 if more else 202)
    medians = {email: statistics.median(each) * 1000 for email, each in took.items()}
    return max(medians.values()) / min(medians.values()), medians


@pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/login"])
async def test_a_link_takes_as_long_for_known_unknown_and_unverified_addresses(patient: Stage, path: str) -> None:
    ratio, medians = await spread(patient, path, 40)
    assert ratio < TOLERANCE, medians


async def test_a_wrong_password_takes_as_long_for_known_unknown_and_unverified_addresses(patient: Stage) -> None:
    await with_password(patient)
    ratio, medians = await spread(patient, "/api/auth/login", 8, password="not the one")
    assert ratio < TOLERANCE, medians


async def test_the_measure_sees_a_comparison_that_is_skipped(patient: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await with_password(patient)
    real = Passwords.verify

    async def hasty(self: Passwords, password: str, stored: str | None) -> bool:
        return stored is not None and await real(self, password, stored)

    monkeypatch.setattr(Passwords, "verify", hasty)
    ratio, _ = await spread(patient, "/api/auth/login", 3, password="not the one")
    assert ratio > 2 * TOLERANCE

"""How often anybody may try to get in, who is never locked out by it, and whose request it is counted as."""

import pytest
from sqlalchemy import func, select

from core.db.models import Notification
from core.settings import Settings
from tests.conftest import Inhabited
from tests.web.client import Answer, Browser, Client
from tests.web.conftest import Stage, playing
from tests.web.test_accounts import ALICE, PASSWORD, newest_link, signed_in, with_password

WAYS: tuple[tuple[str, dict[str, str]], ...] = (
    ("/api/auth/register", {}),
    ("/api/auth/login", {}),
    ("/api/auth/login", {"password": "not the one"}),
)


def test_the_figures_are_those_that_were_promised() -> None:
    found = Settings(_env_file=None)
    assert (found.sign_in_per_ip_hour, found.links_per_address_hour, found.password_tries_per_day) == (20, 10, 20)


async def attempt(stage: Stage, number: int, peer: str, **headers: str) -> Answer:
    """Another address and another way each time: neither gets round what one client may."""
    path, more = WAYS[number % len(WAYS)]
    return await Client(stage.app, peer=peer).post(path, {"email": f"n{number}@example.org", **more}, **headers)


async def test_a_client_tries_twenty_times_an_hour_by_whichever_way_and_others_are_not_held_up(stage: Stage) -> None:
    first = [(await attempt(stage, number, "198.51.100.1")).status for number in range(20)]
    assert 429 not in first
    for number in range(3):
        refused = await attempt(stage, number, "198.51.100.1")
        assert (refused.status, 0 < int(refused.headers["retry-after"]) <= 3601) == (429, True)
        assert (await attempt(stage, number, "198.51.100.2")).status in (202, 401)
    page = await Browser(stage.app, "198.51.100.1").form("/sign-in", {"email": ALICE})
    assert (page.status, "Try again in" in page.text, "retry-after" in page.headers) == (429, True, True)
    stage.clock.pass_(hours=1, seconds=1)
    assert (await attempt(stage, 0, "198.51.100.1")).status == 202


async def test_an_address_gets_ten_links_an_hour_whoever_asks_and_nobody_is_locked_out(stage: Stage) -> None:
    await with_password(stage)
    owner = Browser(stage.app)
    await owner.post("/api/auth/login", {"email": ALICE})
    link = await newest_link(stage)

    async def mails() -> int:
        async with stage.core.db.read() as session:
            return await session.scalar(select(func.count()).where(Notification.kind == "sign_in")) or 0

    answers = []
    for number in range(15):
        other = Browser(stage.app, f"198.51.100.{number}")
        answer = await other.post("/api/auth/login", {"email": ALICE})
        answers.append((answer.status, answer.body, tuple(answer.headers)))
    assert len(set(answers)) == 1
    assert await mails() == 10
    assert (await owner.get(link)).status == 303
    by_password = await Browser(stage.app).post("/api/auth/login", {"email": ALICE, "password": PASSWORD})
    assert by_password.status == 204
    stage.clock.pass_(hours=1, seconds=1)
    await signed_in(stage)
    assert await mails() == 11


async def mails(stage: Stage) -> int:
    async with stage.core.db.read() as session:
        return await session.scalar(select(func.count()).where(Notification.kind == "sign_in")) or 0


async def test_one_network_takes_half_of_what_an_address_is_mailed_and_the_person_elsewhere_gets_in(
    stage: Stage,
) -> None:
    owner = await with_password(stage)
    before = await mails(stage)
    for way in ("/api/auth/login", "/api/auth/register") * 6:
        answer = await Client(stage.app, peer="2001:db8:0:1::7").post(way, {"email": ALICE})
        assert answer.status == 202
    assert await mails(stage) == before + 5
    for number in range(6):  # another address of the same line
        await Client(stage.app, peer=f"2001:db8:0:1::{number}").post("/api/auth/login", {"email": ALICE})
    assert await mails(stage) == before + 5
    await Browser(stage.app, "198.51.100.7").form("/sign-in", {"email": ALICE})
    assert await mails(stage) == before + 6
    for number in range(20):
        await Client(stage.app, peer=f"198.51.100.{number}").post("/api/auth/login", {"email": ALICE})
    assert await mails(stage) == 10
    # Strangers took all there is, and from the owner's own network every attempt, yet who is signed in proves it.
    for number in range(21):
        await attempt(stage, number, owner.peer)
    before = await mails(stage)
    assert (await owner.form("/sign-in/again", {})).status == 200
    assert await mails(stage) == before + 1


async def test_twenty_wrong_passwords_a_day_stop_passwords_and_nothing_else(stage: Stage) -> None:
    owner = await with_password(stage)

    async def guess(number: int, password: str) -> int:
        client = Client(stage.app, peer=f"198.51.100.{number}")
        return (await client.post("/api/auth/login", {"email": ALICE, "password": password})).status

    assert {await guess(number, "not the one") for number in range(20)} == {401}
    assert await guess(21, PASSWORD) == 429
    assert (await owner.get("/api/me")).status == 200
    assert (await (await signed_in(stage)).get("/api/me")).status == 200
    stage.clock.pass_(days=1, seconds=1)
    assert await guess(22, PASSWORD) == 204


@pytest.mark.parametrize("trusted", [True, False])
async def test_only_configured_proxies_say_whose_attempt_it_is(
    settings: Settings, inhabited: Inhabited, trusted: bool
) -> None:
    networks = Settings(_env_file=None, trusted_proxies="10.0.0.0/8").trusted_proxies if trusted else []
    async with playing(settings.model_copy(update={"trusted_proxies": networks}), inhabited) as stage:
        for number in range(20):
            forwarded = f"192.0.2.{number}, 198.51.100.1"  # what stands left was sent by the client itself
            assert (await attempt(stage, number, "10.0.0.1", x_forwarded_for=forwarded)).status != 429
        same = await attempt(stage, 0, "10.0.0.1", x_forwarded_for="192.0.2.99, 198.51.100.1")
        other = await attempt(stage, 0, "10.0.0.1", x_forwarded_for="198.51.100.2")
        assert (same.status, other.status) == ((429, 202) if trusted else (429, 429))
        direct = await attempt(stage, 0, "203.0.113.50", x_forwarded_for="198.51.100.1")
        assert direct.status == 202

"""Asking an address to confirm: what a stranger makes up costs nobody anything, and the time taken tells nothing."""

import asyncio

import pytest

from tests.web.conftest import Stage

GOOD = "nora@example.org"


async def posted(stage: Stage, door: str, event: str, fields: dict[str, str]) -> int:
    async with asyncio.timeout(5):
        if door == "api":
            return (await stage.visitor.post(f"/api/events/{event}/subscribe", fields)).status
        return (await stage.visitor.form(f"/e/{event}/subscribe", fields)).status


@pytest.mark.parametrize("door", ["api", "page"])
async def test_what_cannot_be_asked_never_waits_for_the_write_lock(stage: Stage, door: str) -> None:
    event, hidden = await stage.event(), await stage.event(is_public=False)
    over = await stage.event()
    await stage.alice.post(f"/api/events/{over}/cancel")
    async with stage.core.db.write():
        assert await posted(stage, door, "k7Qm2vX9aR", {"email": GOOD}) == 404
        assert await posted(stage, door, hidden, {"email": GOOD}) == 404
        assert await posted(stage, door, over, {"email": GOOD}) == 409
        assert await posted(stage, door, event, {"email": "nope"}) == 422


async def test_a_robot_in_the_trap_never_waits_for_the_write_lock(stage: Stage) -> None:
    event = await stage.event()
    async with stage.core.db.write():
        assert await posted(stage, "page", event, {"email": GOOD, "website": "https://spam.example"}) == 200


async def test_every_good_address_takes_the_same_way_whatever_is_known_of_it(stage: Stage) -> None:
    """Known, limited, suppressed or new: each waits for the lock alike, so none is told apart by its time."""
    event = await stage.event()
    assert await posted(stage, "api", event, {"email": GOOD}) == 202
    for address in (GOOD, "new@example.org", "bob@example.org"):
        async with stage.core.db.write():
            asking = asyncio.create_task(posted(stage, "api", event, {"email": address}))
            done, _ = await asyncio.wait({asking}, timeout=0.2)
            assert not done
        assert await asking == 202

"""Attempts to get hold of somebody's account by its address. By chat: see the tests of identities."""

from sqlalchemy import select

from core.db.models import User
from tests.web.client import Browser
from tests.web.conftest import Stage
from tests.web.test_accounts import ALICE, COOKIE, NORA, asked, with_password


async def account(stage: Stage, email: str) -> dict[str, object]:
    async with stage.core.db.read() as session:
        row = (await session.scalars(select(User).where(User.email == email))).one()
        return {column.key: getattr(row, column.key) for column in User.__table__.columns}


async def test_registering_an_existing_address_takes_over_nothing(stage: Stage) -> None:
    alice = await with_password(stage)
    before, mallory = await account(stage, ALICE), Browser(stage.app)
    link = await asked(stage, mallory, ALICE.upper())
    assert await account(stage, ALICE) == before
    assert COOKIE not in mallory.jar
    # The link is in Alice's mail. Forwarded to nobody, it opens her own account, once.
    assert (await alice.form(link, {})).status == 303
    assert (await mallory.form(link, {})).status == 409
    assert (await mallory.get("/api/me")).status == 401


async def test_registering_an_address_that_never_said_yes_takes_over_nothing(stage: Stage) -> None:
    nora, mallory = Browser(stage.app), Browser(stage.app)
    link = await asked(stage, nora, NORA)
    before = await account(stage, NORA)
    again = await asked(stage, mallory, NORA)
    assert await account(stage, NORA) == before
    for path in (link, again):
        assert (await mallory.get(path)).status == 200
    refused = await mallory.post("/api/auth/login", {"email": NORA, "password": "correct horse battery"})
    assert refused.status == 401
    assert (await nora.form(link, {})).status == 303
    assert (await mallory.form(again, {})).status == 409
    assert (await mallory.get("/api/me")).status == 401
    assert (await account(stage, NORA))["password_hash"] is None

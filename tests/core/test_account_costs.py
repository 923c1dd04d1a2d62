"""What accounts cost in statements: bounded, and the same for a few rows and for many. Finding the
link that a test follows counts as one of them."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select

from core.accounts.address import confirm_change, look_at_change, request_change
from core.accounts.links import ask_to_prove, look_at_link, mail_way_in, register, use_link
from core.accounts.model import AccountChange
from core.accounts.passwords import open_by_password, prepare_password, prove_session, store_password, try_password
from core.accounts.sessions import begin_session, end_session, list_sessions, session_actor, sign_out
from core.accounts.users import change_account, my_account
from core.db.models import Token
from core.delivery.addresses import mail_channel
from core.subscriptions.join import subscribe_by_email
from core.subscriptions.model import SubscribeByEmail
from core.tokens import LinkPurpose, LinkToken, browser_token, link_token
from core.work import Actor, Work
from tests.core.look import NOBODY, rows, statements
from tests.people import EVERYTHING, Town

pytestmark = pytest.mark.both_databases

ALICE, NEW = mail_channel("alice@example.org"), mail_channel("new@example.org")


class Scene:
    """alice in a session, with `many` others, channels and subscriptions; both her addresses follow as many events."""

    def __init__(self, town: Town, here: Actor, others: list[int], cookie: str) -> None:
        self.town, self.core, self.here, self.others, self.cookie = town, town.core, here, others, cookie

    async def link(self, purpose: LinkPurpose) -> str:
        found = await rows(self.core, select(Token).where(Token.purpose == purpose).order_by(Token.id.desc()))  # type: ignore[type-var]
        row = found[0]
        return link_token(self.core.keys, LinkToken(purpose, row.id, int(row.created_at.timestamp())))


async def scene(town: Town, many: int) -> Scene:
    user_id = town.alice.actor.require_user()

    async def begin(work: Work) -> tuple[int, str]:
        return await begin_session(work, user_id, "Firefox")

    others = [(await town.core.step(begin))[0] for _ in range(many)]
    session_id, cookie = await town.core.step(begin)
    for number in range(many):
        event = await town.event()
        await town.follow(
            town.alice, event, await town.channel(town.alice, f"json://192.0.2.7/{number}", tag=f"t{number}")
        )
        await town.core.act(Actor(None, "web"), subscribe_by_email, event.id, SubscribeByEmail(email="new@example.org"))
    return Scene(town, Actor(user_id, "web", None, session_id), others, cookie)


Call = Callable[[Scene], Awaitable[object]]


def _costs() -> list[tuple[str, int, Call]]:
    """(use case, statements at most, how it is called), in an order in which one makes the next possible."""

    async def looked(s: Scene) -> None:
        link = await s.link("sign_in")
        await s.core.ask(NOBODY, look_at_link, link, None)

    async def used(s: Scene) -> None:
        await s.core.act(NOBODY, use_link, await s.link("sign_in"), "Firefox")

    async def looked_at_change(s: Scene) -> None:
        await s.core.ask(NOBODY, look_at_change, await s.link("change_email"))

    async def changed(s: Scene) -> None:
        await s.core.act(NOBODY, confirm_change, await s.link("change_email"))

    browser = ""
    return [
        ("register, new", 10, lambda s: s.core.act(NOBODY, register, mail_channel("nora@example.org"), browser)),
        ("mail_way_in", 9, lambda s: s.core.act(NOBODY, mail_way_in, ALICE, browser_token(s.core.keys))),
        ("look_at_link", 2, looked),
        ("use_link", 8, used),
        ("session_actor", 1, lambda s: session_actor(s.core, s.cookie, "web")),
        ("my_account", 1, lambda s: s.core.ask(s.here, my_account)),
        ("change_account", 3, lambda s: s.core.act(s.here, change_account, AccountChange(display_name="Al"))),
        ("list_sessions", 1, lambda s: s.core.ask(s.here, list_sessions, EVERYTHING)),
        ("end_session", 3, lambda s: s.core.act(s.here, end_session, s.others[0])),
        ("ask_to_prove", 9, lambda s: s.core.act(s.here, ask_to_prove, browser)),
        ("prepare_password", 3, lambda s: s.core.act(s.here, prepare_password, by_current=True)),
        ("store_password", 12, lambda s: s.core.act(s.here, store_password, None, "hash")),
        ("prove_session", 3, lambda s: s.core.act(s.here, prove_session, "hash")),
        ("try_password", 4, lambda s: s.core.act(NOBODY, try_password, ALICE)),
        ("open_by_password", 4, lambda s: s.core.act(NOBODY, open_by_password, s.here.require_user(), "hash", "")),
        ("request_change", 16, lambda s: s.core.act(s.here, request_change, NEW)),
        ("look_at_change", 3, looked_at_change),
        ("confirm_change", 32, changed),
        ("sign_out", 2, lambda s: s.core.act(s.here, sign_out)),
    ]


@pytest.mark.parametrize("many", [2, 12])
async def test_no_account_use_case_costs_more_statements_than_it_did_however_much_they_have(
    town: Town, many: int
) -> None:
    found, over = await scene(town, many), {}
    locks = 0 if town.core.db.sqlite else 2  # the account and the event are held by statements of their own
    for name, most, call in _costs():
        with statements(town.core) as seen:
            await call(found)
        if len(seen) > most + locks:
            over[name] = len(seen)
    assert over == {}

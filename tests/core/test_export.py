"""The export: everything of one's own, nothing of anybody else's, and no secret."""

import json
from typing import Any

import pytest
from sqlalchemy import insert, select

from core.db.models import Event, Integration, Subscription
from core.errors import Code
from core.invitations.model import NewMail
from core.invitations.offer import invite
from core.privacy.export import (
    PAGE,
    SECTIONS,
    Export,
    export_account,
    export_address,
    export_address_page,
    export_page,
)
from core.subscriptions.leave import remove_subscriber
from core.tokens import address_token
from core.work import Actor
from tests.core.look import NOBODY, refusal, rows, subscriptions
from tests.core.own_data import ADDRESS, HOOK, IN_SLACK, MEMBER, NAME, zebulon
from tests.core.steps import NORA, edit, joined
from tests.people import Town


async def exported(town: Town, actor: Actor) -> dict[str, Any]:
    text = b"".join([piece async for piece in await export_account(town.core, actor)])
    found: dict[str, Any] = json.loads(text)
    Export.model_validate(found)
    return found


async def test_an_export_has_everything_of_the_account(town: Town) -> None:
    person = await zebulon(town)
    found = await exported(town, person.actor)
    assert set(found) == {"made_at", *SECTIONS, "complete"}
    assert [(row["email"], row["display_name"]) for row in found["account"]] == [
        (ADDRESS, NAME), (None, ""), (None, ""),  # those that were merged
    ]  # fmt: skip
    # No URL of a webhook, no address that never said yes.
    assert {(row["name"], row["address"]) for row in found["channels"]} == {
        ("E-mail", ADDRESS), (f"{NAME}'s hook", None), ("Zoe", None), ("Discord DM", None),
    }  # fmt: skip
    assert [row["event"] for row in found["events"]] == [person.theirs.id]
    assert {row["event"] for row in found["subscriptions"]} == {person.alices.id}
    assert [row["event"] for row in found["organizing"]] == [person.alices.id]
    assert ("message", "Bring a board", "And pieces.") in [
        (row["kind"], row["title"], row["body"]) for row in found["messages"]
    ]
    assert {"welcome", "message", "channel_disabled"} <= {row["kind"] for row in found["deliveries"]}
    assert [row["external_id"] for row in found["identities"]] == [MEMBER, IN_SLACK]
    assert [row["name"] for row in found["installations"]] == ["At work"]
    assert "xoxb" not in str(found)
    assert [row["agent"] for row in found["sessions"]] == [f"{NAME}'s own browser"]
    assert {row["purpose"] for row in found["tokens"]} == {"api", "sign_in", "verify", "link_identity"}
    assert {row["purpose"] for row in found["invitations"]} == {"follow", "organize"}
    assert "create_event" in [row["action"] for row in found["actions"]]
    assert all(found[name] for name in SECTIONS)


async def test_an_export_shows_no_url_no_token_and_no_hash(town: Town) -> None:
    person = await zebulon(town)
    text = json.dumps(await exported(town, person.actor))
    assert "secret-path" not in text
    assert HOOK not in text
    # An address that never said yes is not known to be theirs.
    assert "zoe@example.net" not in text
    async with town.core.db.read() as session:
        hashes = list(await session.scalars(select(Integration.destination)))
    assert [each for each in hashes if each in text] == []
    assert "password_hash" not in text
    assert "token_hash" not in text


async def test_an_export_has_nothing_of_anybody_else(town: Town) -> None:
    person = await zebulon(town)
    text = json.dumps(await exported(town, person.actor))
    assert [each for each in ("bob@example.org", "alice@example.org", "carol") if each in text] == []
    theirs = await exported(town, town.carol.actor)
    assert [name for name in SECTIONS if theirs[name]] == ["account", "channels", "tokens"]
    await refusal(town.core.ask(NOBODY, export_page, "account", 0), Code.UNAUTHENTICATED)
    with pytest.raises(Exception, match="Sign in"):
        await export_account(town.core, NOBODY)


async def test_five_thousand_subscriptions_are_exported_in_pages(town: Town) -> None:
    now, bob = town.clock.now(), town.bob.actor.user_id
    event = await town.row(await town.event())
    (channel,) = await rows(town.core, select(Integration).where(Integration.user_id == bob))
    facts = {column.name: getattr(event, column.name) for column in Event.__table__.columns if column.name != "id"}
    numbers = range(5_000)
    async with town.core.db.write() as session:
        made = await session.scalars(
            insert(Event).returning(Event.id),
            [facts | {"public_id": f"many{n:06}", "temporal_workflow_id": f"many-{n}"} for n in numbers],
        )
        await session.execute(
            insert(Subscription),
            [
                {"event_id": each, "user_id": bob, "integration_id": channel.id, "state": "active",
                 "requested_at": now, "created_at": now}
                for each in made
            ],
        )  # fmt: skip
    pieces = [piece async for piece in await export_account(town.core, town.bob.actor)]
    assert max(len(piece) for piece in pieces) < 400 * PAGE
    found = json.loads(b"".join(pieces))["subscriptions"]
    assert len({row["event"] for row in found}) == 5_000


async def _link(town: Town, integration_id: int) -> str:
    return address_token(town.core.keys, integration_id)


async def test_an_address_exports_what_is_its_own_by_its_link(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await town.core.act(town.alice.actor, invite, event.id, NewMail(kind="email", email=NORA))
    link = await _link(town, row.integration_id)
    found = json.loads(b"".join([piece async for piece in await export_address(town.core, NOBODY, link)]))
    Export.model_validate(found)
    assert [each["address"] for each in found["channels"]] == [NORA]
    assert [each["event_name"] for each in found["subscriptions"]] == ["Launch party"]
    assert {each["kind"] for each in found["deliveries"]} == {"confirm", "welcome", "invitation"}
    assert [(each["made_by_me"], each["purpose"]) for each in found["invitations"]] == [(False, "follow")]
    assert "account" not in found


async def test_a_link_of_an_address_exports_no_account_and_a_strangers_nothing(town: Town) -> None:
    (bobs,) = await rows(town.core, select(Integration).where(Integration.user_id == town.bob.actor.user_id))
    for stranger in (await _link(town, bobs.id), "forged"):
        await refusal(town.core.ask(NOBODY, export_address_page, stranger, "channels", 0), Code.NOT_FOUND)


async def test_an_export_tells_nothing_new_of_an_event_that_is_closed_to_the_person(town: Town) -> None:
    event = await town.event()
    row = await joined(town, event)
    await edit(town, event, is_public=False)
    await town.core.act(town.alice.actor, remove_subscriber, event.id, row.id)
    await edit(town, event, name="Secret plans")
    link = await _link(town, row.integration_id)
    text = b"".join([piece async for piece in await export_address(town.core, NOBODY, link)]).decode()
    assert "Secret plans" not in text
    (found,) = json.loads(text)["subscriptions"]
    assert (found["event_name"], found["state"], found["ended_by"]) == (None, "ended", None)
    assert [each.ended_by for each in await subscriptions(town, event)] == ["removed"]

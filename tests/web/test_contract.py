"""The OpenAPI document is true: whatever is sent, the answers are the ones it names, in the shapes it gives."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounded
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from core.accounts.sessions import begin_session
from core.accounts.users import vouch
from core.db.models import Identity
from core.settings import Settings
from core.temporal import Temporal
from core.wiring import build_core, build_outbound
from core.work import SYSTEM, Work
from tests.web.client import Client
from tests.web.conftest import START, AbsentTemporal, RecordingSender, StoppedClock
from web.app import create_app

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 6


class World:
    """The application with one person who has one of everything, so that generated requests also succeed."""

    def __init__(self, settings: Settings) -> None:
        self.core = build_core(settings, clock=StoppedClock())
        outbound = build_outbound(self.core)
        outbound = replace(outbound, sender=cast("Any", RecordingSender()))
        self.app = create_app(self.core, outbound, cast("Temporal", AbsentTemporal()))
        self.token = ""
        self.ids: dict[str, Any] = {}

    async def fill(self) -> None:
        person = await self.core.act(SYSTEM, vouch, "alice@example.org")
        self.token = person.token
        alice = Client(self.app, person.token)
        event = (await alice.post("/api/events", {"name": "Film night", "start_date": START})).json["id"]
        followed = (await alice.post(f"/api/events/{event}/subscribe")).json["subscriptions"][0]
        message = (await alice.post(f"/api/events/{event}/notify", {"title": "Hi", "body": "There"})).json
        self.ids = {
            "event_id": event,
            "subscription_id": followed["id"],
            "integration_id": followed["integration_id"],
            "notification_id": message["id"],
            "session_id": await self._sign_in(),
            "identity_id": await self._link(),
        }
        await self.core.db.close()

    async def _link(self) -> int:
        """An identity of hers."""

        async def link(work: Work) -> int:
            hers = {"user_id": 1, "platform": "discord", "tenant_id": "", "external_id": "7", "display_name": "Alice"}
            row = Identity(created_at=work.now, **hers)
            work.session.add(row)
            await work.session.flush()
            return row.id

        return await self.core.step(link)

    async def _sign_in(self) -> int:
        """A session of hers, in a browser that the probes do not use."""

        async def begin(work: Work) -> int:
            return (await begin_session(work, 1, "Firefox"))[0]

        return await self.core.step(begin)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    made = World(settings)
    asyncio.run(made.fill())
    yield made
    asgi.shutdown_lifespans()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_the_document_names(world: World, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", world.app)
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) > 20
    operations.sort(key=lambda each: each.method == "delete" or each.path.endswith("/cancel"))  # what ends things: last
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (operation.body or list(operation.iter_parameters())):
            continue

        @given(case=operation.as_strategy(generation_mode=mode))
        @bounded(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def probe(case: Any) -> None:
            known = {name: value for name, value in world.ids.items() if name in (case.path_parameters or {})}
            if len(case.path_parameters or {}) == len(known) and len(str(case.body)) % 4:
                case.path_parameters.update(known)
            headers = {"Authorization": f"Bearer {world.token}"}
            case.call_and_validate(checks=CHECKS, headers=headers)

        probe()

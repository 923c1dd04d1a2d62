"""Recorded histories replay on today's workflows, and an incompatible change would be caught."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from core.contracts import EventStart
from tests.worker.record import HISTORIES
from worker.main import WORKFLOWS
from worker.workflows.event import EventWorkflow

RECORDED = sorted(HISTORIES.glob("*.json"))


def history_of(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


@workflow.defn(name="EventWorkflow", sandboxed=False)
class ImpatientEventWorkflow(EventWorkflow):
    """What somebody might change without thinking: it sleeps before it asks."""

    @workflow.init
    def __init__(self, start: EventStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: EventStart) -> str:
        await workflow.sleep(1)
        return await super().run(start)


def test_there_are_histories_of_every_kind() -> None:
    assert [path.stem for path in RECORDED] == ["event", "reminder", "session", "verification"]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    await Replayer(workflows=WORKFLOWS).replay_workflow(history_of(path))


async def test_an_incompatible_change_is_caught() -> None:
    replayer = Replayer(workflows=[ImpatientEventWorkflow])
    with pytest.raises(workflow.NondeterminismError):
        await replayer.replay_workflow(history_of(HISTORIES / "event.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_history_holds_ids_and_nothing_personal(path: Path) -> None:
    recorded = json.loads(path.read_text())
    text = " ".join([json.dumps(recorded), *_payloads(recorded)])
    assert {"event_id", "user_id", "session_id"} & set(re.findall(r"\w+_id", text))
    assert not re.search(
        r"Launch|party|Flood|Doors|example\.org|alice|bob|nora|Firefox|systemmail|json://", text, re.IGNORECASE
    )


def _payloads(node: object) -> Iterator[str]:
    """Every payload of a history, decoded."""
    if isinstance(node, dict):
        if isinstance(node.get("data"), str) and "metadata" in node:
            yield base64.b64decode(node["data"]).decode()
        for value in node.values():
            yield from _payloads(value)
    elif isinstance(node, list):
        for value in node:
            yield from _payloads(value)

"""Recorded histories replay on today's workflows, and an incompatible change of any of them would be caught.

A history that no longer replays means that workflows which run now would stop at the next release: branch with
`workflow.patched`, and leave the histories as they are. Record anew only when a workflow came, or when no run that
started before the change can still exist:

    .venv/bin/python -m tests.worker.record

It runs the whole product on a Temporal server of its own, for some ten seconds, and writes one history for each
workflow type that the worker registers.
"""

import base64
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    Replayer,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from tests.worker.record import HISTORIES, REGISTERED
from worker.main import WORKFLOWS

RECORDED = sorted(path.stem for path in HISTORIES.iterdir())
every_kind = pytest.mark.parametrize("kind", REGISTERED)


def history_of(kind: str) -> WorkflowHistory:
    return WorkflowHistory.from_json(kind, (HISTORIES / f"{kind}.json").read_text())


class SleepsFirst(WorkflowInboundInterceptor):
    """What somebody might change without thinking: a wait before everything else."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - the name in Temporal's class
        await workflow.sleep(timedelta(seconds=1))
        return await super().execute_workflow(input)


class ForgetsItsWork(WorkflowInboundInterceptor):
    """The same at the other end: what was done before is no longer done."""

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
        return None


class Changed(Interceptor):
    """Today's workflows, but for this change of each of them."""

    def __init__(self, how: type[WorkflowInboundInterceptor]) -> None:
        self._how = how

    def workflow_interceptor_class(self, _: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        return self._how


def test_every_workflow_that_the_worker_serves_has_a_history_and_no_other() -> None:
    assert RECORDED == REGISTERED


@every_kind
def test_a_history_is_of_the_workflow_that_it_names_and_tells_a_whole_run(kind: str) -> None:
    events = history_of(kind).events
    assert events[0].workflow_execution_started_event_attributes.workflow_type.name == kind
    assert events[-1].HasField("workflow_execution_completed_event_attributes")


@every_kind
async def test_a_recorded_history_replays(kind: str) -> None:
    await Replayer(workflows=WORKFLOWS).replay_workflow(history_of(kind))


@every_kind
@pytest.mark.parametrize("change", [SleepsFirst, ForgetsItsWork])
async def test_an_incompatible_change_is_caught(kind: str, change: type[WorkflowInboundInterceptor]) -> None:
    replayer = Replayer(workflows=WORKFLOWS, interceptors=[Changed(change)])
    with pytest.raises(workflow.NondeterminismError):
        await replayer.replay_workflow(history_of(kind))


@every_kind
def test_a_history_holds_ids_and_nothing_personal(kind: str) -> None:
    recorded = json.loads((HISTORIES / f"{kind}.json").read_text())
    payloads = list(_payloads(recorded))
    assert payloads
    text = " ".join([json.dumps(recorded), *payloads])
    told = r"Launch|party|Flood|Doors|example\.org|alice|bob|carol|nora|Firefox|second|systemmail|json://"
    assert not re.search(told, text, re.IGNORECASE)


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

"""The embedded Temporal server: a real one, stopped and started as the stack would."""

import socket
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from core.errors import Code, SoonishError
from tests.servers import TemporalServer, free_port


async def retention_days(address: str) -> float:
    client = await Client.connect(address, namespace="soonish")
    answer = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace="soonish"))
    return answer.config.workflow_execution_retention_ttl.ToSeconds() / 86_400


async def test_it_serves_its_namespace_and_keeps_finished_workflows_for_thirty_days(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path) as server:
        assert await retention_days(server.address) == 30


async def test_it_comes_back_on_the_same_port_with_what_it_knew(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path) as server:
        client = await Client.connect(server.address, namespace="soonish")
        await client.start_workflow("Nobody", id="kept", task_queue="nobody")
        address = server.address
        await server.stop()
        assert server.pid is None
        await server.start()
        assert server.address == address
        again = await Client.connect(address, namespace="soonish")
        assert (await again.get_workflow_handle("kept").describe()).id == "kept"


async def test_what_it_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path) as server:
        client = await Client.connect(server.address, namespace="soonish")
        await client.start_workflow("Nobody", id="kept", task_queue="nobody")
        await server.kill()
        await server.start()
        again = await Client.connect(server.address, namespace="soonish")
        assert (await again.get_workflow_handle("kept").describe()).id == "kept"


async def test_a_taken_port_is_refused_and_names_the_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SoonishError, match=f"Port {port}") as refusal:
            await TemporalServer(tmp_path, port).start()
    assert refusal.value.code is Code.CONFLICT


async def test_another_server_on_the_port_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody takes the port between the check and the start: the probe must not be satisfied by them."""
    monkeypatch.setattr("cli.embedded.port_is_free", lambda _: True)
    async with TemporalServer(tmp_path / "theirs") as theirs:
        with pytest.raises(SoonishError, match="stopped before it was ready") as failure:
            await TemporalServer(tmp_path / "ours", theirs.port).start()
    assert "address already in use" in str(failure.value.hint)


async def test_two_servers_never_share_a_database(tmp_path: Path) -> None:
    async with TemporalServer(tmp_path):
        with pytest.raises(SoonishError, match="temporal"):
            await TemporalServer(tmp_path).start(seconds=5)

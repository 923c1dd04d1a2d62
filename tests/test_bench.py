"""The benchmark counts at the far end until it is quiet, and fails when a message was lost or came twice."""

import json

import pytest

from bench import __main__ as command
from bench.measures import Carried
from bench.product import Sink, sink
from bench.rows import Row


async def post(far: Sink, *paths: str) -> None:
    for path in paths:
        async with far.session.post(f"http://127.0.0.1:{far.http}{path}", data=b"x"):
            continue


async def test_doubles_that_come_after_everybody_was_reached_are_counted_and_do_not_change_the_rate() -> None:
    async with sink() as far:
        await far.reset()
        await post(far, "/hook/1", "/hook/2")
        reached = await far.until(2)
        await post(far, "/hook/1")
        found = await far.quiet(2, quiet=0.2)
    assert (found["count"], found["different"], found["last_new"]) == (3, 2, reached["last_new"])


async def test_what_never_comes_is_not_waited_for_and_counts_as_lost() -> None:
    async with sink() as far:
        await far.reset()
        await post(far, "/hook/1")
        found = await far.quiet(3, quiet=0.05, stuck=0.3)
    carried = Carried(3, found["count"], found["different"], 1.0)
    assert {row.what: row.value for row in carried.rows()} == {"lost": 2, "doubled": 0}


@pytest.mark.parametrize(("arrived", "different", "code"), [(3, 3, 0), (4, 3, 1), (2, 2, 1), (3, 2, 1)])
def test_the_command_fails_on_a_loss_and_on_a_double(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arrived: int, different: int, code: int
) -> None:
    async def measure() -> list[Row]:
        return Carried(3, arrived, different, 1.0).rows()

    monkeypatch.setattr(command, "MEASURES", {"made": measure})
    monkeypatch.setattr("sys.argv", ["bench", "--json"])
    assert command.main() == code
    said = capsys.readouterr()
    assert {row["what"]: row["value"] for row in json.loads(said.out)["made"]} == {
        "lost": 3 - different, "doubled": arrived - different
    }  # fmt: skip
    assert ("FAILED" in said.err) == bool(code)

"""The script that sets everything up: what it hands to the processes that it starts."""

import importlib
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def dev() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "dev"))


def test_bytecode_is_kept_whatever_the_terminal_says(dev: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("SOONISH_DATA", "/elsewhere")
    environment = dev["environment"]()
    assert "PYTHONDONTWRITEBYTECODE" not in environment
    assert environment["SOONISH_DATA"] == "/elsewhere"


def test_what_is_compiled_beforehand_exists(dev: dict[str, Any]) -> None:
    for names in dev["LOADS"]:
        for name in names.split(","):
            importlib.import_module(name.strip())


@pytest.mark.parametrize(
    ("args", "alone"),
    [
        ([], False),
        (["-q", "-k", "when"], False),
        ([__file__], True),
        ([f"{__file__}::test_x"], True),
        (["--pdb"], True),
    ],
)
def test_the_whole_suite_uses_the_cores_there_are(dev: dict[str, Any], args: list[str], alone: bool) -> None:
    assert ("-n" not in dev["spread"](args)) == alone

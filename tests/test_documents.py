"""The documents keep up with the code."""

import re
from pathlib import Path

from core.settings import Settings

ROOT = Path(__file__).parents[1]


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert documented - {"SOONISH_AS", "SOONISH_LOG_LEVEL"} == {name.upper() for name in Settings.model_fields}


def test_no_file_names_a_package_registry_or_a_path_of_some_machine() -> None:
    hosts = re.compile("|".join(("py" + "pi.org", "python" + "hosted", "npm" + "js.org")))
    for path in ROOT.rglob("*"):
        if path.suffix in {".py", ".md", ".txt", ".toml"} and not set(path.parts) & {".venv", ".tools", "data"}:
            assert not hosts.search(path.read_text()), path


def test_links_between_documents_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} → {target}"

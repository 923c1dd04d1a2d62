"""The mailbox page of development."""

import email.message
from pathlib import Path

import pytest

from core.settings import Settings
from core.temporal import Temporal
from core.wiring import build_core, build_outbound
from tests.web.client import Client
from tests.web.conftest import Stage
from web.app import create_app

FIRST, SECOND = "1795000000000000-000001", "1795000060000000-000002"


@pytest.fixture
def folder(settings: Settings) -> Path:
    path = settings.soonish_data / "mailbox"
    path.mkdir()
    for name, to in ((FIRST, "nora@example.org"), (SECOND, "Ada@example.org")):
        mail = email.message.EmailMessage()
        mail["X-Envelope-To"] = to
        mail["From"] = "Soonish <nudge@localhost>"
        mail["Subject"] = f"Hello <b>{to}</b>"
        mail["List-Unsubscribe"] = "<https://soonish.test/u/abc-DEF_1>"
        mail.set_content("As text")
        mail.add_alternative("<p style='color:red'>As HTML</p><script>alert(1)</script>", subtype="html")
        (path / f"{name}.eml").write_bytes(mail.as_bytes())
    return path


PATHS = ["/dev/mailbox", "/dev/mailbox.json", f"/dev/mailbox/{FIRST}", f"/dev/mailbox/{FIRST}/body"]


async def test_mails_are_listed_newest_first_and_found_by_recipient(stage: Stage, folder: Path) -> None:
    found = (await stage.visitor.get("/dev/mailbox.json")).json
    assert [each["id"] for each in found] == [SECOND, FIRST]
    assert sorted(found[0]) == ["headers", "html", "id", "received_at", "subject", "text", "to"]
    [one] = (await stage.visitor.get("/dev/mailbox.json?to=NORA@example.org")).json
    assert (one["to"], one["text"]) == (["nora@example.org"], "As text\n")


async def test_a_mail_is_shown_in_a_frame_that_can_do_nothing(stage: Stage, folder: Path) -> None:
    page = await stage.visitor.get(f"/dev/mailbox/{FIRST}")
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    assert "<b>nora" not in page.text
    assert 'action="/u/abc-DEF_1"' in page.text
    body = await stage.visitor.get(f"/dev/mailbox/{FIRST}/body")
    assert "As HTML" in body.text
    policy = body.headers["content-security-policy"]
    assert "sandbox allow-popups" in policy
    assert "script-src" not in policy


async def test_a_mail_that_is_not_there_is_not_found(stage: Stage, folder: Path) -> None:
    for mail_id in ("1795000000000000-000009", "..%2f..%2fsecrets", "../secrets.json", "x"):
        for end in ("", "/body"):
            assert (await stage.visitor.get(f"/dev/mailbox/{mail_id}{end}")).status == 404


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_mailbox_there_is_no_page(stage: Stage, path: str) -> None:
    assert (await stage.visitor.get(path)).status == 404


@pytest.mark.parametrize("path", PATHS)
async def test_production_has_no_mailbox(settings: Settings, folder: Path, path: str) -> None:
    production = Settings(
        _env_file=None,
        soonish_env="production",
        soonish_data=settings.soonish_data,
        secret_key="s" * 32,
        encryption_keys="k" * 32,
        database_url=settings.database,
        smtp_server="mail.example",
        temporal_url="temporal.example:7233",
        public_base_url="https://soonish.example",
    )
    core = build_core(production)
    app = create_app(core, build_outbound(core), Temporal(production))
    assert (await Client(app).get(path)).status == 404
    await core.db.close()

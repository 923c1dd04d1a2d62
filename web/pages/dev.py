"""The development mailbox: what Soonish sent on this machine. There only while mail really goes there."""

import asyncio
import re
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse

from core.times import distance
from web.mailbox import MailboxEntry, read_mail, read_mailbox
from web.render import CSP
from web.site import Site, SiteOf

_BODY_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_UNSUBSCRIBE = re.compile(r"<https?://[^/>]+(/u/[\w-]+)>")


async def mailbox_folder(site: SiteOf) -> Path:
    """404 unless the development mailbox is in use."""
    folder = site.settings.soonish_data / "mailbox"
    if site.settings.production or not folder.is_dir():
        raise HTTPException(404)
    return folder


Folder = Annotated[Path, Depends(mailbox_folder)]
router = APIRouter(prefix="/dev")


@router.get("/mailbox.json")
async def mailbox_json(folder: Folder, to: str | None = None) -> Response:
    """Newest first."""
    found = await asyncio.to_thread(read_mailbox, folder, to)
    return JSONResponse([_as_json(each) for each in found], headers={"Cache-Control": "no-store"})


@router.get("/mailbox")
async def mailbox(site: SiteOf, folder: Folder) -> Response:
    mails = await asyncio.to_thread(read_mailbox, folder)
    return _page(site, mails, mails[0] if mails else None)


@router.get("/mailbox/{mail_id}")
async def mailbox_mail(site: SiteOf, folder: Folder, mail_id: str) -> Response:
    mails = await asyncio.to_thread(read_mailbox, folder)
    return _page(site, mails, await _mail(folder, mail_id))


@router.get("/mailbox/{mail_id}/body")
async def mailbox_body(folder: Folder, mail_id: str) -> Response:
    """The mail's own HTML, in a frame that can do nothing: it is its own response, with its own policy."""
    mail = await _mail(folder, mail_id)
    return HTMLResponse(f'<base target="_blank">{mail.html}', headers={"Content-Security-Policy": _BODY_CSP})


async def _mail(folder: Path, mail_id: str) -> MailboxEntry:
    found = await asyncio.to_thread(read_mail, folder, mail_id)
    if found is None:
        raise HTTPException(404)
    return found


def _page(site: Site, mails: list[MailboxEntry], current: MailboxEntry | None) -> Response:
    now = site.core.clock.now()
    link = _UNSUBSCRIBE.search(current.headers.get("List-Unsubscribe", "")) if current else None
    return site.pages.page(
        "mailbox.html",
        headers={"Content-Security-Policy": f"{CSP}; frame-src 'self'", "Cache-Control": "no-store"},
        mails=[(each, distance(now, each.received_at)) for each in mails],
        current=current,
        leave=link.group(1) if link else None,
    )


def _as_json(mail: MailboxEntry) -> dict[str, Any]:
    return {
        "id": mail.id,
        "to": list(mail.to),
        "subject": mail.subject,
        "headers": mail.headers,
        "text": mail.text,
        "html": mail.html,
        "received_at": mail.received_at.isoformat(),
    }

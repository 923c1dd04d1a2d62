"""Whether what Soonish talks to answers: Temporal, the mail server, and its own site at the address people use."""

import datetime as dt
import ipaddress
from urllib.parse import urlsplit

import aiohttp
import aiosmtplib

from core.operations.report import Finding, fine, trouble
from core.settings import Settings
from core.temporal import Matter, Temporal
from core.work import Core

_SECONDS = 5.0
_STALE = dt.timedelta(seconds=90)
"""A worker asks for work at least once a minute; Temporal remembers it for five. One that was stopped is noticed late,
so what is said is when it asked."""
_WAITS = " What is owed waits meanwhile; none of it is lost."


async def check_temporal(core: Core) -> Finding:
    found = await Temporal(core.settings).check()
    where = f"{found.address}, namespace {found.namespace}"
    if found.reachable:
        return fine("temporal", f"answers at {where}")
    hint = _WHAT_TO_DO[found.matter or "foreign"].format(namespace=found.namespace)
    return trouble("temporal", f"{where}: {found.error}", hint + _WAITS)


_WHAT_TO_DO: dict[Matter, str] = {
    "absent": "Start Temporal (soonish run brings its own), or correct TEMPORAL_URL.",
    "hanging": "Restart Temporal, or give it more room: its own log says what it is busy with.",
    "foreign": "Correct TEMPORAL_URL: it is the host:port of Temporal's gRPC front end. If it is, see Temporal's log.",
    "namespace": "Run: temporal operator namespace create -n {namespace} --retention 720h, or set TEMPORAL_NAMESPACE.",
    "refused": "Let this machine in: Soonish connects without TLS and without a key.",
}


async def check_worker(core: Core) -> Finding:
    """Asked of Temporal, so only where that answers."""
    temporal = Temporal(core.settings)
    polled_at = await temporal.polled_at()
    ago = dt.datetime.now(dt.UTC) - polled_at if polled_at else None
    if ago is None or ago > _STALE:
        return trouble("worker", f"none takes work from the queue {temporal.task_queue}", "Run: soonish run worker")
    return fine("worker", f"asked the queue {temporal.task_queue} for work {max(0, round(ago.total_seconds()))} s ago")


async def check_mail(core: Core) -> Finding:
    """Connects, greets, and signs in if a user name is set; sends nothing."""
    settings = core.settings
    where = f"{settings.smtp_server}:{settings.smtp_port}"
    password = settings.smtp_password
    try:
        async with aiosmtplib.SMTP(
            hostname=settings.smtp_server,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout=_SECONDS,
        ) as client:
            await client.ehlo()
    except aiosmtplib.SMTPAuthenticationError as error:
        return trouble("mail", f"{where} refuses the sign-in ({error.code})", "Check SMTP_USERNAME and SMTP_PASSWORD.")
    except (aiosmtplib.SMTPException, OSError) as error:
        hint = "Check SMTP_SERVER, SMTP_PORT and SMTP_SECURITY. Mail waits and is tried again."
        return trouble("mail", f"{where} does not answer: {type(error).__name__}", hint)
    return fine("mail", f"{where} answers" + (" and signs us in" if settings.smtp_username else ""))


async def check_site(core: Core) -> Finding:
    base = core.settings.public_base_url
    if wrong := _unfit(core.settings):
        return trouble(
            "site", wrong, "Set PUBLIC_BASE_URL to the address people open, such as https://events.example.org"
        )
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    hint = "Start it with soonish run web, or correct PUBLIC_BASE_URL: every link in a mail begins with it."
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(f"{base}/api/health") as answer:
            # A proxy says 503 too, for a site that is gone; its own answer names the database.
            if answer.status == 503 and '"database":"unreachable"' in (await answer.text()).replace(" ", ""):
                words = f"{base} is up, and cannot read its database"
                return trouble("site", words, "Put the database in order first; the site needs no restart for it.")
            if answer.status != 200:
                words = f"{base} is not Soonish, or a proxy stands in its way: /api/health answers {answer.status}"
                return trouble("site", words, "Correct PUBLIC_BASE_URL or the proxy: every link in a mail leads there.")
    except (aiohttp.ClientError, OSError) as error:
        return trouble("site", f"{base} does not answer: {type(error).__name__}", hint)
    return fine("site", f"{base} answers")


def _unfit(settings: Settings) -> str | None:
    """What is wrong with PUBLIC_BASE_URL before anything is asked."""
    parts = urlsplit(settings.public_base_url)
    if not parts.hostname:
        return "PUBLIC_BASE_URL names no host"
    if parts.query or parts.fragment or parts.username:
        return "PUBLIC_BASE_URL must be a plain address, without a query or a user name"
    if settings.production and parts.scheme != "https":
        return "PUBLIC_BASE_URL must be https in production"
    if _local(parts.hostname) and (settings.production or _in_chat(settings)):
        return "PUBLIC_BASE_URL leads to this machine only"
    return None


def _in_chat(settings: Settings) -> bool:
    """Whether people press our links on a platform that is not on this machine itself."""
    discord = settings.discord_bot_token is not None and not _local(
        urlsplit(settings.discord_api_base_url).hostname or ""
    )
    slack = settings.slack_bot_token is not None or settings.slack_installs
    return discord or (slack and not _local(urlsplit(settings.slack_api_base_url).hostname or ""))


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

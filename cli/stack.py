"""What the embedded stack consists of, decided from the settings, and how other commands find it while it runs."""

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from cli.embedded import TemporalServer
from cli.processes import Role, next_free_port, port_is_free, write_whole
from core.errors import conflict
from core.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
MIGRATE = "import os; from core.db.migrate import upgrade; upgrade(os.environ['DATABASE_URL'])"
"""In a process of its own, whose memory goes when it is done: the supervisor stays small for as long as it runs."""


@dataclass(frozen=True)
class Stack:
    """`<data>/run/stack.json`, there while the stack is ready."""

    url: str
    temporal: str
    smtp: str
    metrics: str
    """Where the worker answers Prometheus."""
    mailbox: str | None
    """The folder of the development mailbox; None when mail goes to a real server."""


@dataclass(frozen=True)
class Plan:
    stack: Stack
    migrations: Role
    services: list[Role]
    """What the others need: Temporal and the mailbox, each unless the settings name a real one."""
    roles: list[Role]
    notes: list[str]
    """What the person should know: a port other than the usual, and what is off with how to switch it on."""


def plan(settings: Settings, port: int | None = None) -> Plan:
    """`port` is the one the person asked for: taken, it is refused; the default gives way to the next free one."""
    given = settings.model_fields_set
    data = settings.soonish_data.resolve()
    web_port = _web_port(settings, port)
    services: list[Role] = []
    temporal, smtp, mailbox = settings.temporal_url, f"{settings.smtp_server}:{settings.smtp_port}", None
    if "temporal_url" not in given:
        server = TemporalServer(data, next_free_port(7233), namespace=settings.temporal_namespace)
        services.append(Role("temporal", server.argv(), ready=server.ready))
        temporal = server.address
    if "smtp_server" not in given:
        mail_port, mailbox = next_free_port(1025), str(data / "mailbox")
        argv = _python("-m", "cli.mailsink", "--folder", mailbox, "--port", str(mail_port))
        services.append(Role("mail", argv, _import_path()))
        smtp = f"127.0.0.1:{mail_port}"
    host = "127.0.0.1" if settings.web_host in ("0.0.0.0", "::") else settings.web_host  # noqa: S104 - what to open
    metrics = f"{settings.metrics_host}:{_metrics_port(settings)}"
    stack = Stack(f"http://{f'[{host}]' if ':' in host else host}:{web_port}", temporal, smtp, metrics, mailbox)
    env = environment(settings, stack, web_port)
    return Plan(
        stack=stack,
        migrations=Role("migrations", _python("-c", MIGRATE), {**env, "DATABASE_URL": settings.database}),
        services=services,
        roles=[Role(name, _python("-m", "cli", "run", name), env) for name in _roles(settings)],
        notes=[*_moved(settings, web_port, port), "Off, and how to switch it on:", *_switched_off(settings)],
    )


def environment(settings: Settings, stack: Stack, web_port: int) -> dict[str, str]:
    """How the roles learn what was decided here: the settings' own names. What the person set stays as it is."""
    env = {
        **_import_path(),
        "SOONISH_DATA": str(settings.soonish_data.resolve()),
        "TEMPORAL_URL": stack.temporal,
        "WEB_PORT": str(web_port),
        "METRICS_PORT": stack.metrics.rpartition(":")[2],
    }
    if stack.mailbox:
        server, _, port = stack.smtp.rpartition(":")
        env |= {"SMTP_SERVER": server, "SMTP_PORT": port, "SMTP_SECURITY": "none"}
    if "public_base_url" not in settings.model_fields_set:
        env["PUBLIC_BASE_URL"] = stack.url
    if not settings.production and "reminder_lead_seconds" not in settings.model_fields_set:
        env["REMINDER_LEAD_SECONDS"] = "5"
    if not settings.production and "retry_delays_seconds" not in settings.model_fields_set:
        env["RETRY_DELAYS_SECONDS"] = "2,4,8"
    return env


def announcement(plan: Plan, seconds: float) -> list[str]:
    stack = plan.stack
    mailbox = [f"  Mailbox    {stack.url}/dev/mailbox  (mail stays on this machine)"] if stack.mailbox else []
    return [
        f"Soonish is ready after {seconds:.1f} s.",
        f"  Site       {stack.url}",
        *mailbox,
        f"  API docs   {stack.url}/api/docs",
        "",
        *plan.notes,
        "",
        "Try: ./dev soonish demo   (in another terminal; Ctrl-C here stops everything)",
    ]


def _switched_off(settings: Settings) -> list[str]:
    given = settings.model_fields_set
    lines = []
    if "smtp_server" not in given:
        lines.append(
            "  Real mail  set SMTP_SERVER, SMTP_PORT, SMTP_SECURITY, SMTP_USERNAME, SMTP_PASSWORD and SMTP_FROM"
        )
    if settings.sqlite:
        lines.append("  PostgreSQL set DATABASE_URL to postgresql+psycopg://…  (now: SQLite)")
    if settings.discord_bot_token is None:
        lines.append("  Discord    set DISCORD_BOT_TOKEN  (ten minutes: docs/discord.md)")
    if not settings.on_slack:
        lines.append("  Slack      set SLACK_BOT_TOKEN and SLACK_APP_TOKEN  (ten minutes: docs/slack.md)")
    if "temporal_url" not in given:
        lines.append("  Temporal   set TEMPORAL_URL to a cluster's host:port  (now: a server of its own)")
    return lines


def _roles(settings: Settings) -> list[str]:
    bots = [
        name for name, token in (("discord", settings.discord_bot_token), ("slack", settings.slack_app_token)) if token
    ]
    return ["worker", "web", *bots]


def _moved(settings: Settings, web_port: int, asked: int | None) -> list[str]:
    if web_port in (asked, settings.web_port):
        return []
    return [f"Port {settings.web_port} is taken by another program, so the site is on {web_port}.", ""]


def _web_port(settings: Settings, asked: int | None) -> int:
    if asked is None and "web_port" not in settings.model_fields_set:
        return next_free_port(settings.web_port, settings.web_host)
    port = asked or settings.web_port
    if not port_is_free(port, settings.web_host):
        raise conflict(f"Port {port} is taken by another program.", hint="Choose another with --port, or name none.")
    return port


def _metrics_port(settings: Settings) -> int:
    """As it was asked for, or the next free one."""
    if "metrics_port" in settings.model_fields_set:
        return settings.metrics_port
    return next_free_port(settings.metrics_port, settings.metrics_host)


def _python(*args: str) -> list[str]:
    return [sys.executable, *args]


def _import_path() -> dict[str, str]:
    """So that the roles find this code from any folder."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def prepare(settings: Settings) -> Path:
    """The data folder, closed to other users of the machine: it holds keys and addresses."""
    data = settings.soonish_data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o700)
    (data / "run").mkdir(exist_ok=True)
    return data


@contextmanager
def locked(data: Path, patience: float = 2.0) -> Iterator[int]:
    """One stack on a folder. Children share the lock, so a killed stack frees it when its last process is gone."""
    with (data / "run" / "lock").open("a+") as file:
        until = time.monotonic() + patience
        while not _lock(file.fileno()):
            if time.monotonic() > until:
                file.seek(0)
                holder = file.read().strip() or "?"
                hint = "Stop it first, or choose another folder with SOONISH_DATA."
                raise conflict(f"Soonish is already running on {data} (process {holder}).", hint=hint)
            time.sleep(0.05)
        for stale in [_file(data), *(data / "run").glob("*.pid")]:  # of a stack that was killed
            stale.unlink(missing_ok=True)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield file.fileno()


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def publish(data: Path, stack: Stack) -> None:
    write_whole(_file(data), json.dumps({**asdict(stack), "supervisor": os.getpid()}, indent=2) + "\n")


def withdraw(data: Path) -> None:
    _file(data).unlink(missing_ok=True)


def running_stack(data: Path) -> Stack | None:
    """The stack that is ready on this data folder, if there is one."""
    with suppress(FileNotFoundError), (data / "run" / "lock").open() as file:
        found = json.loads(_file(data).read_text())
        supervisor = found.pop("supervisor")
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            # Held by it, by the last of its children after it was killed, or by the next one before it has cleaned up.
            return Stack(**found) if _is_alive(supervisor) else None
    return None


def _is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _file(data: Path) -> Path:
    return data / "run" / "stack.json"

"""What a platform was told last, such as the commands there are: so that it is told again only when it is news, or when
it was told something else meanwhile."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from core.db.models import ServiceFlag
from core.work import Work


async def read_told(work: Work, name: str) -> str | None:
    row = await work.session.get(ServiceFlag, name)
    return row.value if row is not None else None


async def tell(work: Work, name: str, mark: str) -> None:
    """To be called once the platform has taken it: a crash in between tells it again, which does no harm."""
    row = await work.session.get(ServiceFlag, name)
    if row is None:
        work.session.add(ServiceFlag(name=name, value=mark, set_at=work.now))
    else:
        row.value, row.set_at = mark, work.now


async def told_elsewhere(work: Work, application_id: str, guild_id: int | None) -> list[int | None]:
    """For which servers (None: for all) the commands were told that are now told elsewhere."""
    prefix, name = commands_name(application_id, None), commands_name(application_id, guild_id)
    others = select(ServiceFlag.name).where(
        ServiceFlag.name.startswith(prefix, autoescape=True), ServiceFlag.name != name
    )
    ends = [found.removeprefix(prefix) for found in await work.session.scalars(others)]
    return [int(end) if end else None for end in ends]


async def forget_told(work: Work, name: str) -> None:
    if (row := await work.session.get(ServiceFlag, name)) is not None:
        await work.session.delete(row)


def commands_name(application_id: str, guild_id: int | None) -> str:
    """Under which name the commands of a Discord application are remembered; of one server's alone, if it names one."""
    return f"discord_commands:{application_id}:{guild_id or ''}"


def commands_mark(fingerprint: str, commands: Iterable[dict[str, Any]]) -> str:
    """What was told, and the version that Discord gave to each command: whoever else changes one changes that."""
    return " ".join([fingerprint, *versions_of(commands)])


def versions_of(commands: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(str(each.get("version", "")) for each in commands)

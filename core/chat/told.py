"""What a platform was told last, such as the commands there are: so that it is told again only when it is news."""

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


def commands_name(application_id: str, guild_id: int | None) -> str:
    """Under which name the commands of a Discord application are remembered; of one server's alone, if it names one."""
    return f"discord_commands:{application_id}:{guild_id or ''}"

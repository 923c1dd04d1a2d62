"""Opening one address of this machine to deliveries for a while: for a demo and for seeded subscribers, never in
production."""

import datetime as dt
import ipaddress

from sqlalchemy import delete

from core.db.models import DeliveryOpening
from core.errors import SoonishError, conflict, invalid
from core.settings import Settings
from core.work import Work

LONGEST = dt.timedelta(hours=1)


def refuse_in_production(settings: Settings, what: str) -> None:
    if settings.production:
        raise conflict(f"{what} is for development only.", hint="SOONISH_ENV says production.")


async def open_destination(work: Work, address: str, port: int, lifetime: dt.timedelta) -> int:
    """Let deliveries reach this one loopback address and port. Answers the opening's id."""
    refuse_in_production(work.settings, "Opening an address")
    ip = loopback(address)
    if not dt.timedelta(0) < lifetime <= LONGEST:
        raise invalid(f"An opening lasts {LONGEST} at most.")
    await work.session.execute(delete(DeliveryOpening).where(DeliveryOpening.expires_at <= work.now))
    row = DeliveryOpening(
        network=str(ipaddress.ip_network(ip)), port=port, expires_at=work.now + lifetime, created_at=work.now
    )
    work.session.add(row)
    await work.session.flush()
    work.subject, work.detail = f"opening:{row.id}", {"network": row.network, "port": port}
    return row.id


async def close_destination(work: Work, opening_id: int) -> None:
    work.subject = f"opening:{opening_id}"
    await work.session.execute(delete(DeliveryOpening).where(DeliveryOpening.id == opening_id))


def loopback(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Refuses anything but an address of this machine."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        raise _elsewhere() from None
    if not ip.is_loopback:
        raise _elsewhere()
    return ip


def _elsewhere() -> SoonishError:
    return invalid("Only this machine's own address can be opened.", hint="Use 127.0.0.1 and a port.")

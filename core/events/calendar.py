"""An event for the calendars that people keep."""

from core.events.access import visible_event
from core.rendering.calendar import calendar_file
from core.work import Work


async def event_calendar(work: Work, public_id: str) -> str:
    """Its iCalendar file, for whoever may see it; what is cancelled stays there and says so."""
    event = await visible_event(work, public_id)
    return calendar_file(event, work.settings.public_base_url, work.settings.smtp_from)

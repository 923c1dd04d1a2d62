"""What a phrase means at a moment, in a zone: one reading, two where two are possible, or a refusal with a hint."""

import datetime as dt
from collections.abc import Iterator
from datetime import tzinfo
from zoneinfo import ZoneInfo

from core.errors import SoonishError
from core.times import LATEST, distance, say_exactly
from core.when.grammar import parse
from core.when.phrase import Clock, Day, Phrase, refuse
from core.when.words import Daypart

UTC = dt.UTC
_MONTH_FIRST = frozenset({"US", "PH", "JP", "CN", "TW", "KR", "HU", "FM", "MH", "PW", "GU"})
_EITHER_ORDER = frozenset({"CA"})
_MONTH_FIRST_LANGUAGES = frozenset({"ja", "zh", "ko", "hu"})
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LATER = "Pick a later time."


def read(text: str, now: dt.datetime, zone: str, locale: str | None = None) -> list[dt.datetime]:
    """The instants (UTC, future, within five years) that `text` can mean, earliest first: one, or two to choose from.

    `now` is an aware datetime, `zone` the speaker's IANA zone, `locale` like `en-GB`. Raises SoonishError (INVALID,
    field `when`) with a hint for everything else; it raises nothing else.
    """
    language, order = _habits(locale)
    phrase = parse(text, zone=zone, month_first=order, language=language)
    moment = _Moment(phrase, " ".join(text.split()), now.astimezone(UTC), ZoneInfo(zone))
    found = sorted(set(moment.instants()))
    if len(found) > 2:
        raise refuse(
            "That can be read in more than two ways.", 'Say am or pm, and write the month as a word, like "27 Nov".'
        )
    return found


def say(instant: dt.datetime, now: dt.datetime, zone: str) -> str:
    """`Fri 27 Nov 2026, 19:00 · Europe/Berlin · in 4 days`; read back in the same zone it is the same instant."""
    return f"{say_exactly(instant, zone)} · {zone} · {distance(now, instant)}"


def _habits(locale: str | None) -> tuple[str, bool | None]:
    """The language of a locale (`de-AT`, `en_US.UTF-8`), and whether its writers put the month before the day: None
    where that is not known."""
    language, *rest = (locale or "").partition(".")[0].replace("_", "-").split("-")
    language, region = language.lower(), rest[-1].upper() if rest else ""
    if not language or region in _EITHER_ORDER or (not region and language == "en"):
        return language, None
    return language, region in _MONTH_FIRST if region else language in _MONTH_FIRST_LANGUAGES


class _Moment:
    """A phrase at a moment. Every method that cannot go on refuses."""

    def __init__(self, phrase: Phrase, text: str, now: dt.datetime, speaker: ZoneInfo) -> None:
        self._p = phrase
        self._text = text
        self._now = now
        self._speaker = speaker
        self._today = now.astimezone(speaker).date()
        self._zone: tzinfo = speaker
        if isinstance(phrase.zone, str):
            self._zone = ZoneInfo(phrase.zone)
        elif phrase.zone is not None:
            self._zone = phrase.zone

    def instants(self) -> list[dt.datetime]:
        if self._p.stamp is not None:
            return [self._checked(self._stamped(self._p.stamp))]
        if self._p.span is not None and self._p.span.seconds:
            return [self._checked(self._after_span())]
        found = [instant for day, clock in self._pairs(self._clocks()) for instant in self._at(day, clock)]
        if not found:
            raise refuse("The zone and the offset do not agree.", "Leave one of them out.")
        ahead = [instant for instant in found if instant > self._now]
        if not ahead:
            raise self._past(max(found))
        checked = [self._checked(instant) for instant in ahead]
        self._check_remark(checked)
        return checked

    def _stamped(self, seconds: int) -> dt.datetime:
        try:
            return dt.datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, OSError, ValueError):
            raise refuse("That Discord time is out of range.", "Copy it again.") from None

    def _after_span(self) -> dt.datetime:
        """Hours and minutes are exact; days before them are days of the calendar."""
        span = self._p.span
        assert span is not None  # noqa: S101 - asked before
        if self._p.clocks or self._p.midnight or self._p.has_day or self._p.daypart:
            raise refuse("That is a time and a distance.", f'Write one of them, like "in {span.words}".')
        start = self._now.astimezone(self._speaker)
        try:
            day = _months_later(start.date(), span.months) + dt.timedelta(days=span.days)
            local = dt.datetime.combine(day, start.time().replace(second=0, microsecond=0), self._speaker)
            return local.astimezone(UTC) + dt.timedelta(seconds=span.seconds)
        except (OverflowError, ValueError):
            raise self._too_far() from None

    # Clocks

    def _clocks(self) -> list[Clock]:
        if self._p.midnight:
            return [Clock(0)]
        if not self._p.clocks:
            if self._p.daypart is not None:
                raise refuse("What time exactly?", f'Add a time, like "{self._text} at {self._p.daypart.example}".')
            raise refuse("What time of day?", f'Add a time, like "{self._text} 7pm".')
        if self._p.daypart is not None:
            return self._clocks_in(self._p.daypart)
        if self._p.unmarked_hours and not (self._p.has_day or self._p.zone or self._p.span):
            raise refuse(
                f"Is {self._p.unmarked_hours} a time or a distance?",
                f'Write "in {self._p.unmarked_hours}" or "{self._p.clocks[0].hour}:{self._p.clocks[0].minute:02}".',
            )
        return self._p.clocks

    def _clocks_in(self, part: Daypart) -> list[Clock]:
        clocks = self._p.clocks_of_part or self._p.clocks
        fitting = [clock for clock in clocks if part.first <= clock.hour < part.last]
        if fitting:
            return fitting
        if part.last == 24 and any(clock.hour < 5 for clock in clocks):
            raise refuse("After midnight it is the next day.", 'Name that day, like "sat 1am".')
        raise refuse(f"That hour is not {part.name}.", 'Write the time like "7pm" or "19:00".')

    # Days

    def _pairs(self, clocks: list[Clock]) -> Iterator[tuple[dt.date, Clock]]:
        """Each time with its day: "monday at 9" on a Monday noon is tonight at nine or next week's morning."""
        for clock in clocks:
            for day in self._days(clock):
                yield day, clock

    def _days(self, clock: Clock) -> Iterator[dt.date]:
        p = self._p
        midnight_today = p.offset == 0 and p.daypart is not None
        if p.midnight and (p.days or p.weekday is not None or p.span or (p.offset is not None and not midnight_today)):
            raise refuse("Midnight at the start of that day, or at its end?", 'Write "00:00" with the day it begins.')
        if p.span is not None:
            try:
                yield _months_later(self._today, p.span.months) + dt.timedelta(days=p.span.days)
            except (OverflowError, ValueError):
                raise self._too_far() from None
        elif p.days:
            for day in p.days:
                yield self._calendar_day(day, clock)
        elif p.offset is not None:
            found = self._today + dt.timedelta(days=p.offset + (1 if p.midnight else 0))
            self._check_weekday(found)
            yield found
        elif p.weekday is not None:
            yield self._weekday(p.weekday, clock)
        elif p.week:
            raise refuse("Which day of next week?", 'Write it like "next week friday 7pm".')
        else:
            passed = p.midnight or not self._is_ahead(self._today, clock)
            yield self._today + dt.timedelta(days=1 if passed else 0)

    def _is_ahead(self, day: dt.date, clock: Clock) -> bool:
        return any(at > self._now for at in self._at(day, clock, quietly=True))

    def _weekday(self, weekday: int, clock: Clock) -> dt.date:
        p = self._p
        if p.week:
            monday = self._today - dt.timedelta(days=self._today.weekday())
            return monday + dt.timedelta(days=7 * p.week + weekday)
        ahead = (weekday - self._today.weekday()) % 7
        if ahead == 0:
            ahead = 7 if p.strictly_next or not self._is_ahead(self._today, clock) else 0
        return self._today + dt.timedelta(days=ahead)

    def _calendar_day(self, day: Day, clock: Clock) -> dt.date:
        if day.month is not None and not 1 <= day.month <= 12:
            raise refuse("There is no such month.", 'Write the month as a word, like "27 Nov".')
        if not 1 <= day.day <= 31:
            raise refuse(f"There is no day {day.day}.", 'Write it like "27 Nov".')
        if day.year is not None:
            found = _date(day.year, day.month or 1, day.day)
            if found is None:
                raise refuse("There is no such day.", "Look at the calendar again.")
        else:
            found = self._coming(day, clock)
        self._check_weekday(found)
        return found

    def _coming(self, day: Day, clock: Clock) -> dt.date:
        """Without a year, or without a month: the next such day whose time is still ahead. The date of today is today:
        if its time has passed that is a slip, and no event in a year."""
        for ahead in range(13 if day.month is None else 12 * 9):
            year, month = divmod(self._today.year * 12 + self._today.month - 1 + ahead, 12)
            if day.month not in (None, month + 1):
                continue
            found = _date(year, month + 1, day.day)
            if found is None or found < self._today - dt.timedelta(days=1):
                continue
            if found == self._today or self._is_ahead(found, clock):
                return found
        raise refuse("There is no such day.", "Look at the calendar again.")

    def _check_weekday(self, day: dt.date) -> None:
        if self._p.weekday is not None and day.weekday() != self._p.weekday:
            raise refuse(
                f"{day.day} {day:%b %Y} is a {_WEEKDAYS[day.weekday()]}, not a {_WEEKDAYS[self._p.weekday]}.",
                "Write the day or the weekday again.",
            )

    # From wall time to instants

    def _at(self, day: dt.date, clock: Clock, *, quietly: bool = False) -> list[dt.datetime]:
        """The instants at which clocks of the zone show that: two when it is doubled, none when it is skipped."""
        try:
            wall = dt.datetime.combine(day, dt.time(*clock))
            found = sorted({wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1)})
        except (OverflowError, ValueError):
            raise self._too_far() from None
        there = [at for at in found if at.astimezone(self._zone).replace(tzinfo=None) == wall]
        if not there and not quietly:
            raise self._skipped(wall)
        return [at for at in there if self._agrees(at)] if not quietly else there

    def _agrees(self, at: dt.datetime) -> bool:
        """An abbreviation must be in force on that day, and an offset beside a zone must be its offset then."""
        p = self._p
        if p.also_offset is not None:
            return at.astimezone(self._zone).utcoffset() == p.also_offset.utcoffset(None)
        if p.seasonal is None:
            return True
        hours, where, name = p.seasonal
        if at.astimezone(self._zone).utcoffset() != dt.timedelta(hours=hours):
            city = where.rsplit("/", 1)[-1].replace("_", " ")
            raise refuse(f"{name} is not in force on that day.", f'Name the place instead: "{city}".')
        return True

    def _skipped(self, wall: dt.datetime) -> SoonishError:
        after = wall.replace(tzinfo=self._zone, fold=0).astimezone(UTC).astimezone(self._zone)
        return refuse(
            f"{wall:%H:%M} does not exist on {wall.day} {wall:%b %Y}: the clocks go forward over it.",
            f'Write "{after:%H:%M}" or an earlier time.',
        )

    def _checked(self, instant: dt.datetime) -> dt.datetime:
        if instant <= self._now:
            raise self._past(instant)
        if instant - self._now > LATEST:
            raise self._too_far()
        return instant

    def _check_remark(self, instants: list[dt.datetime]) -> None:
        remark = self._p.remark
        if remark is not None and not any(distance(self._now, at) == remark for at in instants):
            raise refuse(f"That is not {remark}.", "Leave the distance out.")

    def _past(self, instant: dt.datetime) -> SoonishError:
        local = instant.astimezone(self._speaker)
        days = (self._today - local.date()).days
        day = {0: "today", 1: "yesterday"}.get(days, f"{local:%a} {local.day} {local:%b %Y},")
        return refuse(f"That is in the past ({day} {local:%H:%M}).", _LATER)

    def _too_far(self) -> SoonishError:
        return refuse("That is more than five years away.", "Pick an earlier time.")


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _months_later(day: dt.date, months: int) -> dt.date:
    """The same day of the month; a day that the month does not have is refused, not moved."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    found = _date(year, month + 1, day.day) if 1 <= year <= 9999 else None
    if found is None:
        raise ValueError
    return found

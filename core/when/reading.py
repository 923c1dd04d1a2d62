"""What a phrase means at a moment, in a zone: one reading, two where two are possible, or a refusal with a hint."""

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from datetime import tzinfo
from zoneinfo import ZoneInfo

from core.errors import SoonishError
from core.times import LATEST, distance, place_of, say_exactly
from core.when.cursor import EXAMPLE, Cursor
from core.when.grammar import parse
from core.when.phrase import Clock, Day, Phrase, Span, refuse
from core.when.spans import measure
from core.when.words import LANGUAGES, Daypart

UTC = dt.UTC
_MONTH_FIRST = frozenset({"US", "PH", "JP", "CN", "TW", "KR", "HU", "FM", "MH", "PW", "GU"})
_EITHER_ORDER = frozenset({"CA"})
_MONTH_FIRST_LANGUAGES = frozenset({"ja", "zh", "ko", "hu"})
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LATER = "Pick a later time."
IN_THE_PAST = "That is in the past"
"""How the refusal begins of what is understood, and has been."""
_DISAGREE = refuse("The zone and the offset do not agree.", "Leave one of them out.")


def read(text: str, now: dt.datetime, zone: str, locale: str | None = None) -> list[dt.datetime]:
    """The instants (UTC, future, within five years) that `text` can mean, earliest first: one, or two to choose from.

    `now` is an aware datetime, `zone` the speaker's IANA zone, `locale` like `en-GB`. Raises SoonishError (INVALID,
    field `when`) with a hint for everything else; it raises nothing else.
    """
    language, order = _habits(locale)
    phrase = parse(text, zone=zone, month_first=order, language=language)
    moment = _Moment(phrase, " ".join(text.split()), now.astimezone(UTC), ZoneInfo(zone), locale)
    found = sorted(set(moment.instants()))
    if len(found) > 2:
        raise moment.too_many(found)
    return found


def after_length(text: str, start: dt.datetime, zone: str, locale: str | None = None) -> dt.datetime | None:
    """When something that starts then is over (UTC), where `text` says how long it is: `2h`, `2 days`, `2 hours 30`.
    Hours and minutes are exact, days are those of the calendar in `zone`. None for what is no length; raises
    SoonishError for a number of nothing."""
    language, order = _habits(locale)
    c = Cursor(text, zone=zone, month_first=order, language=language)
    count = c.number(0, digits=3)
    if count is not None and len(c.atoms) == 1:
        raise refuse(f"{count} what?", f'Type "{count}{"h" if count <= 24 else " min"}" or "{count} days".')
    found, atoms = measure(c, 0)
    if found is None:
        return None
    minutes = c.number(atoms)
    if minutes is not None and minutes < 60 and found.seconds and found.seconds % 3600 == 0:
        found, atoms = found._replace(seconds=found.seconds + 60 * minutes), atoms + 1
    if atoms != len(c.atoms):
        return None
    return _Moment(Phrase(), text, start, ZoneInfo(zone), locale).after_span(found)


def is_a_time(text: str, locale: str | None = None) -> bool:
    """Whether every word of it is understood; not whether it can be: it may be past, or lack a time of day."""
    language, order = _habits(locale)
    try:
        parse(text, zone="UTC", month_first=order, language=language)
    except SoonishError:
        return False
    return True


def say(instant: dt.datetime, now: dt.datetime, zone: str) -> str:
    """`Fri 27 Nov 2026, 19:00 · Europe/Berlin · in 4 days`; read back in the same zone it is the same instant."""
    return f"{say_exactly(instant, zone)} · {zone} · {distance(now, instant)}"


def _habits(locale: str | None) -> tuple[str, bool | None]:
    """The language of a locale (`de-AT`, `en_US.UTF-8`), and whether its writers put the month before the day: None
    where that is not known."""
    parts = re.split(r"[-_]", re.split(r"[.@]", locale or "", maxsplit=1)[0])
    language = parts[0].lower() if parts[0].lower() in LANGUAGES else ""
    regions = itertools.takewhile(lambda part: len(part) > 1, parts[1:])
    region = next((part.upper() for part in regions if len(part) == 2 or part.isdigit()), "")
    if not language or region in _EITHER_ORDER or (not region and language == "en"):
        return language, None
    return language, region in _MONTH_FIRST if region else language in _MONTH_FIRST_LANGUAGES


class _Moment:
    """A phrase at a moment. Every method that cannot go on refuses."""

    def __init__(self, phrase: Phrase, text: str, now: dt.datetime, speaker: ZoneInfo, locale: str | None) -> None:
        self._locale = locale
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
            return [self._checked(self.after_span(self._p.span))]
        found: list[dt.datetime] = []
        skipped: list[dt.datetime] = []
        for clock in self._clocks():
            for day in self._days(clock):
                shown = self._shown(day, clock)
                found += shown
                if not shown:
                    skipped.append(_wall(day, clock))
        ahead = [instant for instant in found if instant > self._now]
        if not ahead:
            raise self._skipped(skipped[0]) if skipped else self._past(max(found))
        ahead = self._agreeing(ahead)
        checked = [self._checked(instant) for instant in ahead]
        self._check_remark(checked)
        return checked

    def _stamped(self, seconds: int) -> dt.datetime:
        try:
            return dt.datetime.fromtimestamp(seconds, UTC)
        except (OverflowError, OSError, ValueError):
            raise refuse("That Discord time is out of range.", "Copy it again.") from None

    def after_span(self, span: Span) -> dt.datetime:
        """Hours and minutes are exact; days before them are days of the calendar."""
        if self._p.zone is not None:
            raise refuse("A distance from now has no zone.", f'Write "in {span.words}".')
        if self._p.clocks or self._p.midnight or self._p.has_day or self._p.daypart:
            raise refuse("That is a time and a distance.", f'Write one of them, like "in {span.words}".')
        start = self._now.astimezone(self._speaker)
        try:
            day = self._span_day(start.date(), span)
            local = dt.datetime.combine(day, start.time().replace(second=0, microsecond=0), self._speaker)
            return local.astimezone(UTC) + dt.timedelta(seconds=span.seconds)
        except OverflowError:
            raise self._too_far() from None

    def _span_day(self, start: dt.date, span: Span) -> dt.date:
        """The same day of a later month; one that the month does not have is refused, not moved."""
        try:
            year, month = divmod(start.year * 12 + start.month - 1 + span.months, 12)
            if not 1 <= year <= dt.MAXYEAR:
                raise self._too_far()
            found = _date(year, month + 1, start.day)
            if found is None:
                raise refuse(f"That month has no day {start.day}.", EXAMPLE)
            return found + dt.timedelta(days=span.days)
        except OverflowError:
            raise self._too_far() from None

    # Clocks

    def _clocks(self) -> list[Clock]:
        if self._p.midnight:
            if self._p.daypart is not None and self._p.daypart.last != 24:
                raise refuse(f"Midnight is not {self._p.daypart.name}.", EXAMPLE)
            return [Clock(0)]
        if not self._p.clocks:
            if self._p.daypart is not None:
                raise refuse("What time exactly?", self._with_a_time(f"at {self._p.daypart.example}"))
            raise refuse("What time of day?", self._with_a_time("7pm"))
        if self._p.daypart is not None:
            return self._clocks_in(self._p.daypart)
        if self._p.unmarked_hours and (self._p.english or not self._p.has_day):
            first = self._p.clocks[0]
            hint = f'Write the time like "{first.hour:02}:{first.minute:02}", or "in {self._p.unmarked_hours}".'
            raise refuse(f"Is {self._p.unmarked_hours} a time or a distance?", hint)
        return self._p.clocks

    def _with_a_time(self, time: str) -> str:
        """What was typed with a time, if that can be read: "today 7pm" is no help at nine."""
        wanted = f"{self._text.rstrip('.!? ')} {time}"
        try:
            read(wanted, self._now, str(self._speaker), self._locale)
        except SoonishError:
            return EXAMPLE
        return f'Add a time, like "{wanted}".'

    def _clocks_in(self, part: Daypart) -> list[Clock]:
        clocks = self._p.clocks_of_part or self._p.clocks
        fitting = [clock for clock in clocks if part.first <= clock.hour < part.last]
        if fitting:
            return fitting
        if part.last == 24 and any(clock.hour < 4 for clock in clocks):
            raise refuse("After midnight it is the next day.", 'Name that day, like "sat 1am".')
        raise refuse(f"That hour is not {part.name}.", 'Write the time like "7pm" or "19:00".')

    # Days

    def _days(self, clock: Clock) -> Iterator[dt.date]:
        """The days that a time can be on. Each time has its own: "monday at 9" on a Monday noon is tonight at nine, or
        next week's morning."""
        p = self._p
        tonight = p.offset == 0 and p.daypart is not None and p.daypart.last == 24
        if p.midnight and (p.span or (p.has_day and not tonight)):
            raise refuse("Midnight at the start of that day, or at its end?", 'Write "00:00" with the day it begins.')
        if p.span is not None and p.counted_from:
            yield self._span_day(self._named_day(clock), p.span)
        elif p.span is not None:
            day = self._span_day(self._today, p.span)
            self._check_weekday(day)
            yield day
        elif p.days:
            yield from self._calendar_days(p.days, clock)
        elif p.has_day:
            yield self._named_day(clock)
        elif p.week is not None:
            raise refuse("Which day of that week?", 'Write it like "next week friday 7pm".')
        else:
            # In a zone to the west it can still be yesterday.
            around = (self._today + dt.timedelta(days=n) for n in (-1, 0, 1, 2))
            yield next(day for day in around if self._is_ahead(day, clock))

    def _named_day(self, clock: Clock) -> dt.date:
        """A weekday, or so many days from today."""
        p = self._p
        if p.offset is None:
            return self._weekday(p.weekday or 0, clock)
        found = self._today + dt.timedelta(days=p.offset + (1 if p.midnight else 0))
        self._check_weekday(found)
        return found

    def _is_ahead(self, day: dt.date, clock: Clock) -> bool:
        """Whether clocks there will have reached that time; one that they skip counts as where they go on."""
        return any(at > self._now for at in self._both_folds(day, clock))

    def _weekday(self, weekday: int, clock: Clock) -> dt.date:
        p = self._p
        if p.week is not None:
            monday = self._today - dt.timedelta(days=self._today.weekday())
            return monday + dt.timedelta(days=7 * p.week + weekday)
        ahead = (weekday - self._today.weekday()) % 7
        if ahead == 0:
            passed = not self._is_ahead(self._today, clock)
            ahead = 7 if p.pointed == "next" or (passed and p.pointed != "this") else 0
        return self._today + dt.timedelta(days=ahead)

    def _calendar_days(self, days: list[Day], clock: Clock) -> Iterator[dt.date]:
        """Of two orders the one that the weekday agrees with; or both."""
        refused: SoonishError | None = None
        found = []
        for given in days:
            try:
                found.append(self._calendar_day(given, clock))
            except SoonishError as error:
                refused = refused or error
        if not found and refused is not None:
            raise refused
        yield from found

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
        if self._p.pointed and found != self._weekday(found.weekday(), clock):
            raise refuse("Those are two days.", "Write one of them.")
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

    def _both_folds(self, day: dt.date, clock: Clock) -> list[dt.datetime]:
        try:
            wall = _wall(day, clock)
            return sorted({wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1)})
        except OverflowError:
            raise (self._past(None) if day < self._today else self._too_far()) from None

    def _shown(self, day: dt.date, clock: Clock) -> list[dt.datetime]:
        """The instants at which clocks of the zone show that: two when it is doubled, none when it is skipped."""
        wall = _wall(day, clock)
        return [at for at in self._both_folds(day, clock) if at.astimezone(self._zone).replace(tzinfo=None) == wall]

    def _agreeing(self, instants: list[dt.datetime]) -> list[dt.datetime]:
        """Those at which the offset beside a zone, or the season that an abbreviation names, is in force."""
        p = self._p
        wanted = p.also_offset.utcoffset(None) if p.also_offset is not None else None
        if p.seasonal is not None:
            season = dt.timedelta(hours=p.seasonal[0])
            if wanted not in (None, season):
                raise _DISAGREE
            wanted = season
        if wanted is None:
            return instants
        found = [at for at in instants if at.astimezone(self._zone).utcoffset() == wanted]
        if not found and p.seasonal is not None:
            place = place_of(p.seasonal[1])
            raise refuse(f"{p.seasonal[2]} is not in force at that time.", f'Name the place instead: "{place}".')
        if not found:
            raise _DISAGREE
        return found

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

    def too_many(self, found: list[dt.datetime]) -> SoonishError:
        """More than two: the half of the day is open, or the order of the date, and perhaps the hour comes twice."""
        walls = [at.astimezone(self._zone).replace(tzinfo=None) for at in found]
        twice = [at for at, wall in zip(found, walls, strict=True) if walls.count(wall) == 2]
        if not twice or len({wall.date() for wall in walls}) > 1:
            hint = 'Say am or pm, and write the month as a word, like "27 Nov".'
            return refuse("That can be read in more than two ways.", hint)
        name, once = str(self._zone), next(wall for wall in walls if walls.count(wall) == 1)
        first, second = (f'"{say_exactly(at, name)} · {name}"' for at in twice)
        message = f"{twice[0].astimezone(self._zone):%H:%M} comes twice that night: the clocks go back."
        return refuse(message, f'Write {first} or {second}; the afternoon is "{once:%H:%M}".')

    def _past(self, instant: dt.datetime | None) -> SoonishError:
        if instant is None or instant.year < 1900:
            return refuse("That is long past.", _LATER)
        local = instant.astimezone(self._speaker)
        days = (self._today - local.date()).days
        day = {0: "today", 1: "yesterday"}.get(days, f"{local:%a} {local.day} {local:%b %Y},")
        return refuse(f"{IN_THE_PAST} ({day} {local:%H:%M}).", _LATER)

    def _too_far(self) -> SoonishError:
        return refuse("That is more than five years away.", "Pick an earlier time.")


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _wall(day: dt.date, clock: Clock) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(*clock))

"""The words the grammar knows. A word is here because it has one meaning; whatever is not here is refused."""

from typing import NamedTuple

# German days first: beside one of them "am" is "on", not the morning.
GERMAN_DAYS: dict[str, int] = {
    day: number
    for number, days in enumerate(
        ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag sonnabend", "sonntag")
    )
    for day in days.split()
}
WEEKDAYS: dict[str, int] = {
    **GERMAN_DAYS,
    **dict.fromkeys(("monday", "mon", "lundi", "lunes", "mo", "lun"), 0),
    **dict.fromkeys(("tuesday", "tue", "tues", "mardi", "martes"), 1),
    **dict.fromkeys(("wednesday", "wed", "weds", "mercredi", "mer", "miércoles", "miercoles", "mié", "mie"), 2),
    **dict.fromkeys(("thursday", "thu", "thur", "thurs", "jeudi", "jeu", "jueves", "jue"), 3),
    **dict.fromkeys(("friday", "fri", "vendredi", "ven", "viernes", "vie", "fr"), 4),
    **dict.fromkeys(("saturday", "sat", "samedi", "sábado", "sabado", "sáb", "sab", "sa"), 5),
    **dict.fromkeys(("sunday", "sun", "dimanche", "domingo"), 6),
}
GERMAN_ENDINGS = ("vormittag", "nachmittag", "mittag", "morgen", "abend", "nacht", "früh")
# Beside these, "1h" is as likely a length as an hour.
ENGLISH_DAYS = {
    "today", "tomorrow", "monday", "mon", "tuesday", "tue", "tues", "wednesday", "wed", "weds", "thursday", "thu",
    "thur", "thurs", "friday", "fri", "saturday", "sat", "sunday", "sun",
}  # fmt: skip
# Days that only a writer of that language means by them.
WEEKDAYS_OF: dict[str, dict[str, int]] = {
    "de": {"di": 1, "mi": 2, "do": 3, "so": 6},
    "fr": {"dim": 6, "sam": 5},
    "es": {"dom": 6},
}
# March, or a Tuesday to those who write so.
MARCH_OR_TUESDAY = {"fr": 'Write "mardi" or "mars".', "es": 'Write "martes" or "marzo".'}

MONTHS: dict[str, int] = {
    **dict.fromkeys(("january", "jan", "januar", "jänner", "janvier", "janv", "enero", "ene"), 1),
    **dict.fromkeys(("february", "feb", "februar", "février", "fevrier", "févr", "febrero"), 2),
    **dict.fromkeys(("march", "mar", "märz", "maerz", "mars", "marzo", "mrz"), 3),
    **dict.fromkeys(("april", "apr", "avril", "avr", "abril", "abr"), 4),
    **dict.fromkeys(("may", "mai", "mayo"), 5),
    **dict.fromkeys(("june", "jun", "juni", "juin", "junio"), 6),
    **dict.fromkeys(("july", "jul", "juli", "juillet", "juil", "julio"), 7),
    **dict.fromkeys(("august", "aug", "août", "aout", "agosto"), 8),
    **dict.fromkeys(("september", "sep", "sept", "septembre", "septiembre"), 9),
    **dict.fromkeys(("october", "oct", "oktober", "okt", "octobre", "octubre"), 10),
    **dict.fromkeys(("november", "nov", "novembre", "noviembre"), 11),
    **dict.fromkeys(("december", "dec", "dezember", "dez", "décembre", "decembre", "déc", "diciembre", "dic"), 12),
}

# Typos that can be nothing else.
TYPOS: dict[str, str] = {
    **dict.fromkeys(("tommorow", "tomorow", "tommorrow", "tomorrw", "tommorw", "tomrrow"), "tomorrow"),
    **dict.fromkeys(("tmrw", "tmr", "tmw"), "tomorrow"),
    **dict.fromkeys(("toady", "tday"), "today"),
    **dict.fromkeys(("tonite", "tonigt"), "tonight"),
    **dict.fromkeys(("moday", "monady"), "monday"),
    **dict.fromkeys(("tuseday", "teusday", "tuesdy"), "tuesday"),
    **dict.fromkeys(("wendesday", "wednsday", "wensday", "wedensday", "wednesdy"), "wednesday"),
    **dict.fromkeys(("thrusday", "thurday", "thursdy", "thusday", "thirsday"), "thursday"),
    **dict.fromkeys(("firday", "fryday", "fridy", "friady"), "friday"),
    **dict.fromkeys(("saterday", "satuday", "saturdy", "satruday"), "saturday"),
    **dict.fromkeys(("sundy", "sudnay"), "sunday"),
    **dict.fromkeys(("janurary", "januray"), "january"),
    **dict.fromkeys(("febuary", "feburary", "febrary"), "february"),
    **dict.fromkeys(("agust", "augst"), "august"),
    **dict.fromkeys(("septemer", "setpember", "septmber"), "september"),
    **dict.fromkeys(("ocotber", "octobre"), "october"),
    **dict.fromkeys(("novemeber", "novmber", "noveber"), "november"),
    **dict.fromkeys(("decemeber", "decmber", "deceber"), "december"),
    **dict.fromkeys(("houres", "hourse"), "hours"),
    **dict.fromkeys(("minuts", "mintues", "minuites"), "minutes"),
}  # fmt: skip

# Counting from one, by language; the order gives the number.
_COUNTED = {
    "en": "one two three four five six seven eight nine ten eleven twelve",
    "de": "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "fr": "une deux trois quatre cinq six sept huit neuf dix onze douze",
    "es": "una dos tres cuatro cinco seis siete ocho nueve diez once doce",
}
_BY_LANGUAGE = {
    language: {word: number for number, word in enumerate(words.split(), 1)} for language, words in _COUNTED.items()
}
HOURS: dict[str, int] = {word: number for words in _BY_LANGUAGE.values() for word, number in words.items()}
NUMBERS: dict[str, int] = {
    **HOURS,
    **dict.fromkeys(("a", "an", "ein", "eine", "einer", "einem", "un"), 1),
    **dict.fromkeys(("fifteen", "fünfzehn", "quinze", "quince"), 15),
    **dict.fromkeys(("twenty", "zwanzig", "vingt", "veinte"), 20),
    **dict.fromkeys(("thirty", "dreißig", "trente", "treinta"), 30),
    **dict.fromkeys(("forty", "vierzig", "quarante", "cuarenta"), 40),
    **dict.fromkeys(("ninety", "neunzig"), 90),
}

# What announces a time of day → the hours that can be said after it as words. By language, because "at once" is not
# eleven o'clock.
AT: dict[str, dict[str, int]] = {
    "at": _BY_LANGUAGE["en"],
    "@": _BY_LANGUAGE["en"],
    "um": _BY_LANGUAGE["de"],
    "à": _BY_LANGUAGE["fr"],
    "las": _BY_LANGUAGE["es"],
}

# Unit → (months, days, seconds).
_HOUR = ("hour", "hours", "hr", "hrs", "h", "stunde", "stunden", "std", "heure", "heures", "hora", "horas")
_DAY = ("day", "days", "d", "tag", "tage", "tagen", "jour", "jours", "día", "días", "dia", "dias")
UNITS: dict[str, tuple[int, int, int]] = {
    **dict.fromkeys(("minute", "minutes", "min", "mins", "m", "minuten", "minuto", "minutos"), (0, 0, 60)),
    **dict.fromkeys(_HOUR, (0, 0, 3600)),
    **dict.fromkeys(_DAY, (0, 1, 0)),
    **dict.fromkeys(
        ("week", "weeks", "wk", "wks", "w", "woche", "wochen", "semaine", "semaines", "semana", "semanas"), (0, 7, 0)
    ),
    **dict.fromkeys(("month", "months", "monat", "monate", "monaten", "mois", "mes", "meses"), (1, 0, 0)),
    **dict.fromkeys(("year", "years", "jahr", "jahre", "jahren", "ans", "año", "años"), (12, 0, 0)),
}  # fmt: skip

# Half an hour, in words.
HALF_HOURS = {
    ("half", "an", "hour"), ("half", "a", "hour"), ("a", "half", "hour"), ("einer", "halben", "stunde"),
    ("eine", "halbe", "stunde"), ("une", "demiheure"), ("media", "hora"),
}  # fmt: skip
HOUR_AND_A_HALF = {("anderthalb", "stunden"), ("eineinhalb", "stunden"), ("hora", "y", "media")}

TODAY = {"today", "heute", "hoy", "aujourd'hui"}
TOMORROW = {"tomorrow", "morgen", "demain"}
AFTER_TOMORROW = {"übermorgen", "uebermorgen", "aprèsdemain"}
YESTERDAY = {"yesterday", "gestern", "hier", "ayer", "vorgestern"}


class Daypart(NamedTuple):
    """A part of the day: an hour on a twelve-hour clock said with it is the one from `first` up to `last`."""

    name: str
    first: int
    last: int
    example: int
    """An hour of it, on a twelve-hour clock."""


TONIGHT = Daypart("tonight", 17, 24, 8)
_MORNING = Daypart("in the morning", 1, 12, 9)
_AFTERNOON = Daypart("in the afternoon", 12, 18, 3)
_EVENING = Daypart("in the evening", 17, 24, 7)
_NIGHT = Daypart("at night", 18, 24, 9)
DAYPARTS: dict[str, Daypart] = {
    **dict.fromkeys(("morning", "morgens", "früh", "vormittag", "vormittags", "matin"), _MORNING),
    **dict.fromkeys(("afternoon", "nachmittag", "nachmittags", "aprèsmidi"), _AFTERNOON),
    "tarde": Daypart("in the afternoon", 12, 21, 5),
    **dict.fromkeys(("evening", "abend", "abends", "soir"), _EVENING),
    **dict.fromkeys(("night", "noche", "nacht", "nachts", "nuit"), _NIGHT),
}
MORNING_OR_TOMORROW = {"morgen": _MORNING, "mañana": _MORNING, "manana": _MORNING}
# What may stand before a part of the day. Those that make "mañana" the morning are marked.
BEFORE_DAYPART: dict[tuple[str, ...], bool] = {
    ("in", "the"): False, ("at",): False, ("am",): True, ("du",): False, ("le",): False, ("de", "l"): False,
    ("in", "der"): False, ("por", "la"): True, ("de", "la"): True, ("en", "la"): True,
}  # fmt: skip

NOON = {"noon", "midday", "mittag", "mittags", "midi", "mediodía", "mediodia"}
MIDNIGHT = {"midnight", "mitternacht", "minuit", "medianoche"}

NEXT = {
    "next", "coming", "nächsten", "nächster", "nächste", "nächstes", "naechsten", "naechste", "kommenden", "kommender",
    "kommende", "prochain", "prochaine", "próximo", "próxima", "proximo", "proxima",
}  # fmt: skip
WEEK = {"week", "woche", "semaine", "semana"}
THIS = {"this", "diesen", "dieser", "diese", "ce", "este", "esta"}
LAST = {"last", "past", "previous", "letzten", "letzter", "dernier", "pasado"}
IN = {"in", "dans", "en"}

# Small words that say nothing about the time; each is dropped only before something that does.
GLUE = {"on", "the", "of", "and", "le", "el", "a", "de", "del", "du", "den", "der", "y", "et", "und"}
VAGUE = {
    "around", "about", "circa", "ca", "roughly", "ish", "approximately", "approx", "maybe", "sometime", "soon",
    "later", "gegen", "vers", "sobre", "after", "before", "by", "nach", "vor", "après", "avant", "or", "oder", "ou",
}  # fmt: skip

RECURRING = {
    "every", "each", "daily", "weekly", "monthly", "yearly", "annually", "biweekly", "fortnightly", "weekdays",
    "mondays", "tuesdays", "wednesdays", "thursdays", "fridays", "saturdays", "sundays", "weekends", "montags",
    "dienstags", "mittwochs", "donnerstags", "freitags", "samstags", "sonntags", "lundis", "mardis", "mercredis",
    "jeudis", "vendredis", "samedis", "dimanches", "jeden", "jede",
    "jeder", "täglich", "wöchentlich", "monatlich", "chaque", "tous", "toutes", "cada", "todos", "todas",
}  # fmt: skip
RANGING = {"to", "von", "till", "til", "until", "through", "thru", "bis", "between", "from", "jusqu", "hasta", "for"}

# Languages of which the order of day and month is known.
LANGUAGES = {
    "af", "ar", "bg", "bn", "ca", "cs", "cy", "da", "de", "el", "en", "es", "et", "eu", "fa", "fi", "fil", "fr",
    "ga", "gl", "he", "hi", "hr", "hu", "id", "is", "it", "ja", "ka", "kk", "ko", "lt", "lv", "mk", "ms", "nb",
    "nl", "nn", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr",
    "uk", "ur", "vi", "zh",
}  # fmt: skip


def ordinal(number: int) -> str:
    """`st` of 1st, `nd` of 22nd, `th` of 13th."""
    if 11 <= number % 100 <= 13:
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")

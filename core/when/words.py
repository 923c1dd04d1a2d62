"""The words the grammar knows. A word is here because it has one meaning; whatever is not here is refused."""

WEEKDAYS: dict[str, int] = {
    **dict.fromkeys(("monday", "mon", "montag", "lundi", "lunes"), 0),
    **dict.fromkeys(("tuesday", "tue", "tues", "dienstag", "mardi", "martes"), 1),
    **dict.fromkeys(("wednesday", "wed", "weds", "mittwoch", "mercredi", "miércoles", "miercoles"), 2),
    **dict.fromkeys(("thursday", "thu", "thur", "thurs", "donnerstag", "jeudi", "jueves"), 3),
    **dict.fromkeys(("friday", "fri", "freitag", "vendredi", "viernes"), 4),
    **dict.fromkeys(("saturday", "sat", "samstag", "sonnabend", "samedi", "sábado", "sabado"), 5),
    **dict.fromkeys(("sunday", "sun", "sonntag", "dimanche", "domingo"), 6),
}

MONTHS: dict[str, int] = {
    **dict.fromkeys(("january", "jan", "januar", "jänner", "janvier", "enero"), 1),
    **dict.fromkeys(("february", "feb", "februar", "février", "fevrier", "febrero"), 2),
    **dict.fromkeys(("march", "mar", "märz", "maerz", "mars", "marzo"), 3),
    **dict.fromkeys(("april", "apr", "avril", "abril"), 4),
    **dict.fromkeys(("may", "mai", "mayo"), 5),
    **dict.fromkeys(("june", "jun", "juni", "juin", "junio"), 6),
    **dict.fromkeys(("july", "jul", "juli", "juillet", "julio"), 7),
    **dict.fromkeys(("august", "aug", "août", "aout", "agosto"), 8),
    **dict.fromkeys(("september", "sep", "sept", "septembre", "septiembre"), 9),
    **dict.fromkeys(("october", "oct", "oktober", "octobre", "octubre"), 10),
    **dict.fromkeys(("november", "nov", "novembre", "noviembre"), 11),
    **dict.fromkeys(("december", "dec", "dezember", "décembre", "decembre", "diciembre"), 12),
}

# Typos that can be nothing else.
TYPOS: dict[str, str] = {
    **dict.fromkeys(("tommorow", "tomorow", "tommorrow", "tomorrw", "tommorw", "tomrrow"), "tomorrow"),
    **dict.fromkeys(("tmrw", "tmr", "tmw"), "tomorrow"),
    "2morrow": "tomorrow",
    **dict.fromkeys(("toady", "tday"), "today"),
    **dict.fromkeys(("tonite", "2nite"), "tonight"),
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

NUMBERS: dict[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "", "one a an eine einer einem ein un une una", "two zwei deux dos", "three drei trois tres",
            "four vier quatre cuatro", "five fünf cinq cinco", "six sechs seis", "seven sieben sept siete",
            "eight acht huit ocho", "nine neun neuf nueve", "ten zehn dix diez", "eleven elf onze once",
            "twelve zwölf douze doce",
        )
    )
    for word in words.split()
}  # fmt: skip

# Unit → (months, days, seconds).
UNITS: dict[str, tuple[int, int, int]] = {
    **dict.fromkeys(("minute", "minutes", "min", "mins", "m", "minuten", "minuto", "minutos"), (0, 0, 60)),
    **dict.fromkeys(
        ("hour", "hours", "hr", "hrs", "h", "stunde", "stunden", "heure", "heures", "hora", "horas"), (0, 0, 3600)
    ),
    **dict.fromkeys(("day", "days", "d", "tag", "tage", "tagen", "jour", "jours", "día", "días", "dia"), (0, 1, 0)),
    **dict.fromkeys(
        ("week", "weeks", "wk", "wks", "w", "woche", "wochen", "semaine", "semaines", "semana", "semanas"), (0, 7, 0)
    ),
    **dict.fromkeys(("month", "months", "monat", "monate", "monaten", "mois", "mes", "meses"), (1, 0, 0)),
    **dict.fromkeys(("year", "years", "jahr", "jahre", "jahren", "ans", "año", "años"), (12, 0, 0)),
}  # fmt: skip

TODAY = {"today", "heute", "hoy"}
TOMORROW = {"tomorrow", "morgen", "demain"}
AFTER_TOMORROW = {"übermorgen", "uebermorgen"}
TONIGHT = {"tonight"}
YESTERDAY = {"yesterday": -1, "gestern": -1, "hier": -1, "ayer": -1, "vorgestern": -2}

# Part of the day → the hours (from, to) that an hour on a twelve-hour clock must fall into.
DAYPARTS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("morning", "morgens", "früh", "vormittags", "matin"), (4, 12)),
    **dict.fromkeys(("afternoon", "nachmittags"), (12, 18)),
    **dict.fromkeys(("evening", "abend", "abends", "soir"), (17, 24)),
    **dict.fromkeys(("night", "tonight"), (18, 24)),
}

NOON = {"noon", "midday", "mittag", "mittags", "midi", "mediodía", "mediodia"}
MIDNIGHT = {"midnight", "mitternacht", "minuit", "medianoche"}

NEXT = {
    "next",
    "coming",
    "nächsten",
    "nächster",
    "nächste",
    "nächstes",
    "kommenden",
    "kommender",
    "prochain",
    "próximo",
    "proximo",
}
THIS = {"this", "diesen", "dieser", "diese", "ce", "este"}
LAST = {"last", "past", "previous", "letzten", "letzter", "dernier", "pasado"}
IN = {"in", "dans", "en"}

# Small words that say nothing about the time; each is dropped only beside something that does.
GLUE = {"at", "on", "the", "of", "and", "um", "à", "le", "el", "la", "las", "los", "a", "de", "den", "der", "gegen"}
VAGUE = {
    "gegen",
    "around",
    "about",
    "circa",
    "ca",
    "roughly",
    "ish",
    "approximately",
    "maybe",
    "sometime",
    "soon",
    "later",
}

RECURRING = {
    "every", "each", "daily", "weekly", "monthly", "yearly", "annually", "biweekly", "fortnightly", "weekdays",
    "mondays", "tuesdays", "wednesdays", "thursdays", "fridays", "saturdays", "sundays", "weekends", "jeden", "jede",
    "jeder", "täglich", "wöchentlich", "monatlich", "chaque", "tous", "toutes", "cada", "todos", "todas",
}  # fmt: skip
RANGING = {"to", "till", "til", "until", "through", "thru", "bis", "between", "from", "jusqu", "hasta", "for"}

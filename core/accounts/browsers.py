"""What a browser calls itself, in the words of the person who sits before it: all that is kept of a User-Agent."""

import re

LONGEST = 60

# Each says it is those below it, too.
_BROWSERS = {
    r"\bEdg\w*/": "Edge",
    r"\bOPR/|\bOPT/|\bOpera/": "Opera",
    r"\bVivaldi/": "Vivaldi",
    r"\bSamsungBrowser/": "Samsung Internet",
    r"\bFirefox/|\bFxiOS/": "Firefox",
    r"Chrom\w*/|\bCriOS/": "Chrome",
    r"Safari/": "Safari",
}
_SYSTEMS = {
    r"\biPhone\b": "iPhone",
    r"\biPad\b": "iPad",
    r"\bAndroid\b": "Android",
    r"\bCrOS\b": "ChromeOS",
    r"\bWindows\b": "Windows",
    r"\bMac(intosh| OS)\b": "Mac",
    r"\bLinux\b|\bX11\b": "Linux",
}


def browser_name(user_agent: str) -> str:
    """`Chrome on Linux`; of a program that is no browser, its own name; empty for one that says nothing."""
    shown = "".join(ch for ch in user_agent[:1_000] if ch.isprintable()).strip()
    browser, system = _first(_BROWSERS, shown), _first(_SYSTEMS, shown)
    if browser is None:
        return shown.partition("/")[0].strip()[:LONGEST]
    return f"{browser} on {system}" if system is not None else browser


def _first(names: dict[str, str], text: str) -> str | None:
    return next((name for pattern, name in names.items() if re.search(pattern, text)), None)

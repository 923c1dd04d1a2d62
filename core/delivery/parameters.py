"""What may stand after the `?` of an Apprise URL: a short list for our own services, all but danger elsewhere."""

from apprise.utils.parse import parse_qsd

from core.errors import SoonishError, invalid

# These make a plugin read files of this machine, or fetch addresses of their own.
REFUSED = {
    "template": "a template would be read from Soonish's own disk",
    "keyfile": "a key file would be read from Soonish's own disk",
    "subfile": "a subscription file would be read from Soonish's own disk",
    "pgppub": "keys would be read from Soonish's own disk",
    "pgpprv": "keys would be read from Soonish's own disk",
    "pgpkey": "keys would be read from Soonish's own disk",
    "wkd": "keys would be fetched from an address of their own",
    "attach": "Soonish sends no attachments of that kind",
    "attachment": "Soonish sends no attachments of that kind",
    "port": "the port belongs after the host name, as in example.org:8443",
}

# How, how often and how long Soonish sends is for Soonish to decide; these are left out without a word.
DROPPED = frozenset(
    {"retry", "wait", "rto", "cto", "timeout", "redirect", "redirects", "verify", "overflow", "store", "tz", "optional"}
    | {"tag", "tags", "emojis", "schema", "name", "batch"}
)

WEBHOOK = frozenset({"method", "format", "user", "password", "pass"})
NTFY = frozenset(
    {"priority", "click", "xtags", "actions", "token", "auth", "avatar_url", "image", "format", "to", *WEBHOOK}
    - {"method"}
)
GOTIFY = frozenset({"priority", "format"})
ALLOWED = {
    "json": WEBHOOK,
    "jsons": WEBHOOK,
    "form": WEBHOOK,
    "forms": WEBHOOK,
    "discord": frozenset({"tts", "avatar", "avatar_url", "thread", "flags", "botname"}),
    "slack": frozenset({"footer", "timestamp", "blocks", "mode", "token", "to", "format"}),
    "ntfy": NTFY,
    "ntfys": NTFY,
    "gotify": GOTIFY,
    "gotifys": GOTIFY,
}
PREFIXED = frozenset({"json", "jsons", "form", "forms"})
PREFIXES = "+-:"


def clean(scheme: str, url: str, *, native: bool) -> str:
    """The URL with the parameters that may stay. Names are read exactly as Apprise reads them."""
    address, question, query = url.partition("?")
    if scheme not in PREFIXED:
        address = address.replace("/#", "/%23")  # a channel's name, not a fragment
    if not question:
        return address
    kept = [pair for pair in query.replace(";", "&").split("&") if pair and _stays(scheme, _name(pair), native)]
    return f"{address}?{'&'.join(kept)}" if kept else address


def _name(pair: str) -> str:
    return str(next(iter(parse_qsd(pair, simple=True)["qsd"]), ""))  # type: ignore[no-untyped-call]


def _stays(scheme: str, name: str, native: bool) -> bool:
    if name in REFUSED:
        raise _refused(name)
    if not native:
        return name not in DROPPED
    if name[:1] in PREFIXES and name:
        return scheme in PREFIXED
    return name in ALLOWED[scheme]


def _refused(name: str) -> SoonishError:
    return invalid(
        f"The option “{name}” cannot be used: {REFUSED[name]}.", field="apprise_url", hint=f"Leave “{name}=…” out."
    )

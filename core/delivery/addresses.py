"""What a channel is, and the one kind that needs no plugin to read: an e-mail address."""

import re
from dataclasses import dataclass, field
from urllib.parse import quote

from email_validator import EmailNotValidError, validate_email

from core.errors import SoonishError, invalid

MAX_ADDRESS = 254
MAIL = "E-mail"
"""What a mail channel is called, to people and in its row."""
MAIL_TAG = "email"
"""What channels of addresses are tagged unless their person says otherwise: one name for all of them."""
_SYSTEM_MAIL = "systemmail://"
DISCORD_DM = "Discord DM"
SLACK_DM = "Slack DM"
DISCORD_BOT = "discord-bot"
"""The key of the bot's token in `Hosts`: whoever writes as the bot shares its pauses and its breaker."""
UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]")


@dataclass(frozen=True, slots=True)
class Channel:
    """An address messages can go to, as it is stored."""

    scheme: str
    url: str = field(repr=False)
    """The cleaned Apprise URL, with its secrets: to be stored encrypted and never shown."""
    destination: str = field(repr=False)
    """The end point in one spelling: equal for two URLs that reach the same place. Contains secrets: hash it."""
    host: str
    """The key for limits and the breaker: `host:port`, a service's name, or `smtp`."""
    kind: str
    """The word people see: E-mail, Webhook, Discord, …"""
    address: str | None = field(default=None, repr=False)
    """The e-mail address, for mail alone."""


def is_mail(url: str) -> bool:
    """Of a stored address."""
    return url.startswith(_SYSTEM_MAIL)


def mail_channel(address: str) -> Channel:
    """The channel for a bare e-mail address. Raises SoonishError (INVALID, field `email`)."""
    return address_channel(address.strip(" \t"), "email")


def discord_direct(user_id: str) -> Channel:
    """The direct messages of somebody whom Discord has signed."""
    url = f"discorddm://{user_id}"
    return Channel("discorddm", url, url, DISCORD_BOT, DISCORD_DM)


def slack_direct(team_id: str, user_id: str) -> Channel:
    """The direct messages of somebody whom Slack has signed."""
    url = f"slackdm://{team_id}/{user_id}"
    return Channel("slackdm", url, url, slack_bot(team_id), SLACK_DM)


def slack_bot(team_id: str) -> str:
    """As `DISCORD_BOT`, in one workspace: Slack counts by workspace."""
    return f"slack-bot:{team_id}"


def address_channel(address: str, field: str, hint: str = "") -> Channel:
    """The channel of one plain address; a refusal names `field` and ends with `hint`."""
    if len(address) > MAX_ADDRESS:
        raise _not_mail(field, hint)
    if UNPRINTABLE.search(address) or re.search(r"[,;<>()\"\\%&?#/:\[\]]", address):
        raise _not_mail(field, hint)
    try:
        checked = validate_email(address, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except (EmailNotValidError, UnicodeError):  # whose words may quote the address
        raise _not_mail(field, hint) from None
    plain = f"{checked.local_part}@{checked.ascii_domain}".lower()
    if len(plain) > MAX_ADDRESS:
        raise _not_mail(field, hint)
    return Channel("systemmail", f"{_SYSTEM_MAIL}{quote(plain, safe='')}", f"mailto:{plain}", "smtp", MAIL, plain)


def _not_mail(field: str, hint: str) -> SoonishError:
    form = "It looks like name@example.org: just the address."
    return invalid("That is not an e-mail address.", field=field, hint=f"{form} {hint}".rstrip())

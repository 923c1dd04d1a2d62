"""Sends one message to one stored address, whatever kind it is."""

import logging
import traceback

from apprise.exception import AppriseException

from core.delivery import services
from core.delivery.bot import DiscordBot
from core.delivery.direct import DiscordDirect, SlackDirect
from core.delivery.http import HttpTransport
from core.delivery.mail import SystemMail
from core.delivery.message import Message, Outcome
from core.delivery.native import Native
from core.delivery.outcomes import ERROR, UNREADABLE
from core.delivery.policy import DestinationPolicy
from core.delivery.slackbot import SlackBot, Tokens
from core.delivery.smtp import MailPool
from core.delivery.tail import Tail
from core.settings import Settings

log = logging.getLogger(__name__)


class Sender:
    """One per process. Limits and breakers are the caller's, by `host_of` and `Hosts`."""

    def __init__(self, settings: Settings, policy: DestinationPolicy, slack_tokens: Tokens | None = None) -> None:
        self._http = HttpTransport(policy, settings.delivery_timeout_seconds)
        self._mail = MailPool(settings)
        self.discord = DiscordBot(settings)
        self.slack = SlackBot(settings, slack_tokens)
        self._policy = policy
        self._tail: Tail | None = None

    async def start(self) -> None:
        silence_libraries()
        await self._http.start()
        await self.discord.start()
        await self.slack.start()

    async def close(self) -> None:
        await self._http.close()
        await self.discord.close()
        await self.slack.close()
        await self._mail.close()
        if self._tail is not None:
            self._tail.close()

    def host_of(self, url: str) -> str:
        """The key for `Hosts`; needs no parsing of the whole URL."""
        return services.host_of(url)

    async def send(self, url: str, message: Message) -> Outcome:
        """Never raises (but CancelledError): what nobody expected is logged without the URL and may be tried again."""
        try:
            return await self._send(url, message)
        except AppriseException:  # a plugin refuses the stored URL; it took it once, so the plugin has changed
            return UNREADABLE
        except Exception as error:  # noqa: BLE001
            # The trace shows code only; the exception's own words may quote the URL.
            trace = "".join(traceback.format_tb(error.__traceback__))
            log.error("%s while delivering by %s\n%s", type(error).__name__, url.partition("://")[0][:32], trace)  # noqa: TRY400
            return ERROR

    async def _send(self, url: str, message: Message) -> Outcome:
        known = services.SERVICES.get(url.partition("://")[0])
        if known is not None and not known.native:
            return await self._send_by_tail(known, url, message)
        service = services.build(url)
        if not isinstance(service, Native):
            return UNREADABLE
        service.transport = self._http
        if isinstance(service, SystemMail):
            service.pool = self._mail
        elif isinstance(service, DiscordDirect):
            service.bot = self.discord
        elif isinstance(service, SlackDirect):
            service.bot = self.slack
        title, body = service.words(message)
        await service.async_notify(body=body, title=title)
        return service.outcome

    async def _send_by_tail(self, service: services.Service, url: str, message: Message) -> Outcome:
        if self._tail is None:
            self._tail = Tail(self._policy)
        return await self._tail.send(url, message)


def silence_libraries() -> None:
    """Apprise logs hosts, topics and answers, urllib3 paths; what people may know stands in the outcome."""
    for name in ("apprise", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)

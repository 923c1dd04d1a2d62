"""Our app as Slack's library runs it: signatures, tokens, and which request goes where."""

import datetime as dt
import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bots.conversation.desk import Desk
from bots.conversation.screens import told
from bots.network import UNREACHABLE
from bots.slack_bot.door import Door
from bots.slack_bot.hearing import Body, of_event
from bots.slack_bot.library import FAILED, NO_RETRY, QUIET, SECONDS, reason
from bots.slack_bot.posting import CardPoster
from bots.slack_bot.rendering import window_of
from bots.slack_bot.replying import respond
from core.cards.announcements import forget_space
from core.chat.installations import uninstall
from core.chat.workspaces import Workspaces
from core.delivery.message import Outcome
from core.delivery.slackbot import NOT_INSTALLED
from core.settings import Settings
from core.wiring import Outbound
from core.work import SYSTEM, Core

log = logging.getLogger(__name__)

_NOT_INSTALLED = "Soonish is not in this workspace any more. Ask an admin to add it again."
_NO_ANSWER = "Slack does not answer us right now. Try again in a minute."
_ANYTHING = re.compile(r".*")
_JUST_ACKNOWLEDGED = 200
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Scope = MutableMapping[str, Any]


def build_app(core: Core, outbound: Outbound) -> AsyncApp:
    """Without a signing secret every request is refused but those of a socket."""
    settings, workspaces = core.settings, outbound.workspaces

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        token = await workspaces.find(team_id or "")
        if not isinstance(token, str):
            raise UnauthorizedError(token)
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=token)

    secret = settings.slack_signing_secret
    app = AsyncApp(
        name="Soonish",
        logger=QUIET,
        signing_secret=secret.get_secret_value() if secret is not None else "",
        client=AsyncWebClient(
            base_url=settings.slack_api_base_url, timeout=SECONDS, logger=QUIET, retry_handlers=NO_RETRY
        ),
        authorize=authorize,
        ignoring_self_events_enabled=False,
        raise_error_for_unhandled_request=True,
    )
    app.error(_failed)
    desk = Desk(core, outbound)
    door = Door(desk, CardPoster(core, desk), workspaces)
    _listen(app, door)
    _hear_of_ends(app, core, door, workspaces)
    return app


def _listen(app: AsyncApp, door: Door) -> None:
    async def command(ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
        await _safely("command", door.command(ack, body, client))

    async def press(ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
        await _safely("press", door.press(ack, body, client))

    async def sent(ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
        await _safely("form", door.sent(ack, body, client))

    async def shortcut(ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
        await _safely("shortcut", door.shortcut(ack, body, client))

    async def home(body: Body, client: AsyncWebClient) -> None:
        await _safely("home", door.home(body, client))

    app.command(_ANYTHING)(command)
    app.action(_ANYTHING)(press)
    app.view(_ANYTHING)(sent)
    app.shortcut("create_event")(shortcut)
    app.event("app_home_opened")(home)


def _hear_of_ends(app: AsyncApp, core: Core, door: Door, workspaces: Workspaces) -> None:
    """What is there no more: a channel, or the app in a whole workspace. All of it may be told twice."""

    async def channel_gone(body: Body) -> None:
        if door.repeated(of_event(body)):
            return
        gone = await core.act(SYSTEM, forget_space, "slack", str(body["team_id"]), str(body["event"]["channel"]))
        log.info("a channel is gone, and %d cards with it", gone)

    async def app_gone(body: Body) -> None:
        if not door.repeated(of_event(body)):
            await removed(str(body["team_id"]), body.get("event_time"))

    async def tokens_gone(body: Body) -> None:
        """Tokens of people are none of ours: the app asks for none."""
        if (body["event"].get("tokens") or {}).get("bot") and not door.repeated(of_event(body)):
            await removed(str(body["team_id"]), body.get("event_time"))

    async def removed(team_id: str, told: object) -> None:
        at = dt.datetime.fromtimestamp(told, dt.UTC) if isinstance(told, int | float) else core.clock.now()
        if await core.act(SYSTEM, uninstall, "slack", team_id, at):
            log.info("the app was removed from a workspace")
        workspaces.forget(team_id)

    for name in ("channel_deleted", "group_deleted", "channel_archive", "group_archive", "channel_left", "group_left"):
        app.event(name)(channel_gone)
    app.event("app_uninstalled")(app_gone)
    app.event("tokens_revoked")(tokens_gone)


class UnauthorizedError(Exception):
    """There is no token for that workspace."""

    def __init__(self, why: Outcome) -> None:
        super().__init__(why.code)
        self.words = _NOT_INSTALLED if why.code == NOT_INSTALLED.code else _NO_ANSWER


async def _failed(error: Exception, body: Body) -> BoltResponse | None:
    """What the library met before or beside our own handlers."""
    if isinstance(error, BoltUnhandledRequestError):
        log.info("a request of Slack's is none that we listen to")
        return BoltResponse(status=200)  # told otherwise, Slack would send it again, and at last no events at all
    if isinstance(error, UnauthorizedError):
        log.warning("a request came from a workspace without a token: %s", error)
        return await _unauthorized(body, error.words)
    log.error("a request of Slack's failed", exc_info=error)
    return None


async def _unauthorized(body: Body, words: str) -> BoltResponse:
    """Without a token there are only the acknowledgement and the address of the press to say it in."""
    if body.get("command"):
        return BoltResponse(status=200, body=words)
    if body.get("type") == "view_submission":
        view = window_of(told(words), str(body["view"].get("private_metadata") or ""))
        return BoltResponse(status=200, body={"response_action": "update", "view": view})
    if body.get("response_url"):
        await _safely(
            "press", respond(body["response_url"], text=words, replace_original=False, response_type="ephemeral")
        )
    return BoltResponse(status=200)


async def _safely(what: str, work: Awaitable[None]) -> None:
    """Nothing is raised: a person who waits is told by the conversation, and what Slack refuses is logged."""
    try:
        await work
    except UNREACHABLE as error:
        log.warning("an answer to a %s did not reach Slack: %s", what, reason(error))
    except FAILED as error:
        log.warning("Slack refused an answer to a %s: %s", what, reason(error))
    except Exception:
        log.exception("a %s failed", what)


class Endpoint:
    """`POST /slack/events` as an ASGI application, for the site to mount. What is not signed is refused with 401 before
    anything reads it: the library would parse first, and lets some requests pass unsigned."""

    def __init__(self, app: AsyncApp, signing_secret: str) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not str(scope["path"]).endswith("/events"):
            await _answer(send, 404, "")
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = (await _body(receive)).decode("utf-8", "replace")
        if not self._signed(body, headers):
            log.info("a request that Slack did not sign this moment was refused")
            await _answer(send, 401, "")
            return
        request = AsyncBoltRequest(body=body, headers=headers)
        response = await self._app.async_dispatch(request)
        if response.status != _JUST_ACKNOWLEDGED:
            log.info("a request of Slack's was answered with %d", response.status)
        await _answer(send, response.status, response.body, response.first_headers_without_set_cookie())

    def _signed(self, body: str, headers: dict[str, str]) -> bool:
        try:
            return self._verifier.is_valid_request(body, headers)
        except (TypeError, ValueError, OverflowError):  # no time at all, letters that no signature has
            return False


async def _body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def _answer(send: Send, status: int, body: str, headers: dict[str, str] | None = None) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body.encode()})


def endpoint(core: Core, outbound: Outbound) -> Endpoint | None:
    """For the site; None where Slack is to reach us by a socket, or not at all."""
    settings: Settings = core.settings
    if settings.slack_signing_secret is None or not settings.on_slack:
        return None
    return Endpoint(build_app(core, outbound), settings.slack_signing_secret.get_secret_value())

"""Slack's Web API as our app's bot: in which workspace with which token, at which pace, and what its answers mean.

One for each process. It goes to `SLACK_API_BASE_URL` and nowhere else, by a transport of its own: only here may that be
a server on this machine.
"""

import dataclasses
import json
import re
from collections import OrderedDict
from typing import Any, Protocol

from core.delivery.bot import OPERATOR_SECONDS, Pace, only
from core.delivery.http import HttpRequest, HttpTransport, Reply
from core.delivery.message import OK, Outcome
from core.settings import Settings

PACES_KEPT = 5_000

NO_TOKEN = Outcome(
    False, "slack_no_token", "Soonish has no token for that Slack workspace at the moment.",
    retry_after=OPERATOR_SECONDS, deferred=True, host_wide=True,
)  # fmt: skip
NOT_INSTALLED = Outcome(
    False, "slack_not_installed",
    "Soonish is not in that Slack workspace any more. Once somebody adds it again, messages arrive as before.",
    permanent=True,
)  # fmt: skip


class Tokens(Protocol):
    """With which token the app acts in a workspace."""

    async def find(self, team_id: str) -> str | Outcome:
        """The token, or why there is none."""

    async def refused(self, team_id: str, token: str, *, gone: bool) -> str | Outcome | None:
        """Slack did not take it. A newer one, or why there is none; None where we know no better. `gone`: it said that
        the app is not there any more."""


# https://docs.slack.dev/reference/methods/chat.postMessage#errors: what passes by itself, what is
# wrong with this one message; everything else is wrong with the channel.
SLACK_PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
    | {"external_channel_migrating"}
)
SLACK_ABOUT_MESSAGE = frozenset(
    {"msg_too_long", "msg_blocks_too_long", "no_text", "markdown_text_conflict", "invalid_blocks"}
    | {"invalid_blocks_format", "invalid_attachments", "too_many_attachments", "attachment_payload_limit_exceeded"}
    | {"invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_charset", "invalid_json"}
    | {"json_not_object", "invalid_form_data", "invalid_post_type", "missing_post_type"}
    | {"invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large"}
)
SLACK_LIMITS = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
SLACK_LIMIT_SECONDS = 30.0
OURS = frozenset(
    {"not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "no_permission"}
    | {"missing_scope", "not_allowed_token_type", "team_access_not_granted", "access_denied", "accesslimited"}
    | {"org_login_required", "ekm_access_denied", "enterprise_is_restricted", "two_factor_setup_required"}
)
"""About our app in that workspace: nobody's channel is at fault, and it waits for whoever runs it."""
_STALE = frozenset({"slack_invalid_auth", "slack_token_revoked", "slack_account_inactive"})
_GONE = _STALE - {"slack_invalid_auth"}
FOR_GOOD = {
    "user_not_found": "Slack does not know this account any more.",
    "user_disabled": "This Slack account was deactivated.",
    "user_not_visible": "Slack does not show this account to Soonish.",
    "cannot_dm_bot": "This Slack account is a bot's.",
    "messages_tab_disabled": "The app's messages are switched off in that workspace.",
    "restricted_action": "The workspace does not let Soonish write there.",
    "restricted_action_read_only_channel": "This channel is read-only.",
    "channel_not_found": "This channel does not exist any more, or is closed to Soonish.",
    "message_not_found": "This message was deleted.",
    "is_archived": "This channel is archived.",
    "not_in_channel": "Soonish was removed from this channel.",
    "cant_update_message": "This message is another app's.",
    "edit_window_closed": "The workspace does not let messages of that age be edited.",
}
CARD_GONE = frozenset(
    f"slack_{error}"
    for error in ("channel_not_found", "message_not_found", "is_archived", "not_in_channel", "cant_update_message")
) | {NOT_INSTALLED.code}
"""Codes of outcomes after which a card is edited no more."""
_ERROR = re.compile(rb'"error"\s*:\s*"(\w{1,60})"')


class SlackBot:
    """Nothing here raises for what the network or Slack does."""

    def __init__(self, settings: Settings, tokens: Tokens | None = None) -> None:
        self._tokens = tokens or OneWorkspace(settings)
        self._base = settings.slack_api_base_url
        self._per_second = settings.slack_requests_per_second
        self._http = HttpTransport(
            only(settings.slack_api_base_url, settings.delivery_allowed_networks), settings.delivery_timeout_seconds
        )
        self._paces: OrderedDict[str, Pace] = OrderedDict()

    async def start(self) -> None:
        await self._http.start()

    async def close(self) -> None:
        await self._http.close()

    async def message(self, team_id: str, user_id: str, payload: dict[str, Any]) -> Outcome:
        """A direct message: Slack opens the conversation for a user's id."""
        return await self._call(team_id, "chat.postMessage", {"channel": user_id, **payload})

    async def edit(self, team_id: str, channel_id: str, ts: str, payload: dict[str, Any]) -> Outcome:
        """One of the bot's own messages."""
        return await self._call(team_id, "chat.update", {"channel": channel_id, "ts": ts, **payload})

    async def _call(self, team_id: str, method: str, payload: dict[str, Any]) -> Outcome:
        token = await self._tokens.find(team_id)
        if isinstance(token, Outcome):
            return token
        outcome = await self._ask(team_id, token, method, payload)
        if outcome.code not in _STALE:
            return outcome
        newer = await self._tokens.refused(team_id, token, gone=outcome.code in _GONE)
        return await self._ask(team_id, newer, method, payload) if isinstance(newer, str) else newer or outcome

    async def _ask(self, team_id: str, token: str, method: str, payload: dict[str, Any]) -> Outcome:
        await self._pace(team_id).turn()
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Soonish",
        }
        return judge(await self._http.send(HttpRequest(self._base + method, json.dumps(payload).encode(), headers)))

    def _pace(self, team_id: str) -> Pace:
        pace = self._paces.setdefault(team_id, Pace(self._per_second))
        self._paces.move_to_end(team_id)
        if len(self._paces) > PACES_KEPT:
            self._paces.popitem(last=False)
        return pace


class OneWorkspace:
    """The token of the settings, whichever workspace is asked for: it is good in one."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.slack_bot_token

    async def find(self, team_id: str) -> str | Outcome:
        return self._token.get_secret_value() if self._token is not None else NO_TOKEN

    async def refused(self, team_id: str, token: str, *, gone: bool) -> None:
        """Whoever runs Soonish sets another one."""


def judge(reply: Reply) -> Outcome:
    """An answer is 200 even when it is a refusal: `ok` and `error` stand at the start of the body."""
    outcome = reply.outcome()
    if reply.status == 429:
        wait = SLACK_LIMIT_SECONDS if outcome.retry_after is None else outcome.retry_after
        return Outcome(False, "http_429", "Slack asked to wait.", retry_after=wait, deferred=True)
    if not outcome.delivered:
        # Without Slack's own words a refusal is the guard's before it, and is about us.
        return dataclasses.replace(outcome, permanent=False, host_fault=True) if outcome.permanent else outcome
    if re.search(rb'"ok"\s*:\s*true', reply.body):
        return OK
    found = _ERROR.search(reply.body)
    return bot_error(found.group(1).decode() if found else "unknown_answer")


def bot_error(error: str) -> Outcome:
    """Only what Slack says of a person, a channel or a message is held against it; what is unknown may pass."""
    code = f"slack_{error}"
    if error in FOR_GOOD:
        return Outcome(False, code, FOR_GOOD[error], permanent=True)
    if error in SLACK_ABOUT_MESSAGE:
        return Outcome(False, code, "Slack does not take this message.", permanent=True, about_message=True)
    if error in SLACK_LIMITS:
        return Outcome(False, code, "Slack asked to wait.", retry_after=SLACK_LIMIT_SECONDS, deferred=True)
    reason = f"Slack answered: {error.replace('_', ' ')}."
    if error in OURS:
        reason = "Slack does not let Soonish's app do this; whoever runs Soonish has to look at it."
        return Outcome(False, code, reason, retry_after=OPERATOR_SECONDS, deferred=True, host_wide=True)
    return Outcome(False, code, reason, host_fault=True)

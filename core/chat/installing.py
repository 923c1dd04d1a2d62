"""Putting the app into a workspace on Slack: OAuth from this browser and back to it, once, for one workspace."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core.chat.installations import Grant, Installed, install
from core.chat.workspaces import Workspaces
from core.errors import Code, SoonishError
from core.identities.providers import Provider, granted, provider_of
from core.identities.sign_in import LONGEST_CODE, read_state, use_up_state
from core.settings import Settings
from core.work import Actor, Core

SCOPES = frozenset(
    {"chat:write", "chat:write.public", "commands", "channels:read", "groups:read", "users:read", "usergroups:read"}
    | {"im:write", "files:write"}
)
"""As deploy/slack-manifest.yaml asks for; docs/slack.md says why."""
_AGAIN = "Press “Add to Slack” on the front page to start again."
_WORDS = {
    Code.CONFLICT: (
        "This was used already.", f"If /soonish answers in your workspace, all is well. Otherwise: {_AGAIN}",
    ),
    Code.FORBIDDEN: ("Slack did not confirm that Soonish was added.", _AGAIN),
    Code.UNAVAILABLE: ("", f"Wait a minute. {_AGAIN}"),
    Code.LIMITED: ("", f"Wait a while. {_AGAIN}"),
}  # fmt: skip
_NAME_AT_MOST, _SCOPES_AT_MOST, _TOKEN_AT_MOST = 200, 2_000, 500


def installer_of(settings: Settings) -> Provider | None:
    """None where workspaces cannot put the app in by themselves."""
    provider = provider_of(settings, "slack") if settings.slack_installs else None
    if provider is None:
        return None
    return dataclasses.replace(provider, redirect=f"{settings.public_base_url}/slack/install/callback")


async def come_back_installed(
    core: Core, workspaces: Workspaces, provider: Provider, actor: Actor, *, state: str, code: str, browser: str | None
) -> Installed:
    """What Slack granted is kept, for the workspace that it names. A denial comes without a code."""
    with _in_our_words():
        read_state(core, provider, state, browser, {"install"})
    if not 0 < len(code) <= LONGEST_CODE:
        raise SoonishError(Code.FORBIDDEN, "Soonish was not added to Slack.", hint=_AGAIN)
    with _in_our_words():
        await core.act(actor, use_up_state, state)
        found = await granted(provider, code)
    done = await core.act(actor, install, _grant(found))
    workspaces.forget(done.tenant_id)
    return done


def lacking(scopes: str) -> list[str]:
    """What is needed and was not granted: Slack's page asks for what the app's own settings there allow."""
    return sorted(SCOPES - set(scopes.split(",")))


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Those of signing in, which is the same way there and back, would send people astray."""
    try:
        yield
    except SoonishError as refusal:
        words, hint = _WORDS.get(refusal.code, (refusal.message, _AGAIN))
        retry_after = refusal.retry_after
        raise SoonishError(refusal.code, words or refusal.message, hint=hint, retry_after=retry_after) from None


def _grant(found: dict[str, Any]) -> Grant:
    if found.get("is_enterprise_install"):
        raise SoonishError(
            Code.CONFLICT, "Soonish cannot be added to a whole organization at once.",
            hint=f"Choose one of its workspaces on Slack's page, at the top right. {_AGAIN}",
        )  # fmt: skip
    if found.get("refresh_token") or found.get("expires_in"):
        raise SoonishError(
            Code.CONFLICT, "This app's tokens end by themselves, and Soonish does not renew them.",
            hint="Whoever runs Soonish: take deploy/slack-manifest.yaml as the app's manifest, without token rotation.",
        )  # fmt: skip
    team, user = found.get("team"), found.get("authed_user")
    team, user = team if isinstance(team, dict) else {}, user if isinstance(user, dict) else {}
    team_id, token = _word(team.get("id"), 32), _word(found.get("access_token"), _TOKEN_AT_MOST)
    if not team_id or not token or found.get("token_type") != "bot":
        raise SoonishError(Code.UNAVAILABLE, "Slack answered something we cannot read.", hint=_AGAIN)
    return Grant(
        platform="slack",
        tenant_id=team_id,
        name=str(team.get("name") or "")[:_NAME_AT_MOST],
        token=token,
        scopes=str(found.get("scope") or "")[:_SCOPES_AT_MOST],
        external_id=_word(user.get("id"), 32) or None,
    )


def _word(found: object, at_most: int) -> str:
    """Empty unless it is what Slack's ids and tokens look like."""
    ours = isinstance(found, str) and 0 < len(found) <= at_most and found.isascii() and found.isprintable()
    return str(found) if ours else ""

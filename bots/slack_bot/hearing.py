"""What Slack hands over, as the conversation reads it: from where, who, and what they typed or pressed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bots.slack_bot.rendering import PICKED, action_in

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """One signed request of Slack's, whatever kind it is."""

    team_id: str
    user_id: str
    user_name: str
    home_team_id: str
    """The workspace of the person: another one in channels that two workspaces share."""
    key: str
    """A repetition carries the same."""
    trigger_id: str = ""
    response_url: str = field(default="", repr=False)
    channel_id: str | None = None
    """None in direct messages and on the app's own pages."""
    channel_name: str = ""
    view: Body | None = None
    private: bool = False
    """What was pressed stands in a message that only they see."""


def of_command(body: Body) -> Heard:
    channel = str(body.get("channel_id", ""))
    return Heard(
        team_id=str(body["team_id"]),
        user_id=str(body["user_id"]),
        user_name=str(body.get("user_name", "")),
        home_team_id=str(body["team_id"]),
        key=f"{body['team_id']}:{body['trigger_id']}",
        trigger_id=str(body["trigger_id"]),
        response_url=str(body.get("response_url", "")),
        channel_id=_room(channel),
        channel_name=_named(channel, str(body.get("channel_name", ""))),
    )


def of_interaction(body: Body) -> Heard:
    """A press, a form that was sent, or a shortcut."""
    team, user, view = body.get("team") or {}, body["user"], body.get("view")
    # Of a window that was opened in a shared channel, `team` is the person's own, and the window says ours.
    team_id = str((view or {}).get("app_installed_team_id") or team.get("id") or user.get("team_id", ""))
    channel = body.get("channel") or _opened_in(view)
    sent = body.get("type") == "view_submission"
    key = _key_of_form(view) if sent and view else str(body.get("trigger_id", ""))
    return Heard(
        team_id=team_id,
        user_id=str(user["id"]),
        user_name=str(user.get("name") or user.get("username") or ""),
        home_team_id=str(user.get("team_id") or team_id),
        key=f"{team_id}:{key}",
        trigger_id=str(body.get("trigger_id", "")),
        response_url=str(body.get("response_url", "")),
        channel_id=_room(str(channel.get("id") or "")),
        channel_name=_named(str(channel.get("id") or ""), str(channel.get("name") or "")),
        view=view,
        private=bool((body.get("container") or {}).get("is_ephemeral")),
    )


def _key_of_form(view: Body) -> str:
    """What was typed belongs to it: refused beside a field, the same window is sent again with something else."""
    typed = json.dumps(view.get("state") or {}, sort_keys=True)
    return f"{view['id']}:{view.get('hash', '')}:{hashlib.sha256(typed.encode()).hexdigest()[:16]}"


def of_event(body: Body) -> Heard:
    event = body["event"]
    team_id, user_id = str(body["team_id"]), str(event.get("user", ""))
    return Heard(team_id, user_id, "", team_id, f"{team_id}:{body['event_id']}")


def _opened_in(view: Body | None) -> Mapping[str, Any]:
    """As `metadata_of` wrote it; nobody but Slack and the app handles it in between."""
    kept = (view or {}).get("private_metadata") or ""
    found = json.loads(kept) if kept else {}
    return {"id": found.get("channel"), "name": str(found.get("name", "")).removeprefix("#")}


def _room(channel_id: str) -> str | None:
    return None if not channel_id or channel_id.startswith("D") else channel_id


def _named(channel_id: str, name: str) -> str:
    """Slack does not say what a private channel is called."""
    known = _room(channel_id) is not None and name and name not in ("privategroup", "directmessage")
    return f"#{name}" if known and not name.startswith("mpdm-") else ""


def pressed(body: Body) -> tuple[str, dict[str, str]]:
    """What `str(action)` was, and what was picked with it."""
    action = body["actions"][0]
    chosen = action.get("selected_options") or ([action["selected_option"]] if action.get("selected_option") else [])
    values = [str(each["value"]) for each in chosen]
    found = next((action[name] for name in ("selected_conversation", "selected_channel") if action.get(name)), None)
    picked = ",".join(values) or str(found or "")
    return action_in(str(action.get("action_id", ""))), {"picked": picked} if picked else {}


def filled(view: Body) -> dict[str, str]:
    """What was typed into a form, by the names of its fields. A time that was picked is meant before one that was
    typed: it stands empty until somebody uses it."""
    given: dict[str, str] = {}
    for block_id, inputs in ((view.get("state") or {}).get("values") or {}).items():
        for each in inputs.values():
            if block_id.endswith(PICKED):
                if each.get("selected_date_time"):
                    given[block_id.removesuffix(PICKED)] = f"<t:{int(each['selected_date_time'])}:F>"
            else:
                given.setdefault(block_id, _value(each))
    return given


def _value(element: Body) -> str:
    chosen = element.get("selected_option")
    return str(chosen["value"]) if chosen else str(element.get("selected_conversation") or element.get("value") or "")

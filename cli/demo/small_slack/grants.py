"""In which workspaces the app is, by Slack's OAuth: a page that asks, a code that works once, a token that ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from cli.demo.small_slack.limits import Payload

CLIENT_ID, CLIENT_SECRET = "1001.2002", "small-client-secret"


@dataclass(frozen=True)
class Consent:
    """What whoever stands before the page chooses."""

    team_id: str
    team: str = "Beta"
    user_id: str = "U901"
    agreed: bool = True
    organization: bool = False
    """Not one workspace: all of an Enterprise Grid."""


class Grants:
    """`choice` is made on the next page that asks. A new token for a workspace ends the one before."""

    def __init__(self, tokens: dict[str, str], teams: dict[str, str]) -> None:
        self.tokens = tokens
        """Token → workspace."""
        self.teams = teams
        """Workspace → what it is called."""
        self.choice: Consent | None = None
        self._ended: set[str] = set()
        self._codes: dict[str, tuple[Consent, Mapping[str, str]]] = {}
        self._made = 0

    def page(self, query: Mapping[str, str]) -> str | None:
        """Where the browser is sent back to; None where Slack would ask nobody."""
        choice = self.choice
        if choice is None or query.get("client_id") != CLIENT_ID or not query.get("scope"):
            return None
        back = {"state": query.get("state", "")}
        if not choice.agreed:
            return f"{query['redirect_uri']}?{urlencode(back | {'error': 'access_denied'})}"
        self._made += 1
        code = f"code-{self._made}"
        self._codes[code] = (choice, query)
        return f"{query['redirect_uri']}?{urlencode(back | {'code': code})}"

    def access(self, given: Payload) -> Payload | str:
        """oauth.v2.access."""
        if (given.get("client_id"), given.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return "bad_client_secret"
        choice, query = self._codes.pop(str(given.get("code")), (None, {}))
        if choice is None or given.get("redirect_uri") != query["redirect_uri"]:
            return "invalid_code"
        team = None if choice.organization else {"id": choice.team_id, "name": choice.team}
        token = self.give(choice.team_id, choice.team)
        return {
            "access_token": token, "token_type": "bot", "scope": query["scope"], "bot_user_id": "U0BOT",
            "app_id": "A1", "team": team, "enterprise": {"id": "E1"} if choice.organization else None,
            "authed_user": {"id": choice.user_id}, "is_enterprise_install": choice.organization,
        }  # fmt: skip

    def give(self, team_id: str, team: str) -> str:
        """A token that is good there."""
        self.end(team_id)
        self._made += 1
        token = f"xoxb-{team_id}-{self._made}"
        self.tokens[token], self.teams[team_id] = team_id, team
        return token

    def end(self, team_id: str) -> None:
        """The app is removed from that workspace."""
        for token in [token for token, team in self.tokens.items() if team == team_id]:
            del self.tokens[token]
            self._ended.add(token)

    def token_in(self, team_id: str) -> str | None:
        return next((token for token, team in self.tokens.items() if team == team_id), None)

    def team_of(self, token: str) -> str | None:
        return self.tokens.get(token)

    def refusal(self, token: str) -> str:
        return "account_inactive" if token in self._ended else "invalid_auth"

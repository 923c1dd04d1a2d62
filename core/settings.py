"""Every setting there is, read from the environment (and `.env`), with a working default in development."""

import ipaddress
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.errors import SoonishError
from core.zones import zone

_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(BaseSettings):
    """Names are the environment variables in lower case. Durations are seconds."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True)

    soonish_env: Literal["development", "production"] = "development"
    soonish_data: Path = Path("data")
    """Folder for the SQLite file, generated development secrets, pid files and the development mailbox."""
    public_base_url: str = "http://127.0.0.1:8000"
    default_timezone: str = "UTC"

    database_url: str | None = Field(None, repr=False)
    """`sqlite+aiosqlite:///…` or `postgresql+psycopg://…`; unset: SQLite in the data folder."""
    secret_key: SecretStr | None = None
    """Signs links and keys look-ups. At least 32 characters."""
    encryption_keys: Annotated[list[SecretStr], NoDecode] = []
    """Comma-separated, newest first; what is stored names the key that sealed it."""

    temporal_url: str = "localhost:7233"
    temporal_namespace: str = "soonish"
    temporal_task_queue: str = "soonish"

    smtp_server: str = "localhost"
    smtp_port: int = 25
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str = "Soonish <nudge@localhost>"
    smtp_connections: int = Field(10, ge=1, le=100)

    web_host: str = "127.0.0.1"
    web_port: int = 8000
    trusted_proxies: Annotated[list[Network], NoDecode] = []
    """Networks whose X-Forwarded-For is believed."""

    log_format: Literal["text", "json"] = "text"
    metrics_host: str = "127.0.0.1"
    """Where the worker answers Prometheus."""
    metrics_port: int = Field(9464, ge=0, le=65535)
    """0: it does not."""
    metrics_token: SecretStr | None = None
    """What Prometheus sends as a bearer token, to the worker and to the site's /metrics."""

    update_delay_seconds: int = Field(120, ge=0)
    """Edits within this time travel as one message."""
    reminder_lead_seconds: int = Field(60, ge=1, le=3600)
    """Reminder schedules fire between one and two of these early and wait in process for the exact instant."""
    grace_days: int = Field(30, ge=0)
    """How long after its end an event may still send messages; then its workflow ends."""

    delivery_window: int = Field(32, ge=1, le=4096)
    """Sends in flight in a worker. A crash repeats at most this many and half as many again."""
    delivery_allowed_networks: Annotated[list[Network], NoDecode] = []
    """Non-public networks that webhooks may reach. Empty: public addresses only."""
    retry_delays_seconds: Annotated[list[int], NoDecode] = [10, 120, 900]
    """Waits between the attempts of one delivery; after the last of them it is dead."""
    delivery_timeout_seconds: float = Field(10.0, gt=0)
    lease_seconds: int = Field(30, ge=5)
    organizer_daily_deliveries: int = Field(200_000, ge=1)

    subscribe_per_address_event_day: int = Field(1, ge=1)
    subscribe_per_address_hour: int = Field(3, ge=1)
    subscribe_per_ip_hour: int = Field(10, ge=1)

    links_per_address_hour: int = Field(10, ge=1)
    """Links to verify an address or to sign in, mailed to one address; half of them, but one at least, to whoever asks
    from one client address."""
    sign_in_per_ip_hour: int = Field(20, ge=1)
    password_tries_per_day: int = Field(20, ge=1)
    channel_tests_per_hour: int = Field(30, ge=1)
    events_per_organizer_day: int = Field(200, ge=1)
    """For one address; then its links still work."""
    session_days: int = Field(30, ge=1, le=400)
    """How long after it was last seen a session ends."""

    list_public_events: bool = False
    """Whether the landing page shows what is coming. Otherwise a public event is known to those who have its link."""

    discord_bot_token: SecretStr | None = None
    """With it: direct messages and cards."""
    discord_requests_per_second: float = Field(40.0, gt=0)
    """Of each process that writes as the bot. Discord allows a token 50, unless it was given more."""
    discord_client_id: str | None = None
    """With its secret: people may sign in with Discord."""
    discord_client_secret: SecretStr | None = None
    discord_api_base_url: str = "https://discord.com/api/v10"
    discord_gateway_url: str | None = None
    """Unset: where Discord's API says."""
    discord_guild_id: int | None = None
    """A development server: the commands are told to it alone, where they change at once."""
    discord_authorize_url: str = "https://discord.com/oauth2/authorize"
    slack_bot_token: SecretStr | None = None
    """Of one workspace: the app, direct messages and cards there. Others install it by OAuth."""
    slack_signing_secret: SecretStr | None = None
    """With it: Slack's requests are taken at /slack/events."""
    slack_app_token: SecretStr | None = None
    """With it: Socket Mode, by `soonish run slack`; no public address is needed."""
    slack_requests_per_second: float = Field(10.0, gt=0)
    """Of each process that writes as the app, in each workspace."""
    slack_client_id: str | None = None
    """With its secret: people may sign in with Slack, and put the app into their workspaces."""
    slack_client_secret: SecretStr | None = None
    slack_api_base_url: str = "https://slack.com/api/"
    slack_authorize_url: str = "https://slack.com/openid/connect/authorize"
    slack_install_url: str = "https://slack.com/oauth/v2/authorize"

    retention_outbox_days: int = Field(7, ge=1)
    retention_requests_hours: int = Field(24, ge=1)
    retention_deliveries_days: int = Field(400, ge=1)
    retention_audit_days: int = Field(400, ge=1)
    retention_subscriptions_days: int = Field(400, ge=1)
    """After they ended, or their event was over."""
    retention_invitations_days: int = Field(90, ge=1)
    """After they expired; likewise access that was taken back."""

    @field_validator(
        "encryption_keys", "trusted_proxies", "delivery_allowed_networks", "retry_delays_seconds", mode="before"
    )
    @classmethod
    def _split_commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator(
        "slack_bot_token", "slack_signing_secret", "slack_app_token", "slack_client_id", "slack_client_secret",
        mode="before",
    )  # fmt: skip
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        """As a line of a .env file stands that waits to be filled in: no request is signed with it."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("public_base_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("PUBLIC_BASE_URL must start with http:// or https://")
        return value.rstrip("/")

    @field_validator(
        "discord_api_base_url", "discord_authorize_url", "slack_api_base_url", "slack_authorize_url",
        "slack_install_url",
    )  # fmt: skip
    @classmethod
    def _nobody_listens_in(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or not (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_NAMES)
        ):
            raise ValueError("must start with https:// (http:// for this machine only: secrets and codes go there)")
        return value

    @field_validator("discord_gateway_url")
    @classmethod
    def _nobody_listens_to_the_gateway(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "")
        if value and not (
            parts.hostname and (parts.scheme == "wss" or (parts.scheme == "ws" and parts.hostname in _LOCAL_NAMES))
        ):
            raise ValueError("must start with wss:// (ws:// for this machine only: the token goes there)")
        return value or None

    @field_validator("slack_api_base_url")
    @classmethod
    def _methods_follow(cls, value: str) -> str:
        if not value.endswith("/api/"):
            raise ValueError("SLACK_API_BASE_URL must end with /api/")
        return value

    @field_validator("temporal_url")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.\[\]:-]+:\d{1,5}", value):
            raise ValueError("TEMPORAL_URL must be host:port, such as temporal.internal:7233")
        return value

    @field_validator("default_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            return zone(value).key
        except SoonishError as refusal:
            raise ValueError(f"{refusal.message} {refusal.hint}") from None

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("sqlite+aiosqlite:///", "postgresql+psycopg://")):
            raise ValueError("DATABASE_URL must start with sqlite+aiosqlite:/// or postgresql+psycopg://")
        return value

    @model_validator(mode="after")
    def _production_needs_secrets(self) -> Self:
        if self.production:
            required = {
                "SECRET_KEY": self.secret_key,
                "ENCRYPTION_KEYS": self.encryption_keys,
                "SMTP_SERVER": "smtp_server" in self.model_fields_set,
                "TEMPORAL_URL": "temporal_url" in self.model_fields_set,
                "PUBLIC_BASE_URL": "public_base_url" in self.model_fields_set,
            }
            missing = [name for name, value in required.items() if not value]
            if missing:
                raise ValueError(f"production needs {', '.join(missing)}: set them in the environment")
        if self.metrics_token is None and self.metrics_host not in _LOCAL_NAMES:
            raise ValueError("METRICS_HOST other than this machine's own needs METRICS_TOKEN")
        if self.metrics_token is not None and len(self.metrics_token.get_secret_value()) < 16:
            raise ValueError("METRICS_TOKEN must have at least 16 characters")
        if self.secret_key and len(self.secret_key.get_secret_value()) < 32:
            raise ValueError("SECRET_KEY must have at least 32 characters")
        return self

    @property
    def production(self) -> bool:
        return self.soonish_env == "production"

    @property
    def slack_installs(self) -> bool:
        """Whether workspaces put the app in by themselves: OAuth, and a way for Slack to reach us."""
        named = self.slack_client_id is not None and self.slack_client_secret is not None
        return named and (self.slack_signing_secret is not None or self.slack_app_token is not None)

    @property
    def slack_is_here(self) -> bool:
        """Not Slack itself: one on this machine, which reaches this machine's addresses."""
        return urlsplit(self.slack_api_base_url).hostname in _LOCAL_NAMES

    @property
    def on_slack(self) -> bool:
        return self.slack_bot_token is not None or self.slack_installs

    @cached_property
    def database(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite+aiosqlite:///{quote(str((self.soonish_data / 'soonish.db').resolve()))}"

    @property
    def sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    @property
    def sqlite_file(self) -> Path | None:
        """None on PostgreSQL."""
        return Path(unquote(self.database.partition(":///")[2].partition("?")[0])) if self.sqlite else None

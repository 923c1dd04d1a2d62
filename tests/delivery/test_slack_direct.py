"""Direct messages by our app on Slack: what arrives, what each answer means, and whose fault it is."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from cli.demo.small_slack.api import Member, SlackApi
from cli.demo.small_slack.people import labels, read
from core.delivery.addresses import slack_bot
from core.delivery.channels import read_channel
from core.delivery.hosts import Hosts
from core.delivery.message import Direct, Message
from core.delivery.policy import DestinationPolicy
from core.delivery.sender import Sender
from core.delivery.services import SERVICES, host_of
from core.delivery.slackbot import CARD_GONE, NO_TOKEN, bot_error
from core.errors import Code, SoonishError

URL = "slackdm://T1001/U102"
WORDS = Message(
    "Launch <!channel> is tomorrow",
    "Doors at six.",
    "",
    direct=Direct("", "Doors at &lt;six&gt;.", "https://soonish.example/e/abc", "abc"),
)
Senders = Callable[..., Any]


@pytest.fixture
async def slack() -> AsyncIterator[SlackApi]:
    async with SlackApi() as api:
        api.members["U102"] = Member("Bob")
        yield api


@pytest.fixture
async def bot(senders: Senders, slack: SlackApi) -> AsyncIterator[Sender]:
    async with senders(DestinationPolicy(), **slack.settings) as sender:
        yield sender


async def test_a_direct_message_calls_nobody_and_has_buttons(bot: Sender, slack: SlackApi) -> None:
    assert (await bot.send(URL, WORDS)).delivered
    (payload,) = slack.direct("U102")
    assert read(payload) == "*Launch &lt;!channel&gt; is tomorrow*\nDoors at &lt;six&gt;."
    assert "<!channel>" not in payload["text"]
    assert labels(payload) == ["Open page", "Unsubscribe"]


async def test_a_message_longer_than_slack_takes_is_cut(bot: Sender, slack: SlackApi) -> None:
    assert (await bot.send(URL, Message("T" * 400, "b" * 9000, ""))).delivered
    assert (await bot.send(URL, replace(WORDS, direct=Direct("", "&amp;" * 2000)))).delivered
    assert slack.complaints == []


@pytest.mark.parametrize("error", ["user_not_found", "user_disabled", "cannot_dm_bot", "messages_tab_disabled"])
async def test_somebody_who_cannot_be_reached_is_dead_with_a_reason(bot: Sender, slack: SlackApi, error: str) -> None:
    slack.refuse("chat.postMessage", error)
    outcome = await bot.send(URL, WORDS)
    assert (outcome.permanent, outcome.about_message, outcome.host_fault) == (True, False, False)
    assert outcome.reason.endswith(".")
    assert "U102" not in outcome.reason


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive", "missing_scope", "not_authed"])
async def test_what_is_wrong_with_our_app_is_nobody_elses_fault_and_pauses_that_workspace(
    bot: Sender, slack: SlackApi, error: str
) -> None:
    slack.refuse("chat.postMessage", error)
    outcome = await bot.send(URL, WORDS)
    assert (outcome.permanent, outcome.deferred, outcome.host_wide) == (False, True, True)
    hosts = Hosts(32)
    hosts.record(slack_bot("T1001"), outcome)
    assert hosts.trouble(slack_bot("T1001")) is not None
    assert hosts.trouble(slack_bot("T1002")) is None


async def test_slack_is_waited_for_as_long_as_it_says(bot: Sender, slack: SlackApi) -> None:
    slack.refuse("chat.postMessage", "ratelimited", retry_after=7)
    outcome = await bot.send(URL, WORDS)
    assert (outcome.deferred, outcome.retry_after, outcome.permanent) == (True, 7.0, False)


async def test_without_a_token_messages_wait_and_nothing_is_asked(senders: Senders, slack: SlackApi) -> None:
    async with senders(DestinationPolicy(), **slack.settings | {"slack_bot_token": None}) as sender:
        assert await sender.send(URL, WORDS) == NO_TOKEN
    assert slack.calls == []


def test_what_nobody_has_heard_of_may_pass_and_what_is_wrong_with_a_message_leaves_the_channel_on() -> None:
    unheard = bot_error("unheard_of")
    assert (unheard.permanent, unheard.host_fault) == (False, True)
    assert (bot_error("invalid_blocks").permanent, bot_error("invalid_blocks").about_message) == (True, True)
    assert {bot_error(each).code for each in ("message_not_found", "is_archived", "not_in_channel")} <= CARD_GONE


async def test_only_slacks_own_ids_are_an_address(bot: Sender, slack: SlackApi) -> None:
    for wrong in ("slackdm://T1/../U1", "slackdm://", "slackdm://T1", "slackdm://t1/u1", "slackdm://T10/U10?x=y"):
        assert (await bot.send(wrong, WORDS)).code == "unreadable"
    assert slack.calls == []


@pytest.mark.parametrize("url", [URL, "SLACKDM://T1001/U102", "slackdm://"])
def test_nobody_adds_a_direct_channel_by_its_address(url: str) -> None:
    with pytest.raises(SoonishError) as refused:
        read_channel(url)
    assert refused.value.code == Code.INVALID
    assert "U102" not in refused.value.message


def test_a_workspace_shares_the_apps_limits() -> None:
    assert host_of(URL) == slack_bot("T1001")
    assert SERVICES["slackdm"].native

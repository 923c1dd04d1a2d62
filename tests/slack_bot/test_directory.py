"""Slack that does not say who is in which group: nobody loses anything by it, and it is not asked by a crowd."""

import asyncio

import pytest

from cli.demo.small_slack.api import DEVELOPERS
from cli.demo.small_slack.people import Person, read
from core.db.models import EventGrant, EventOrganizer, Subscription
from tests.slack_bot.conftest import Workspace, restarted


@pytest.mark.parametrize(("error", "wait"), [("ratelimited", 30), ("missing_scope", None), ("internal_error", None)])
async def test_who_organizes_by_a_group_stays_while_slack_does_not_say_who_is_in_it(
    space: Workspace, error: str, wait: int | None
) -> None:
    space.slack.groups[DEVELOPERS].add(space.bob.id)
    event = await space.created()
    await space.says(space.alice, f"invite {event} @group-s3001 to organize")
    shown = await space.says(space.bob, f"show {event}")
    await space.after(space.bob, shown, "🔔 Subscribe")
    organizers = [row.user_id for row in await space.rows(EventOrganizer)]
    async with restarted(space):
        space.slack.refuse("usergroups.list", error, retry_after=wait)
        assert "Film night" in read(await space.says(space.bob, f"show {event}"))
        assert [row.user_id for row in await space.rows(EventOrganizer)] == organizers
        assert [row.ended_at for row in await space.rows(Subscription)] == [None]
        assert len(await space.rows(EventGrant)) == 1
    space.slack.groups[DEVELOPERS].clear()
    async with restarted(space):
        space.slack.accept()
        await space.says(space.bob, f"show {event}")
    assert len(await space.rows(EventOrganizer)) == len(organizers) - 1


async def test_without_the_right_to_ask_for_groups_members_still_create_and_admins_still_set(space: Workspace) -> None:
    space.slack.refuse("usergroups.list", "missing_scope")
    assert "New event" in read(await space.says(space.alice, "create Quiz tomorrow 7pm"))
    window = await (await space.ada.types("settings")).opened()
    assert [each["block_id"] for each in window["blocks"]] == ["timezone", "channel"]


async def test_many_who_press_at_once_make_one_call_for_the_groups(space: Workspace) -> None:
    _, card = await space.posted()
    people = [Person(space.slack, f"U7{number:02}", f"P{number}") for number in range(8)]
    async with restarted(space):
        space.slack.calls.clear()
        talks = await asyncio.gather(*(each.presses(card.payload, "Details") for each in people))
        for talk in talks:
            await talk.message()
        assert space.slack.calls.count("usergroups.list") == 1


async def test_a_refusal_is_not_asked_for_again_before_the_time_that_slack_names(space: Workspace) -> None:
    space.slack.refuse("usergroups.list", "ratelimited", retry_after=30)
    for _ in range(3):
        await space.says(space.bob, "list")
    assert space.slack.calls.count("usergroups.list") == 1

"""The settings of a workspace: what is chosen stays chosen, and what cannot be meant is not saved."""

from cli.demo.small_slack.api import DEVELOPERS
from cli.demo.small_slack.limits import Payload
from cli.demo.small_slack.people import read
from core.db.models import ChatSetting
from core.wiring import build_outbound
from tests.slack_bot.conftest import Workspace, serving

RESTRICTED = "settings organizers @group-s3001"


def groups_in(window: Payload) -> Payload:
    (found,) = [each["element"] for each in window["blocks"] if each["block_id"] == "organizer_role"]
    return dict(found)


async def saved(space: Workspace) -> tuple[str | None, str | None, str | None]:
    (row,) = await space.rows(ChatSetting)
    return row.timezone, row.organizer_role, row.channel_id


async def test_the_chosen_group_stays_chosen_where_a_list_has_no_room_for_every_group(space: Workspace) -> None:
    space.slack.groups |= {f"S9{number:03}": set() for number in range(130)}
    await space.says(space.ada, "settings organizers @group-s9120")
    window = await (await space.ada.types("settings")).opened()
    assert [each["value"] for each in groups_in(window)["options"]][:3] == ["S9120", "-", DEVELOPERS]
    await (await space.ada.sends(window, timezone="Europe/Paris")).opened()
    assert await saved(space) == ("Europe/Paris", "S9120", None)


async def test_a_list_that_comes_back_empty_leaves_who_creates_events_as_it_was(space: Workspace) -> None:
    await space.says(space.ada, RESTRICTED)
    window = await (await space.ada.types("settings")).opened()
    for block in window["blocks"]:
        block["element"].pop("initial_option", None)
    await (await space.ada.sends(window, timezone="Europe/Paris")).opened()
    assert await saved(space) == ("Europe/Paris", DEVELOPERS, None)


async def test_a_workspace_that_has_groups_no_more_keeps_what_was_set_until_an_admin_unsets_it(
    space: Workspace,
) -> None:
    window = await (await space.ada.types("settings")).opened()
    await (await space.ada.sends(window, organizer_role=DEVELOPERS)).opened()
    async with serving(space.core, build_outbound(space.core)) as port:  # which knows no groups yet
        space.slack.target = f"http://127.0.0.1:{port}/slack/events"
        space.slack.refuse("usergroups.list", "paid_teams_only")
        window = await (await space.ada.types("settings")).opened()
        assert groups_in(window)["initial_option"]["text"]["text"] == f"The user group {DEVELOPERS}"
        await (await space.ada.sends(window, timezone="Europe/Berlin")).opened()
        assert await saved(space) == ("Europe/Berlin", DEVELOPERS, None)
        again = await (await space.ada.types("settings")).opened()
        done = await (await space.ada.sends(again, organizer_role="-")).opened()
        assert "every full member" in read(done)
        window = await (await space.ada.types("settings")).opened()
        assert [each["block_id"] for each in window["blocks"]] == ["timezone", "channel"]


async def test_a_typed_group_or_channel_that_is_none_is_not_saved(space: Workspace) -> None:
    for typed in ("organizers nobody-such", "organizers @nobody-such", "organizers #general"):
        said = read(await space.says(space.ada, f"settings {typed}"))
        assert said == "That is no user group here. Pick it from the list: /soonish settings"
    for typed in ("channel general", "channel #nowhere", "channel @group-s3001", "channel @alice"):
        said = read(await space.says(space.ada, f"settings {typed}"))
        assert said == "That is no channel here. Pick it from the list: /soonish settings"
    assert await space.rows(ChatSetting) == []
    assert "New event" in read(await space.says(space.alice, "create Quiz tomorrow 7pm"))


async def test_a_group_is_known_by_its_handle_and_anybody_by_a_dash(space: Workspace) -> None:
    for typed in ("@group-s3001", "GROUP-S3001", DEVELOPERS):
        await space.says(space.ada, f"settings organizers {typed}")
        assert await saved(space) == (None, DEVELOPERS, None)
        assert "every full member" in read(await space.says(space.ada, "settings organizers -"))
        assert await saved(space) == (None, None, None)

"""An event from the first word to its preview, in Discord's own forms."""

import sqlite3

from cli.demo.small_discord.people import Person, labels, read
from core.db.models import Event
from tests.discord_bot.conftest import Server

SOME = {"name": "Surprise party", "when": "tomorrow 7pm"}


async def test_a_private_event_that_is_finished_in_the_form_is_private(server: Server) -> None:
    form = await server.alice.types("event create", visibility="private")
    preview = await server.alice.fills_in(form, **SOME)
    assert "Invited people only" in read(preview)
    again = await server.alice.presses(preview, "Edit")
    preview = await server.alice.fills_in(again, name="Big surprise")
    assert "Invited people only" in read(preview)
    await server.alice.presses(preview, "just create")
    assert [(row.name, row.is_public) for row in await server.rows(Event)] == [("Big surprise", False)]


async def test_a_preview_says_who_may_see_the_event_and_changes_it(server: Server) -> None:
    preview = await server.alice.types("event create", **SOME)
    assert "Anyone with the link" in read(preview)
    private = await server.alice.presses(preview, "Make it private")
    assert "Invited people only" in read(private)
    assert "Make it public" in labels(private)
    public = await server.alice.presses(private, "Make it public")
    assert "Anyone with the link" in read(public)
    private = await server.alice.presses(public, "Make it private")
    assert "This preview was changed since" in read(await server.alice.presses(public, "just create"))
    await server.alice.presses(private, "just create")
    assert [row.is_public for row in await server.rows(Event)] == [False]


async def test_a_long_description_comes_back_whole_from_the_form_of_a_preview(server: Server) -> None:
    long = "All about it. " * 249 + "The end."
    preview = await server.alice.types("event create", **SOME, description=long)
    form = await server.alice.presses(preview, "Edit")
    preview = await server.alice.fills_in(form, when="tomorrow 8pm")
    await server.alice.presses(preview, "just create")
    assert [row.description for row in await server.rows(Event)] == [long]


async def test_who_may_create_no_events_is_told_before_they_type_and_offered_no_form(server: Server) -> None:
    for said in (
        await server.bob.types("event create"),
        await server.bob.types("event create", name="Mine"),
        await server.bob.sends("soonish:create_form"),
    ):
        assert "Only people who manage events here create them" in read(said)
    assert "Create one" not in labels(await server.bob.types("event list"))
    listed = await server.alice.types("event list")
    assert (await server.alice.presses(listed, "Create one")).callback["title"] == "New event"


async def test_the_form_of_a_new_event_is_there_while_nothing_can_be_written(server: Server) -> None:
    newcomer = Person(server.discord, "300", "Newcomer", rights=server.alice.rights)
    with sqlite3.connect(server.town.settings.soonish_data / "soonish.db", isolation_level=None) as lock:
        lock.execute("BEGIN IMMEDIATE")
        assert (await newcomer.types("event create")).callback["title"] == "New event"
        lock.execute("ROLLBACK")
    lock.close()


async def test_a_long_description_hides_nothing_else_of_a_preview(server: Server) -> None:
    preview = await server.alice.types("event create", **SOME, description="All about it. " * 400, visibility="private")
    assert "Invited people only" in read(preview)
    assert "will see it" in read(preview)
    assert "All about it" in read(preview)

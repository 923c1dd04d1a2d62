"""One's own channels: add by an Apprise URL in a form, test, rename, switch, remove. A URL is never shown again."""

from functools import partial

from pydantic import ValidationError

from bots.conversation.actions import Action
from bots.conversation.book import BOOK
from bots.conversation.own_channels import BACK, own_channel, own_channels
from bots.conversation.refusals import refused
from bots.conversation.screens import Answer, Button, Choice, Field, Form, Line, Menu, Row, Screen, line, told
from bots.conversation.showing import counted
from bots.conversation.speaker import Turn, number_in
from core.errors import SoonishError
from core.integrations.model import IntegrationChange, IntegrationView, NewIntegration
from core.integrations.usecases import add_integration, change_integration, remove_integration
from core.work import Once

_SHOWN = 25


@BOOK.command("me", "channels", "Where you are reached", "themselves")
@BOOK.press("channels")
async def listed(turn: Turn) -> Answer:
    items = await own_channels(turn)
    add = Button("Add a channel", Action("channel_add"), style="primary")
    if not items:
        return Screen(
            (line("No channels yet. The first press on Subscribe makes your direct messages one."),), rows=((add,),)
        )
    lines: list[Line] = [line(_state(each), " ", f"{each.name} ({each.kind})", _why(each)) for each in items[:_SHOWN]]
    choices = tuple(Choice(each.name[:100], str(each.id), each.kind) for each in items[:_SHOWN])
    all_of_them = Button("All of them ↗", url=f"{turn.core.settings.public_base_url}/channels")
    more = (all_of_them,) if len(items) > _SHOWN else ()
    rows: tuple[Row, ...] = (Menu(Action("channel"), "Test, rename, switch or remove one", choices), (add, *more))
    return Screen(tuple(lines), title="Your channels", rows=rows)


@BOOK.press("channel")
async def one(turn: Turn) -> Answer:
    channel = await own_channel(turn, number_in(turn.given.get("picked") or turn.more))
    number = str(channel.id)
    switch = "off" if channel.is_active else "on"
    buttons = (
        Button("Test", Action("test", more=number)),
        Button("Rename", Action("channel_name", more=number)),
        Button(f"Switch {switch}", Action("channel_switch", more=f"{number},{switch}")),
        Button("Remove", Action("channel_remove", more=number), style="danger"),
        BACK,
    )
    return Screen((line(_state(channel), " ", f"{channel.name} ({channel.kind})", _why(channel)),), rows=(buttons,))


@BOOK.press("channel_add", opens_form=True)
async def add(turn: Turn) -> Answer:
    return _form()


@BOOK.press("channel_added")
async def added(turn: Turn) -> Answer:
    """Tested before it is saved. What was typed as the URL is never said back."""
    given = turn.given
    again = Button("Try again", Action("channel_add"))
    try:
        new = NewIntegration(
            name=given.get("name", ""),
            apprise_url=given.get("apprise_url", ""),
            tag=given.get("tag", "").strip() or None,
        )
        actor = await turn.who()
        once = Once(f"{actor.user_id}:chat", f"{turn.speaker.platform}:{turn.speaker.key}:add", "")
        made = await add_integration(turn.core, turn.outbound, actor, new, once)
    except (SoonishError, ValidationError) as refusal:
        (why,) = refused(refusal).lines
        about = refused(refusal).about if isinstance(refusal, ValidationError) else ""
        return Screen((line("❌ Not saved: ", *why),), rows=((again, BACK),), about=about)
    if not made.confirmed:
        return _done(f"{made.name} is saved, and off until its address says yes: we just wrote to it.")
    return _done(f"✅ {made.name} works, I just sent a test.")


@BOOK.press("channel_name", opens_form=True)
async def rename(turn: Turn) -> Answer:
    channel = await own_channel(turn, turn.number)
    fields = (Field("name", "Name", channel.name, required=True, at_most=200),)
    return Form("Rename channel", Action("channel_named", more=turn.more), fields)


@BOOK.press("channel_named")
async def renamed(turn: Turn) -> Answer:
    turn.again = partial(_name_again, turn.more)
    change = IntegrationChange(name=turn.given.get("name", ""))
    done = await turn.act(change_integration, turn.number, change)
    return _done(f"It is called {done.name} now.")


@BOOK.press("channel_switch")
async def switched(turn: Turn) -> Answer:
    number, _, to = turn.more.partition(",")
    done = await turn.act(change_integration, number_in(number), IntegrationChange(is_active=to == "on"))
    return _done(f"{done.name} is {'on; what waited is sent' if done.is_active else 'off; what comes for it waits'}.")


@BOOK.press("channel_remove")
async def remove(turn: Turn) -> Answer:
    channel = await own_channel(turn, turn.number)
    buttons = (
        Button("Remove it", Action("channel_removed", more=turn.more), style="danger"),
        Button("Keep it", Action("channels")),
    )
    said = f"Remove {channel.name}? What it follows ends, and its address is forgotten."
    return Screen((line(said),), rows=(buttons,))


@BOOK.press("channel_removed")
async def removed(turn: Turn) -> Answer:
    done = await turn.act(remove_integration, turn.number)
    return _done(f"Removed. {counted(done.ended_subscriptions, 'subscription', 'subscriptions')} ended with it.")


async def _name_again(number: str) -> Action:
    return Action("channel_name", more=number)


def _done(said: str) -> Screen:
    return told(said, rows=((BACK,),))


def _form() -> Form:
    hint = "Stored encrypted, never shown again"
    return Form(
        "Add a channel",
        Action("channel_added"),
        (
            Field("name", "Name", hint="Phone", required=True, at_most=200),
            Field("apprise_url", "Apprise URL", hint=hint, required=True, at_most=2_000),
            Field("tag", "Tag", hint="phone", at_most=32),
        ),
    )


def _state(channel: IntegrationView) -> str:
    return "🟢" if channel.is_active else "⚪"


def _why(channel: IntegrationView) -> str:
    if channel.is_active:
        return ""
    if not channel.confirmed:
        return ": waits for its address to say yes"
    return f": off. {channel.disabled_reason}" if channel.disabled_reason else ": off"

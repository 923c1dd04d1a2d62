"""`./dev screens`: a picture of every page, into docs/screens. Small ones, so that the repository stays small."""

import asyncio
import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, async_playwright

from core.db.migrate import upgrade
from core.events.changes import cancel_event
from core.events.model import Cancellation, EventView
from core.notifications.model import NewMessage
from core.notifications.usecases import send_message
from core.operators.access import add_operator
from core.settings import Settings
from core.subscriptions.join import ask_by_email, subscribe_by_channel
from core.subscriptions.model import SubscribeByChannel, SubscribeByEmail
from core.tokens import UnsubscribeToken, address_token, unsubscribe_token
from core.work import Actor
from tests.browser.chromium import MISSING, find_chromium, start_chromium
from tests.browser.conftest import Visit, serving
from tests.people import OPERATOR, Clock, Person, Town, people_of
from tests.servers import free_port

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
PHONE, DESK = 390, 1280
_COLOURS = 64


@dataclass(frozen=True)
class Scene:
    """One picture: where it is taken, and by whom."""

    name: str
    path: Callable[["Stage"], str]
    who: Callable[[Town], Person] | None = None
    """None: a visitor."""
    width: int = DESK
    dark: bool = False
    press: dict[str, str] = field(default_factory=dict)
    """Fields to fill in, by their labels; the last names the button."""


@dataclass
class Stage:
    town: Town
    event: EventView
    cancelled: EventView


SCENES = (
    Scene("landing", lambda _: "/"),
    Scene(
        "calendars",
        lambda _: "/account/calendars",
        who=lambda town: town.bob,
        press={"": "Make an address for all that you follow"},
    ),
    Scene("event", lambda stage: f"/e/{stage.event.id}"),
    Scene("event-dark", lambda stage: f"/e/{stage.event.id}", dark=True),
    Scene("event-phone", lambda stage: f"/e/{stage.event.id}", width=PHONE),
    Scene(
        "event-asked",
        lambda stage: f"/e/{stage.event.id}",
        width=PHONE,
        press={"Your e-mail": "nora@example.org", "": "Nudge me"},
    ),
    Scene("event-cancelled", lambda stage: f"/e/{stage.cancelled.id}", width=PHONE),
    Scene("report", lambda stage: f"/e/{stage.event.id}/report", width=PHONE),
    Scene(
        "leaving", lambda stage: "/u/" + unsubscribe_token(stage.town.core.keys, UnsubscribeToken(1, 4)), width=PHONE
    ),
    Scene("everything", lambda stage: "/s/" + address_token(stage.town.core.keys, 4), width=PHONE),
    Scene("sign-in", lambda _: "/sign-in", width=PHONE),
    Scene("account", lambda _: "/account", who=lambda town: town.alice),
    Scene("event-followed", lambda stage: f"/e/{stage.event.id}", who=lambda town: town.bob, width=PHONE),
    Scene("event-mine", lambda stage: f"/e/{stage.event.id}", who=lambda town: town.alice),
    Scene("events", lambda _: "/events", who=lambda town: town.alice),
    Scene("new", lambda _: "/new", who=lambda town: town.alice, width=PHONE),
    Scene("manage", lambda stage: f"/e/{stage.event.id}/manage", who=lambda town: town.alice),
    Scene("manage-phone", lambda stage: f"/e/{stage.event.id}/manage", who=lambda town: town.alice, width=PHONE),
    Scene(
        "message",
        lambda stage: f"/e/{stage.event.id}/manage",
        who=lambda town: town.alice,
        press={
            "Title": "Rain: we are inside",
            "Message": "Films are in the café. Same time, same soup.",
            "": "Preview",
        },
    ),
    Scene("sent", lambda stage: f"/e/{stage.event.id}/messages/3", who=lambda town: town.alice),
    Scene(
        "edited",
        lambda stage: f"/e/{stage.event.id}/edit",
        who=lambda town: town.alice,
        width=PHONE,
        press={"Where": "The café downstairs", "": "See what changes"},
    ),
    Scene("subscribers", lambda stage: f"/e/{stage.event.id}/subscribers", who=lambda town: town.alice, dark=True),
    Scene("people", lambda stage: f"/e/{stage.event.id}/people", who=lambda town: town.alice),
    Scene("channels", lambda _: "/channels", who=lambda town: town.alice),
    Scene("channel", lambda _: "/channels/add/ntfy", who=lambda town: town.alice, width=PHONE),
    Scene("operators", lambda _: "/admin", who=lambda town: town.alice, dark=True),
)


async def main() -> int:
    path = find_chromium()
    if path is None:
        print(MISSING, file=sys.stderr)  # noqa: T201 - a command for people
        return 1
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder))
        clock = Clock()
        upgrade(settings.database_url or f"sqlite+aiosqlite:///{folder}/soonish.db")
        async with serving(settings, clock) as core, async_playwright() as playwright:
            stage = await _staged(await people_of(core, settings, clock))
            browser = await start_chromium(playwright, path)
            for scene in SCENES:
                await _take(browser, stage, scene)
            await browser.close()
    return 0


def _settings(folder: Path) -> Settings:
    port = free_port()
    here = f"http://127.0.0.1:{port}"
    return Settings(_env_file=None, soonish_data=folder, web_port=port, public_base_url=here, list_public_events=True)


async def _staged(town: Town) -> Stage:
    start = town.in_(days=4).replace(hour=17, minute=30, second=0)
    event = await town.event(
        start,
        name="Rooftop Film Night",
        end_date=start.replace(hour=20),
        timezone="Europe/Berlin",
        location="Kino Dach, Lenaustraße 12, Berlin",
        description=(
            "Two short films, one long one, hot soup and a view of the canal. We carry the projector up at six.\n\n"
            "Bring a blanket. If it rains we move downstairs to the café, and everybody on the list hears first."
        ),
    )
    await town.core.act(town.bob.actor, subscribe_by_channel, event.id, SubscribeByChannel())
    for title, body in (
        ("Programme is out", "Kiesel (12 min), Nachtzug (9 min), and Paterson after the break."),
        ("Doors moved to 18:00", "The lift is slow, so we open half an hour earlier. Films still start at 19:30."),
    ):
        await town.core.act(town.alice.actor, send_message, event.id, NewMessage(title=title, body=body))
    cancelled = await town.event(
        town.in_(days=9), name="Canal Clean-up", location="Lohmühlenbrücke", timezone="Europe/Berlin"
    )
    for each in (event, cancelled):
        await ask_by_email(
            town.core, Actor(None, "web", "10.0.0.1"), each.id, SubscribeByEmail(email="mira@example.org")
        )
    await town.core.act(town.alice.actor, cancel_event, cancelled.id, Cancellation(reason="The water is too high."))
    await town.core.act(OPERATOR, add_operator, town.alice.email)
    return Stage(town, event, cancelled)


async def _take(browser: Browser, stage: Stage, scene: Scene) -> None:
    town = stage.town
    visit = Visit(browser, town.settings, town.clock)
    visitor = await (visit.as_(town, scene.who(town), width=scene.width) if scene.who else visit(width=scene.width))
    page = await visitor.context.new_page()
    await page.emulate_media(color_scheme="dark" if scene.dark else "light")
    await page.goto(scene.path(stage))
    for label, words in scene.press.items():
        if label:
            await page.get_by_label(label).fill(words)
        else:
            await page.get_by_role("button", name=words).click()
            await page.wait_for_load_state("networkidle")
    taken = Image.open(io.BytesIO(await page.screenshot(full_page=True)))
    taken.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"{scene.name}.png", optimize=True)
    await visitor.close()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

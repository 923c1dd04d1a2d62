"""Every page of the site, as the scenes that it is seen in: who is there, where, and what they press."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from playwright.async_api import Page, Route

from tests.browser.stage import Stage
from tests.people import Person, Town

PHONE, DESK = 390, 1280
Steps = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Scene:
    name: str
    """Of its picture, too."""
    template: str
    path: Callable[[Stage], str]
    steps: Steps = ()
    """Fields to fill in, by their labels; how the name of a button to press begins, behind PRESS."""
    status: int = 200
    width: int = DESK
    dark: bool = False
    picture_only: bool = False
    """Of a page that another scene is about too."""


PRESS, OPEN, SIGN_OUT = "press", "open", "sign out"
_READING = "**/reading?*"


async def _unread(route: Route) -> None:
    await route.fulfill(body="", content_type="text/html")


async def play(page: Page, scene: Scene, stage: Stage) -> None:
    await page.unroute(_READING)
    await page.goto(scene.path(stage), wait_until="load")
    for what, words in scene.steps:
        if what == PRESS:
            async with page.expect_response(lambda response: response.request.method == "POST"):
                await page.get_by_role("button", name=re.compile(f"^{words}")).first.click()
            await page.wait_for_load_state("load")
            await page.locator(".htmx-request").wait_for(state="detached")
        elif what == OPEN:
            await page.locator("summary", has_text=words).first.click()
        elif what == SIGN_OUT:
            await page.route(_READING, _unread)  # what was just typed may be about to be read
            await page.context.clear_cookies()
        else:
            await page.get_by_label(what, exact=True).fill(words)


def _at(path: str) -> Callable[[Stage], str]:
    return lambda _: path


def _event(path: str = "") -> Callable[[Stage], str]:
    return lambda stage: f"/e/{stage.event.id}{path}"


_ASKS: Steps = (("Your e-mail", "nora@example.org"), (PRESS, "Nudge me"))
_WRITES: Steps = (
    ("Title", "Rain: we are inside"),
    ("Message", "Films are in the café. Same time, same soup."),
    (PRESS, "Preview"),
)
_MAKES: Steps = (
    ("Name", "Rooftop Dinner"),
    ("When", "tomorrow 19:30"),
    ("Time zone", "Europe/Berlin"),
    (PRESS, "Preview"),
)

VISITOR = (
    Scene("landing", "landing.html", _at("/")),
    Scene("landing-phone", "landing.html", _at("/"), width=PHONE, picture_only=True),
    Scene("event", "event.html", _event()),
    Scene("event-dark", "event.html", _event(), dark=True, picture_only=True),
    Scene("event-phone", "event.html", _event(), width=PHONE, picture_only=True),
    Scene("event-refused", "event.html", _event(), (("Your e-mail", "nora@"), _ASKS[1]), status=422, width=PHONE),
    Scene("event-asked", "sent.html", _event(), _ASKS, width=PHONE),
    Scene("event-cancelled", "event.html", lambda stage: f"/e/{stage.cancelled.id}", width=PHONE),
    Scene("event-over", "event.html", lambda stage: f"/e/{stage.over.id}", width=PHONE),
    Scene("report", "report.html", _event("/report"), width=PHONE),
    Scene("confirm", "confirm.html", lambda stage: stage.confirm, width=PHONE),
    Scene(
        "confirmed", "confirm.html", lambda stage: stage.confirm, ((PRESS, "Yes, nudge me"),), width=PHONE, dark=True
    ),
    Scene("leaving", "unsubscribe.html", lambda stage: stage.leave, width=PHONE),
    Scene("left", "unsubscribed.html", lambda stage: stage.leave, ((PRESS, "Unsubscribe"),), width=PHONE),
    Scene(
        "back",
        "undone.html",
        lambda stage: stage.leave_too,
        ((PRESS, "Unsubscribe"), (PRESS, "Undo")),
        width=PHONE,
    ),
    Scene("everything", "address.html", lambda stage: stage.address, width=PHONE),
    Scene("address-log", "log.html", lambda stage: f"{stage.address}/log", width=PHONE),
    Scene(
        "erased",
        "erased.html",
        lambda stage: stage.other_address,
        ((OPEN, "Erase this address"), ("Type “erase”", "erase"), (PRESS, "Erase everything")),
        width=PHONE,
    ),
    Scene("invitation", "invitation.html", lambda stage: stage.invitation, width=PHONE),
    Scene("sign-in", "sign_in.html", _at("/sign-in"), width=PHONE),
    Scene(
        "asked",
        "asked.html",
        _at("/sign-in"),
        (("Your e-mail", "nora@example.org"), (PRESS, "Mail me a link")),
        width=PHONE,
    ),
    Scene("way-in", "link.html", lambda stage: stage.way_in, width=PHONE),
    Scene("new-address", "moving.html", lambda stage: stage.moving, width=PHONE),
    Scene("on-slack", "slack_installed.html", _at("/slack/installed"), width=PHONE),
    Scene("privacy", "privacy.html", _at("/privacy")),
    Scene("api", "docs.html", _at("/api/docs")),
    Scene("mailbox", "mailbox.html", _at("/dev/mailbox")),
    Scene("not-there", "error.html", _at("/nothing-here"), status=404, width=PHONE),
)
FOLLOWER = (
    Scene("event-followed", "event.html", _event(), width=PHONE),
    Scene("event-silent", "event.html", lambda stage: f"/e/{stage.silent.id}", width=PHONE),
    Scene("follows", "mine.html", _at("/events"), width=PHONE),
    Scene("channels", "channels.html", _at("/channels")),
    Scene(
        "channel-remove",
        "channel_remove.html",
        _at("/channels"),
        ((OPEN, "Rename or remove"), (PRESS, "Remove it")),
        width=PHONE,
    ),
    Scene("channel", "channel_add.html", _at("/channels/add/ntfy"), width=PHONE),
    Scene(
        "channel-refused",
        "channel_add.html",
        _at("/channels/add/discord"),
        ((PRESS, "Test and add it"),),
        status=422,
        width=PHONE,
    ),
    Scene("account", "account.html", _at("/account")),
    Scene(
        "calendars",
        "calendars.html",
        _at("/account/calendars"),
        ((PRESS, "Make an address for everything you follow"),),
    ),
    Scene("log", "log.html", _at("/account/log")),
    Scene("erase", "erase.html", _at("/account/erase"), width=PHONE),
    Scene("again", "again.html", _at("/sign-in/again?next=/channels"), width=PHONE),
    Scene("linking", "linking.html", lambda stage: stage.linking, width=PHONE),
)
ORGANIZER = (
    Scene("events", "mine.html", _at("/events")),
    Scene("new", "new.html", _at("/new"), width=PHONE),
    Scene("new-refused", "new.html", _at("/new"), ((PRESS, "Preview"),), status=422, width=PHONE),
    Scene("new-preview", "new_look.html", _at("/new"), _MAKES, width=PHONE),
    Scene("event-mine", "event.html", _event()),
    Scene("following", "followed.html", _event(), ((PRESS, "Nudge me"),), width=PHONE),
    Scene("edit", "edit.html", _event("/edit"), width=PHONE),
    Scene(
        "edited",
        "edit_look.html",
        _event("/edit"),
        (("Where (if you like)", "The café downstairs"), (PRESS, "See what changes")),
        width=PHONE,
    ),
    Scene("manage", "manage.html", _event("/manage")),
    Scene("manage-phone", "manage.html", _event("/manage"), width=PHONE, picture_only=True),
    Scene("message", "message_look.html", _event("/manage"), _WRITES),
    Scene("sent", "report_message.html", lambda stage: f"/e/{stage.event.id}/messages/{stage.message}"),
    Scene("subscribers", "subscribers.html", _event("/subscribers?q=example.org"), dark=True),
    Scene(
        "removing",
        "subscribers_remove.html",
        _event("/subscribers?q=example.org"),
        ((PRESS, "Remove all"),),
    ),
    Scene("people", "people.html", _event("/people"), ((PRESS, "Make a link"),)),
    Scene("cancel", "cancel.html", _event("/cancel"), width=PHONE),
    Scene("health", "health.html", _event("/health")),
    Scene("operators", "admin_numbers.html", _at("/admin"), dark=True),
    Scene("admin-events", "admin_events.html", lambda stage: f"/admin/events/{stage.event.id}"),
    Scene("admin-reports", "admin_reports.html", _at("/admin/reports")),
    Scene("admin-channels", "admin_channels.html", _at("/admin/channels")),
    Scene("admin-deliveries", "admin_deliveries.html", _at("/admin/deliveries")),
    Scene("admin-audit", "admin_audit.html", _at("/admin/audit")),
    Scene("held", "held.html", _at("/new"), (*_MAKES[:3], (SIGN_OUT, ""), _MAKES[3]), status=401, width=PHONE),
)
ACTS: dict[str, tuple[Callable[[Town], Person] | None, Iterable[Scene]]] = {
    "a visitor": (None, VISITOR),
    "somebody who follows": (lambda town: town.bob, FOLLOWER),
    "the organizer, who operates": (lambda town: town.alice, ORGANIZER),
}

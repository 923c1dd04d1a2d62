"""Somebody's browser, with its own cookies. It remembers whatever goes wrong in it, and says so at the end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.async_playwright import Axe
from axe_playwright_python.base import AxeResults
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

WIDTHS = (320, 390, 1280)
_AXE = Axe()
_PATIENCE = 10_000
_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", e => console.error("CSP", e.violatedDirective, e.blockedURI))
"""
_SPILLS = """() => {
  const wide = document.documentElement.clientWidth;
  const scrolls = e => /auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX);
  if (document.documentElement.scrollWidth <= wide) return [];
  return [...document.querySelectorAll("body *")].filter(e => {
    for (let up = e.parentElement; up && up !== document.body; up = up.parentElement) if (scrolls(up)) return false;
    return e.getBoundingClientRect().right > wide + 1;
  }).map(e => e.outerHTML.slice(0, 120)).concat(`${document.documentElement.scrollWidth} > ${wide}`);
}"""
_CUT = """() => [...document.querySelectorAll("body *")].filter(e => {
  const style = getComputedStyle(e), hides = /hidden|clip/, box = e.getBoundingClientRect();
  if (box.left < -1 && box.right > 1) return true;
  if (!e.checkVisibility() || e.closest(".visually-hidden, .hp, [aria-hidden=true], svg")) return false;
  if (style.textOverflow === "ellipsis" || e.matches("input, textarea, select")) return false;
  return (hides.test(style.overflowX) && e.scrollWidth > e.clientWidth + 1)
    || (hides.test(style.overflowY) && e.scrollHeight > e.clientHeight + 1);
}).map(e => e.outerHTML.slice(0, 160))"""
_TWICE = "document.documentElement.style.fontSize = '200%'"
_ONCE = "document.documentElement.style.fontSize = ''"
_ALIKE = """() => {
  const closed = [...document.querySelectorAll("details:not([open])")], found = new Map();
  for (const each of closed) each.open = true;
  axe.setup(document.body);
  const name = e => axe.commons.text.accessibleTextVirtual(axe.utils.getNodeFromTree(e)).replace(/\\s+/g, " ").trim();
  const sent = form => [...form.querySelectorAll("[type=hidden]:not([name=key])")].map(e => `${e.name}=${e.value}`);
  const target = (e, n) => e.matches("a") ? e.href : e.matches("summary") ? `details ${n}`
    : e.dataset.copy || [e.form.method, e.form.action, e.name, e.value, ...sent(e.form)].join(" ");
  [...document.querySelectorAll("a[href], button, summary")].forEach((e, n) => {
    if (!e.checkVisibility()) return;
    found.set(name(e), (found.get(name(e)) || new Set()).add(target(e, n)));
  });
  axe.teardown();
  for (const each of closed) each.open = false;
  return [...found].filter(([, to]) => to.size > 1).map(([name, to]) => [name, ...to].join("\\n  "));
}"""
_FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const style = getComputedStyle(e), label = e.labels?.[0]?.innerText;
  const name = (e.getAttribute("aria-label") || label || e.textContent || e.value || "").replace(/\\s+/g, " ").trim();
  return {name, seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0};
}"""


@dataclass
class Visitor:
    context: BrowserContext
    address: str
    """Of the site, without a path."""
    javascript: bool
    expected: set[int] = field(default_factory=set)
    """Statuses from 400 up that the test means to see."""
    faults: list[str] = field(default_factory=list)

    @classmethod
    async def of(
        cls, browser: Browser, address: str, *, javascript: bool = True, width: int = 1280, zone: str = "Europe/Berlin"
    ) -> "Visitor":
        context = await browser.new_context(
            java_script_enabled=javascript,
            viewport={"width": width, "height": 800},
            base_url=address,
            timezone_id=zone,
            locale="en-GB",
            reduced_motion="reduce",
        )
        context.set_default_timeout(_PATIENCE)
        await context.add_init_script(_REPORT_VIOLATIONS)
        visitor = cls(context, address, javascript)
        visitor._watch()
        return visitor

    async def open(self, path: str) -> Page:
        """In a new tab. `path` may be a whole address, as in a mail."""
        page = await self.context.new_page()
        await page.goto(path, wait_until="load")
        return page

    def expect(self, *statuses: int) -> None:
        self.expected.update(statuses)

    async def close(self) -> None:
        await self.context.close()
        assert not self.faults, "\n".join(self.faults)

    def _watch(self) -> None:
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.faults.append(f"script: {error.error}"))
        self.context.on("requestfailed", self._failed)
        self.context.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        answered = message.text.startswith("Failed to load resource")  # said with its status by `_answered`
        if message.type in ("error", "warning") and not answered:
            self.faults.append(f"console: {message.text}")

    def _failed(self, request: Request) -> None:
        given_up = request.failure == "net::ERR_ABORTED"  # the person went elsewhere, or it is a download
        if not given_up:
            self.faults.append(f"{request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.faults.append(f"{response.request.method} {response.url}: {response.status}")
        if not response.url.startswith((self.address, "data:")):
            self.faults.append(f"asked elsewhere: {response.url}")


async def walk(page: Page) -> None:
    """The page at every width, dark and light: nothing spills over the edge, axe finds nothing at all, and no
    two links or buttons of one name do different things."""
    await fits(page)
    async with _readable(page) as copy:
        await copy.emulate_media(color_scheme="dark")
        await accessible(copy, "color-contrast")  # the one thing that the colours change
        await copy.emulate_media(color_scheme="light")
        await accessible(copy)
        alike = await copy.evaluate(_ALIKE)
        assert not alike, f"{page.url} has controls that sound alike:\n" + "\n".join(alike)


async def fits(page: Page) -> None:
    """At every width nothing spills over the edge."""
    before = page.viewport_size
    for width in WIDTHS:
        await page.set_viewport_size({"width": width, "height": 800})
        spills = await page.evaluate(_SPILLS)
        assert not spills, f"{page.url} at {width} px spills:\n" + "\n".join(spills)
    if before is not None:
        await page.set_viewport_size(before)


async def fits_twice_as_large(page: Page) -> None:
    """With text of twice the size, on a phone and on a tablet, nothing spills over the edge and nothing is cut off."""
    before = page.viewport_size
    await page.evaluate(_TWICE)
    for width in (390, 640):
        await page.set_viewport_size({"width": width, "height": 800})
        found = await page.evaluate(_SPILLS) + await page.evaluate(_CUT)
        assert not found, f"{page.url} at {width} px with large text spills or is cut:\n" + "\n".join(found)
    await page.evaluate(_ONCE)
    if before is not None:
        await page.set_viewport_size(before)


@contextlib.asynccontextmanager
async def _readable(page: Page) -> AsyncIterator[Page]:
    """The page itself, or where scripts are off, which axe is one, what stands there in a browser with scripts."""
    if await page.evaluate("matchMedia('(scripting: enabled)').matches"):
        yield page
        return
    assert page.context.browser is not None
    html = await page.content()
    context = await page.context.browser.new_context(viewport=page.viewport_size, reduced_motion="reduce")
    copy = await context.new_page()
    await copy.route(page.url, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
    await copy.goto(page.url)
    yield copy
    await context.close()


async def accessible(page: Page, *rules: str) -> None:
    """axe has nothing to say; `rules` unset: by all that it knows."""
    only: dict[str, Any] = {"runOnly": list(rules)} if rules else {}
    async with asyncio.timeout(_PATIENCE / 1000):
        if not await page.evaluate("'axe' in window"):
            await page.evaluate(_AXE.axe_script)
        # `preload` would fetch every style sheet and sound again, for rules about sounds alone.
        options = {"resultTypes": ["violations"], "preload": False, **only}
        answer = await page.evaluate("options => axe.run(options)", options)
    found = AxeResults(answer)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"


async def tab_to(page: Page, name: str, *, at_most: int = 40) -> None:
    """Press Tab until what is called `name` has the focus; on the way nothing may take it without showing it."""
    passed: list[str] = []
    for _ in range(at_most):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(_FOCUSED)
        if focused is None:
            continue
        assert focused["seen"], f"{focused['name']} has the focus and does not show it"
        if focused["name"] == name:
            return
        passed.append(focused["name"])
    raise AssertionError(f"Tab does not come to {name!r}, but to {passed}")

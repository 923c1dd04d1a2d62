"""Forms that are refused: the focus lands on the first field that is wrong, tied to the words about it."""

import re

import pytest
from playwright.async_api import Page, Response, expect

from tests.browser.conftest import Visit
from tests.browser.scenes import ACTS, OPEN, PRESS, Scene, Steps, play
from tests.browser.stage import staged
from tests.people import Town

EITHER_WAY = pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no scripts"])
_FORMS = """() => [...document.forms].filter(form => form.querySelector(
  "input:not([type=hidden], [type=search], [tabindex='-1'], [type=checkbox], [type=radio]), textarea"
)).map(form => form.getAttribute("action") + " " + [...form.elements].map(e => e.name).filter(n => n).join(" "))"""
_SPOIL = """number => {
  const fields = "input:not([type=hidden], [type=search], [tabindex='-1'], [type=checkbox], [type=radio]), textarea";
  const form = [...document.forms].filter(form => form.querySelector(fields))[number];
  form.noValidate = true;
  for (let up = form; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
  for (const box of form.querySelectorAll("[type=checkbox]")) box.checked = true;
  for (const field of form.querySelectorAll(fields)) {
    field.removeAttribute("maxlength");
    field.value = "x".repeat(form.method === "get" ? 80 : 11000);
  }
  form.querySelector("button:not([hidden])").setAttribute("data-pressed", "");
}"""
_FOCUS = """() => {
  const e = document.activeElement, wrong = [...document.querySelectorAll("[aria-invalid=true]")];
  const alerts = [...document.querySelectorAll("[role=alert]")];
  const said = f => (f.getAttribute("aria-describedby") || "").split(" ").map(id => document.getElementById(id));
  return {
    on: e.outerHTML.slice(0, 200),
    right: wrong.length ? e === wrong[0] : alerts.length ? e === alerts[0] : e.autofocus,
    tied: wrong.every(f => said(f).length && said(f).every(s => s && s.textContent.trim())
      && said(f).some(s => s.matches("[role=alert]"))),
    seen: e.checkVisibility(),
    beside: alerts.filter(a => !wrong.some(f => said(f).includes(a))).length <= (wrong.length ? 0 : 1),
  };
}"""


def _is_answer(response: Response) -> bool:
    return response.request.method == "POST" or response.request.is_navigation_request()


async def lands_on_what_is_wrong(page: Page) -> None:
    await expect(page.locator("[autofocus]").first).to_be_focused()
    found = await page.evaluate(_FOCUS)
    assert all(found[each] for each in ("right", "tied", "seen", "beside")), (page.url, found)


@EITHER_WAY
@pytest.mark.parametrize("act", ACTS)
async def test_every_form_that_is_refused_has_the_focus_on_what_is_wrong(
    site: Town, visit: Visit, act: str, javascript: bool
) -> None:
    stage, (who, scenes) = await staged(site), ACTS[act]
    visitor = await (visit.as_(site, who(site), javascript=javascript) if who else visit(javascript=javascript))
    page, tried = await visitor.context.new_page(), set[str]()
    for scene in scenes:
        visitor.expected = {scene.status, 401, 403, 404, 413, 422}
        await play(page, scene, stage)
        forms = [re.sub(r"\d+", "N", form) for form in await page.evaluate(_FORMS)]
        for number, form in enumerate(forms):
            if form in tried:
                continue
            tried.add(form)
            await play(page, scene, stage)
            await page.evaluate(_SPOIL, number)
            async with page.expect_response(_is_answer) as answer:
                await page.locator("[data-pressed]").click()
            assert (await answer.value).status >= 400, form
            await lands_on_what_is_wrong(page)


_NO_ONE_TICKED = ((PRESS, "Remove them"),)
_MISTAKES: dict[str, list[tuple[str, Steps, str]]] = {
    "a visitor": [
        (
            "/sign-in",
            (("Your e-mail", "b@x.org"), (OPEN, "I have a password"), ("Password", "no"), (PRESS, "Sign in")),
            "password",
        ),
        ("/sign-in", ((PRESS, "Mail me a link"),), "email"),
    ],
    "the organizer, who operates": [
        ("/new", ((PRESS, "Preview"),), "name"),
        ("/e/{event}/edit", ((PRESS, "See what changes"),), "form-error"),
        ("/e/{event}/subscribers", _NO_ONE_TICKED, "chosen"),
        ("/e/{cancelled}/manage", (("Title", "Late"), ("Message", "Too late."), (PRESS, "Preview")), "to"),
        ("/admin/events/{event}", ((PRESS, "Remove them"),), "list"),
        ("/account/erase", (("Type “erase”", "erase"), (PRESS, "Erase everything")), "form-error"),
    ],
}
"""Where, what is done there, and the name or id of what then has the focus."""


def scene_at(path: str, steps: Steps) -> Scene:
    return Scene("", "", lambda _: path, steps)


@EITHER_WAY
@pytest.mark.parametrize("act", _MISTAKES)
async def test_what_is_missing_or_cannot_be_done_has_the_focus_too(
    site: Town, visit: Visit, act: str, javascript: bool
) -> None:
    stage, (who, _) = await staged(site), ACTS[act]
    visitor = await (visit.as_(site, who(site), javascript=javascript) if who else visit(javascript=javascript))
    visitor.expect(401, 409, 422)
    page = await visitor.context.new_page()
    for path, steps, focused in _MISTAKES[act]:
        where = path.format(event=stage.event.id, cancelled=stage.cancelled.id)
        await play(page, scene_at(where, steps), stage)
        await lands_on_what_is_wrong(page)
        name = await page.evaluate("[document.activeElement.id, document.activeElement.name]")
        assert focused in name, where


async def test_who_proves_themselves_wrongly_types_the_password_again(site: Town, visit: Visit) -> None:
    visitor = await visit.as_(site, site.bob)
    visitor.expect(403)
    page = await visitor.open("/account")
    await page.get_by_label("A password, if you want one").fill("a password of some length")
    await page.get_by_label("A password, if you want one").press("Enter")
    await expect(page.get_by_text("Your password is set")).to_be_visible()
    await page.goto("/sign-in/again?next=/channels")
    await page.get_by_label("Password").fill("another one")
    await page.get_by_label("Password").press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("This password is not right.")
    await lands_on_what_is_wrong(page)
    await expect(page.get_by_label("Password")).to_be_focused()

"""Every page of the site, at every width, dark and light, and for those who hear it rather than see it."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Visit
from tests.browser.scenes import ACTS, play
from tests.browser.stage import staged
from tests.browser.visitor import fits_twice_as_large, walk
from tests.people import Town
from web import render

TEMPLATES = {path.name for path in (Path(render.__file__).parent / "templates").glob("[!_]*.html")}


def test_every_page_is_in_a_scene() -> None:
    assert {scene.template for _, scenes in ACTS.values() for scene in scenes} == TEMPLATES - {"base.html"}


@pytest.mark.parametrize("act", ACTS)
async def test_every_page_fits_every_width_and_size_of_text_and_can_be_read_by_everybody(
    site: Town, visit: Visit, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    shown = set[str]()
    written = render.Pages.page

    def page_of(pages: render.Pages, name: str, /, **about: Any) -> Any:
        shown.add(name)
        return written(pages, name, **about)

    monkeypatch.setattr(render.Pages, "page", page_of)
    stage, (who, scenes) = await staged(site), ACTS[act]
    visitor = await (visit.as_(site, who(site)) if who else visit())
    page = await visitor.context.new_page()
    for scene in scenes:
        if not scene.picture_only:
            visitor.expected = {scene.status}
            await play(page, scene, stage)
            assert {scene.template, f"_{scene.template}"} & shown, scene.name  # or the part of it that was swapped in
            await walk(page)
            await fits_twice_as_large(page)

"""`./dev screens [name …]`: a picture of every page, into docs/screens.

Small ones, so that the repository stays small.
"""

import asyncio
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Page, async_playwright

from core.db.migrate import upgrade
from core.settings import Settings
from tests.browser.chromium import MISSING, find_chromium, start_chromium
from tests.browser.conftest import Visit, serving
from tests.browser.scenes import ACTS, Scene, play
from tests.browser.stage import IN_CHAT, Stage, staged
from tests.people import Clock, people_of
from tests.servers import free_port

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
_COLOURS = 128
_PIXELS = 2_000_000
"""A longer page is cut off below."""
_PAST = 30
"""Days that operators see on their plots."""


async def main(names: list[str]) -> int:
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
            stage = await staged(await people_of(core, settings, clock), days=_PAST)
            browser = await start_chromium(playwright, path)
            for who, scenes in ACTS.values():
                visit = Visit(browser, settings, clock)
                visitor = await (visit.as_(stage.town, who(stage.town)) if who else visit())
                page = await visitor.context.new_page()
                for scene in scenes:
                    if not names or scene.name in names:
                        visitor.expect(scene.status)
                        await _take(page, scene, stage)
                await visitor.close()
            await browser.close()
    return 0


def _settings(folder: Path) -> Settings:
    """Nobody's Temporal: the pages say that it does not answer."""
    here = f"http://127.0.0.1:{(port := free_port())}"
    about: dict[str, Any] = {"public_base_url": here, "temporal_url": f"127.0.0.1:{free_port()}"}
    return Settings(_env_file=None, soonish_data=folder, web_port=port, list_public_events=True, **IN_CHAT | about)


async def _take(page: Page, scene: Scene, stage: Stage) -> None:
    await page.set_viewport_size({"width": scene.width, "height": 800})
    await page.emulate_media(color_scheme="dark" if scene.dark else "light")
    await play(page, scene, stage)
    taken: Image.Image = Image.open(io.BytesIO(await page.screenshot(full_page=True)))
    taken = taken.crop((0, 0, taken.width, min(taken.height, _PIXELS // taken.width)))
    most = Image.Quantize.MAXCOVERAGE
    few = taken.convert("RGB").quantize(_COLOURS, method=most, kmeans=3, dither=Image.Dither.NONE)
    few.save(FOLDER / f"{scene.name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

"""The browser: Debian's Chromium, found on PATH, with a fresh profile and no word to anybody."""

import os
import shutil

import pytest
from playwright.async_api import Browser, Playwright

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = "There is no browser: apt-get install -y --no-install-recommends chromium"


def find_chromium() -> str | None:
    return shutil.which("chromium")


def chromium_or_skip() -> str:
    """Its path. Where the tests guard a merge (CI=true) nothing is skipped for want of it."""
    found = find_chromium()
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(MISSING)
    if found is None:
        pytest.skip(MISSING)
    return found


async def start_chromium(playwright: Playwright, path: str, *, memory: bool = True) -> Browser:
    """`memory`: whether it keeps pages as they were left, as most do while there is room; else Back asks what it has
    stored."""
    return await playwright.chromium.launch(
        executable_path=path,
        args=list(FLAGS),
        ignore_default_args=["--disable-back-forward-cache"] if memory else None,
        headless=True,
        chromium_sandbox=False,
        handle_sigint=False,
    )

"""A headless Chromium for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser. Where there is none the test is skipped, unless CHALKGRAD_REQUIRE_BROWSER=1 makes that a failure."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    required = os.environ.get("CHALKGRAD_REQUIRE_BROWSER") == "1"
    if path is None:
        if required:
            pytest.fail("CHALKGRAD_REQUIRE_BROWSER=1, and there is no chromium on PATH")
        pytest.skip("no chromium on PATH: apt-get install chromium, or set CHALKGRAD_REQUIRE_BROWSER=1 to insist")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()

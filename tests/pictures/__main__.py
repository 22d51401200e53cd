"""Pictures of the dashboard for the docs, from a real cluster with a client that is over its limit.

``python -m tests.pictures`` (``make pictures``) takes three minutes and needs Chromium; it writes
docs/pictures/*.png.
"""

import asyncio
import json
import math
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Page, async_playwright, expect

from tests.e2e.hammer import Hammer
from tests.integration.subject.serving import TOKEN, served
from tests.operator.browser import CHROMIUM, QUIET

FOLDER = Path(__file__).parents[2] / "docs/pictures"
USUAL_SECONDS = 130
"""In which the subject learns what is usual."""
PER_SECOND = 60.0


async def main() -> int:
    """Take them all."""
    async with up() as cluster, served(cluster["redis_url"], SUBJECT_TOKEN=TOKEN) as subject:
        await asyncio.sleep(USUAL_SECONDS)
        async with browser_page(subject.url) as page:
            hammer = Hammer("a-client-in-a-loop").paced(cluster["nodes"][0]["url"], PER_SECOND, math.inf)
            hammering = asyncio.create_task(hammer)
            await take(page)
            hammering.cancel()
            await asyncio.gather(hammering, return_exceptions=True)
    return 0


@asynccontextmanager
async def up() -> AsyncIterator[dict[str, Any]]:
    """``loadtest up`` with usual traffic, as it tells of itself."""
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "loadtest", "up", "--rate", "80", "--json"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), 60))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def browser_page(url: str) -> AsyncIterator[Page]:
    """The dashboard, in a window of a usual size."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=QUIET)
        page = await browser.new_page(viewport={"width": 1120, "height": 720}, color_scheme="light")
        await page.goto(url)
        yield page
        await browser.close()


async def take(page: Page) -> None:
    """What is wrong; the charts of that time; and the change of a limit."""
    problems = page.locator("#problems")
    await expect(problems).to_contain_text("retry_storm", timeout=30_000)
    await asyncio.sleep(10)  # so that the charts show some of it
    await page.screenshot(path=FOLDER / "dashboard.png")
    await page.locator("section", has=page.locator("#charts")).screenshot(path=FOLDER / "charts.png")
    await page.locator("#change").click()
    dialog = page.get_by_role("dialog")
    filled = {
        "Client": "acme",
        "Limit": "500/m",
        "For how long": "2h",
        "Why": "launch day",
        "Your name": "ana",
    }
    for label, text in {**filled, "Token": TOKEN}.items():
        await dialog.get_by_label(label, exact=True).fill(text)
    await dialog.screenshot(path=FOLDER / "change.png")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

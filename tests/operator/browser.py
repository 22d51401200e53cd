"""How long a person waits for the dashboard's charts, in a real Chromium that has nothing of it yet."""

import shutil
from statistics import median

from playwright.async_api import Page, async_playwright

from tests.finding import Finding, Findings

CHROMIUM = "chromium"
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
MOST_SECONDS = 1.0
ROUNDS = 5

DRAWN = """
async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const isDrawn = () => {
    const figure = document.querySelector("#charts figure");
    const canvas = figure?.querySelector("canvas");
    if (!canvas || !figure.querySelector(".told").textContent.includes("node-")) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((value) => value !== 0);
  };
  while (!isDrawn()) await frame();
  await frame();
  return performance.now();
}
"""
"""When the first chart has its lines, in milliseconds from the navigation's start."""

HOUR = """
async () => {
  const began = performance.now();
  document.querySelector("#span [value=hour]").click();
  return began;
}
"""


def missing() -> str:
    """Why nothing can be measured here; empty where it can."""
    return "" if shutil.which(CHROMIUM) else f"no {CHROMIUM} on PATH"


async def measure(url: str) -> Findings:
    """The medians of some visits, each with an empty cache."""
    live, hour = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which(CHROMIUM), args=QUIET)
        try:
            for _ in range(ROUNDS):
                context = await browser.new_context()
                page = await context.new_page()
                live.append(await _first_chart(page, url))
                hour.append(await _hour(page))
                await context.close()
        finally:
            await browser.close()
    return [
        Finding("the first chart in Chromium, from the navigation", median(live), MOST_SECONDS, " s", 2),
        Finding("the charts of an hour, from the click", median(hour), MOST_SECONDS, " s", 2),
    ]


async def _first_chart(page: Page, url: str) -> float:
    await page.goto(url, wait_until="commit")
    milliseconds: float = await page.evaluate(DRAWN)
    return milliseconds / 1000


async def _hour(page: Page) -> float:
    began: float = await page.evaluate(HOUR)
    drawn: float = await page.evaluate(DRAWN)
    return (drawn - began) / 1000

"""The dashboard's page in a real browser (Debian's Chromium): what a person sees and does there."""

import os
import re
import signal
from typing import Any

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import LIMIT_FIELD, Override
from gateway.contract.records import STREAM_FIELD, AuditRecord, encode
from loadtest.redis_server import RedisServer
from subject.telemetry.redis_reads import redis_time
from tests.integration.subject.browsing import WRITABLE, watched
from tests.integration.subject.publishing import audited, live_changes, publish
from tests.integration.subject.serving import TOKEN, living, served
from tests.unit.subject.builders import NodeScript, always, even, policies, steps

CLIENT = "k_0123456789abcdef"
PHONE: ViewportSize = {"width": 360, "height": 740}


pytestmark = pytest.mark.system


def overloaded(refused_from: int = 40) -> list[NodeScript]:
    """Three nodes, and a client of whose requests most are refused."""
    return even(
        always(90),
        refused=steps((0, 0), (refused_from, 10)),
        clients={CLIENT: always(12)},
        refused_clients={CLIENT: steps((0, 0), (refused_from, 10))},
    )


async def violations(page: Page) -> list[str]:
    """What axe-core finds."""
    from axe_playwright_python.async_playwright import Axe

    results = await Axe().run(page)
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]


async def test_a_healthy_cluster_is_seen_and_goes_on(redis_client: Redis, redis_url: str, page: Page) -> None:
    async with living(redis_client, even(always(60)), policies().table), served(redis_url) as subject:
        await page.goto(subject.url)
        await expect(page.locator("#headline")).to_have_text("Healthy: nothing was found.")
        await expect(page.locator("#nodes tbody tr")).to_have_count(3)
        await expect(page.locator("#charts canvas")).to_have_count(3)
        first = await page.locator("#connection").text_content()
        await expect(page.locator("#connection")).not_to_have_text(first or "")
        told = page.locator("#charts .told").first
        await expect(told).to_contain_text("node-1 20")

        assert await page.title() == "Rate limiter"
        await expect(page.locator("#read-only")).to_be_visible()
        assert await violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, {"width": 1280, "height": 900}], ids=["phone", "desk"])
async def test_a_problem_is_told_on_any_screen(
    redis_client: Redis, redis_url: str, browser: Browser, scheme: Any, size: ViewportSize
) -> None:
    context = await browser.new_context(color_scheme=scheme, viewport=size)
    page = await context.new_page()
    complaints = watched(page)
    async with (
        living(redis_client, overloaded(), policies("20/10s").table),
        served(redis_url, **WRITABLE) as subject,
    ):
        await page.goto(subject.url)
        problem = page.locator(".problem")
        await expect(problem).not_to_have_count(0)
        await expect(problem.first).to_contain_text(CLIENT)
        await expect(page.locator("#clients tbody tr").first).to_contain_text(CLIENT)
        wider = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

        assert wider <= 0
        assert await violations(page) == []
        await page.locator("#change").click()
        assert await violations(page) == []
        assert re.fullmatch(r"\(\d\) Rate limiter", await page.title())
    assert complaints == []


async def test_a_limit_is_changed_and_the_change_undone(
    redis_client: Redis, redis_url: str, page: Page
) -> None:
    async with (
        living(redis_client, overloaded(), policies("20/10s").table),
        served(redis_url, **WRITABLE) as subject,
    ):
        await page.goto(subject.url)
        await page.get_by_role("button", name=f"Change: {CLIENT}").click()
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_label("Limit", exact=True)).to_be_focused()
        await dialog.get_by_label("Limit", exact=True).fill("500/m")
        await dialog.get_by_label("For how long").fill("10m")
        await dialog.get_by_label("Why").fill("launch day")
        await dialog.get_by_label("Your name").fill("ana")
        await dialog.get_by_label("Token").fill("wrong")
        await dialog.get_by_role("button", name="Change it").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("Nothing was changed")
        await dialog.get_by_label("Token").fill(TOKEN)
        await page.keyboard.press("Enter")

        await expect(dialog).to_be_hidden()
        await expect(page.locator("#done")).to_contain_text(f"{CLIENT} now has 500/m until")
        assert str((await live_changes(redis_client)).limits[CLIENT].limit) == "500/m"
        await expect(page.locator("#limits tbody tr")).to_contain_text("launch day")

        await page.get_by_role("button", name=f"Undo: {CLIENT}").click()
        await expect(dialog.get_by_label("Limit", exact=True)).to_be_hidden()
        await dialog.get_by_label("Why").fill("it is over")
        await page.keyboard.press("Enter")
        await expect(page.locator("#done")).to_contain_text("its usual limit applies again")
        await expect(page.locator("#limits tbody tr")).to_have_count(0)

    assert [(one.action, one.by, one.why) for one in await audited(redis_client)] == [
        ("set", "ana (dashboard)", "launch day"),
        ("unset", "ana (dashboard)", "it is over"),
    ]


async def test_everything_can_be_reached_by_keyboard(redis_client: Redis, redis_url: str, page: Page) -> None:
    async with (
        living(redis_client, overloaded(), policies("20/10s").table),
        served(redis_url, **WRITABLE) as subject,
    ):
        await page.goto(subject.url)
        await expect(page.locator(".problem")).not_to_have_count(0)
        await page.keyboard.press("Tab")
        await expect(page.locator(".skip")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#now")).to_be_focused()
        await page.locator("#change").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await expect(page.locator("#change")).to_be_focused()


async def test_a_row_that_is_in_use_stays_and_keeps_its_focus(
    redis_client: Redis, redis_url: str, page: Page
) -> None:
    clients = {f"k_{number:016x}": always(number + 1) for number in range(5)}
    nodes = even(always(90), clients=clients)
    async with living(redis_client, nodes, policies().table), served(redis_url, **WRITABLE) as subject:
        await page.goto(subject.url)
        button = page.locator("#clients tbody button").first
        await button.focus()
        at = await page.locator("#connection").text_content()
        await expect(page.locator("#connection")).not_to_have_text(at or "")
        await expect(button).to_be_focused()


async def test_the_last_hour_can_be_looked_at(redis_client: Redis, redis_url: str, page: Page) -> None:
    async with living(redis_client, even(always(60)), past_seconds=120), served(redis_url) as subject:
        await page.goto(subject.url)
        await expect(page.locator("#nodes tbody tr")).to_have_count(3)
        await page.get_by_role("button", name="1 hour").click()
        await expect(page.get_by_role("button", name="1 hour")).to_have_attribute("aria-pressed", "true")
        await expect(page.locator("#charts .told").first).to_contain_text("node-1")
        assert await violations(page) == []


async def test_the_subject_that_went_away_is_told_and_its_return_seen(
    redis_client: Redis, redis_url: str, page: Page
) -> None:
    async with living(redis_client, even(always(60)), policies().table), served(redis_url) as subject:
        await page.goto(subject.url)
        await expect(page.locator("#headline")).to_have_text("Healthy: nothing was found.")
        await subject.stop()
        await expect(page.locator("#lost")).to_contain_text(
            "The subject does not answer: what stands here is of"
        )
        await expect(page.locator("#headline")).to_have_text("Not known: see above.")
        await subject.start()
        await expect(page.locator("#headline")).to_have_text("Healthy: nothing was found.", timeout=20_000)
        await expect(page.locator("#lost")).to_be_hidden()
        await expect(page.locator("#charts .told").first).to_contain_text("node-1")


async def test_redis_away_is_never_all_well(own_redis: RedisServer, own_client: Redis, page: Page) -> None:
    async with living(own_client, even(always(60))), served(own_redis.url) as subject:
        await page.goto(subject.url)
        await expect(page.locator("#headline")).to_have_text("Healthy: nothing was found.")
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:
            await expect(page.locator(".problem").first).to_contain_text("Redis", timeout=10_000)
            await expect(page.locator("#headline")).to_contain_text("found")
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)
        await expect(page.locator("#headline")).to_have_text("Healthy: nothing was found.", timeout=20_000)


async def test_a_link_opens_at_one_finding(redis_client: Redis, redis_url: str, page: Page) -> None:
    async with living(redis_client, overloaded(), policies("20/10s").table), served(redis_url) as subject:
        await page.goto(subject.url)
        link = await page.get_by_role("link", name="Link to this").last.get_attribute("href")
        code = await page.locator(".problem .code").last.text_content()
        await page.goto("about:blank")

        await page.goto(f"{subject.url}/{link}")

        focused = page.locator(".problem:focus")
        await expect(focused.locator(".code")).to_have_text(code or "")
        await expect(focused.locator("details")).to_have_attribute("open", "")
        await page.goto(f"{subject.url}/#node_down/node/node-9")
        await expect(page.locator("#missing")).to_contain_text(
            "node_down (node-9), which is not found any more"
        )


@pytest.mark.parametrize("nodes", [1, 30])
async def test_one_node_and_thirty(redis_client: Redis, redis_url: str, page: Page, nodes: int) -> None:
    async with living(redis_client, even(always(20 * nodes), nodes)), served(redis_url) as subject:
        await page.goto(subject.url)
        await expect(page.locator("#nodes tbody tr")).to_have_count(nodes)
        await expect(page.locator("#charts canvas")).to_have_count(3)
        await expect(page.locator("#charts .told").first).to_contain_text(
            f"node-{nodes} 20" if nodes == 1 else "24 more"
        )
        assert await violations(page) == []


BROKEN_WORDS = """cells => cells.filter(cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  const lines = new Set([...range.getClientRects()].map(one => Math.round(one.top))).size;
  return cell.textContent && lines > cell.textContent.trim().split(/[ -]/).length;
}).map(cell => cell.textContent)"""


async def test_no_word_of_a_table_is_broken_by_a_long_reason(
    redis_client: Redis, redis_url: str, page: Page
) -> None:
    why = "the launch of the new product line, as agreed upon with sales on Friday " * 3
    at = await redis_time(redis_client)
    written = AuditRecord(at, "root", "set", CLIENT, "100000/m", "10/s,500000/m", why, at + 7200)
    await redis_client.xadd(keys.AUDIT, {STREAM_FIELD: encode(written)})
    override = Override(parse_limits("10/s,500000/m"), "root", at, why, at + 7200)
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, encode(override))
    async with living(redis_client, even(always(60)), policies().table), served(redis_url) as subject:
        await page.goto(subject.url)
        await expect(page.locator("#audit tbody tr")).to_have_count(1)
        await expect(page.locator("#limits tbody tr")).to_have_count(1)

        assert await page.locator("tbody :is(th, td):not(.text)").evaluate_all(BROKEN_WORDS) == []
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_of_a_node_that_is_down_nothing_is_told_that_nobody_measured(
    redis_client: Redis, redis_url: str, page: Page
) -> None:
    table, quick = policies().table, {"SUBJECT_NODE_DOWN_SECONDS": "2.5"}
    first, *others = even(always(60))
    await publish(redis_client, first.records(30), table, ended_seconds_ago=8)
    async with living(redis_client, others, table), served(redis_url, **quick) as subject:
        await page.goto(subject.url)
        down = page.locator("#nodes tbody tr", has_text="Down")
        await expect(down).to_have_count(1)

        *measured, seen = await down.locator("td.number").all_text_contents()
        assert measured == ["–"] * 8
        assert seen.endswith(" s")


async def test_times_that_no_calendar_has_break_nothing(
    redis_client: Redis, redis_url: str, page: Page
) -> None:
    late, early = 9e18, -9e18
    for at in (late, early):
        written = AuditRecord(at, "ana", "set", CLIENT, None, "5/s", "x", at)
        await redis_client.xadd(keys.AUDIT, {STREAM_FIELD: encode(written)})
    override = Override(parse_limits("5/s"), "ana", early, "x", late)
    await redis_client.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, encode(override))
    async with living(redis_client, even(always(60)), policies().table), served(redis_url) as subject:
        await page.goto(subject.url)
        await expect(page.locator("#limits tbody th").first).to_have_text(CLIENT)
        await expect(page.locator("#audit tbody tr")).to_have_count(2)
        await expect(page.locator("#charts .told").first).to_contain_text("node-1 20")

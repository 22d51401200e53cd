"""Texts, scripts and other sites can do nothing by the dashboard's page."""

import shutil
from collections.abc import Sequence

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect
from redis.asyncio import Redis

from gateway.contract import keys
from gateway.contract.records import STREAM_FIELD, AuditRecord, encode
from subject.telemetry.redis_reads import redis_time
from tests.integration.subject.browsing import WRITABLE
from tests.integration.subject.publishing import live_changes
from tests.integration.subject.serving import TOKEN, living, served
from tests.operator.browser import CHROMIUM, QUIET
from tests.unit.subject.builders import NodeScript, always, even, policies

pytestmark = pytest.mark.system

CLIENT = "k_0123456789abcdef"
HOSTILE = "<img src=x onerror=document.title=1><script>document.title=1</script>"


async def test_texts_that_would_be_html_are_texts(redis_client: Redis, redis_url: str, page: Page) -> None:
    nodes: Sequence[NodeScript] = [
        NodeScript(f"{HOSTILE}\x1b[31m\n{number}", always(60)) for number in (1, 2)
    ]
    written = AuditRecord(
        await redis_time(redis_client), HOSTILE, "set", CLIENT, None, HOSTILE, f"{HOSTILE}\u202e"
    )
    await redis_client.xadd(keys.AUDIT, {STREAM_FIELD: encode(written)})
    async with living(redis_client, nodes, policies().table), served(redis_url) as subject:
        await page.goto(subject.url)
        await expect(page.locator("#nodes tbody th").first).to_have_text(f"{HOSTILE}\\x1b[31m\\n1")
        await expect(page.locator("#audit tbody td.text").last).to_have_text(f"{HOSTILE}\\u202e")

        assert await page.locator("img, main script").count() == 0
        assert "Rate limiter" in await page.title()


async def test_a_script_that_got_in_would_not_run(
    redis_client: Redis, redis_url: str, browser: Browser
) -> None:
    page = await browser.new_page()
    async with living(redis_client, even(always(60))), served(redis_url) as subject:
        await page.goto(subject.url)
        ran = await page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.append("window.ran = true");
                try { document.body.append(script); } catch {}
                try { document.body.innerHTML = "<img src=x onerror='window.ran = true'>"; } catch {}
                return window.ran ?? false;
            }"""
        )

    assert ran is False


async def test_another_site_can_neither_read_nor_change_nor_frame_it(
    redis_client: Redis, redis_url: str, browser: Browser
) -> None:
    page = await browser.new_page()
    async with (
        living(redis_client, even(always(60)), policies().table),
        served(redis_url, **WRITABLE) as subject,
        served(redis_url) as elsewhere,
    ):
        # Another port of this machine: another origin, and of the same site at that.
        await page.goto(f"{elsewhere.url}/static/icon.svg")
        read, sent = await page.evaluate(
            """async ([url, token]) => {
                const tried = async (path, options) => {
                    try { return (await fetch(url + path, options)).status; } catch { return "no answer"; }
                };
                const form = {client: "acme", limit: "1/m", for: "", by: "x", why: "x", revision: ""};
                const body = JSON.stringify(form);
                return [
                    await tried("/history", {}),
                    await tried("/changes/set", {method: "POST", mode: "no-cors", body}),
                ];
            }""",
            [subject.url, TOKEN],
        )

    assert read == "no answer"
    assert sent in (0, "no answer")
    assert not (await live_changes(redis_client)).limits


async def test_a_name_that_was_made_to_lead_here_gets_nothing(redis_client: Redis, redis_url: str) -> None:
    async with (
        async_playwright() as playwright,
        living(redis_client, even(always(60))),
        served(redis_url) as subject,
    ):
        browser = await playwright.chromium.launch(
            executable_path=shutil.which(CHROMIUM),
            args=[*QUIET, "--host-resolver-rules=MAP evil.example 127.0.0.1"],
        )
        page = await browser.new_page()
        answer = await page.goto(subject.url.replace("127.0.0.1", "evil.example"))
        assert answer is not None
        assert answer.status == 421
        assert "SUBJECT_NAMES" in await page.locator("body").inner_text()
        await browser.close()

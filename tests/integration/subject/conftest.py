"""A client of a Redis of its own, who asks the dashboard by HTTP, and a browser."""

import shutil
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from playwright.async_api import Browser, Page, async_playwright
from redis.asyncio import Redis

from loadtest import redis_server
from tests.integration.subject.browsing import watched
from tests.operator.browser import CHROMIUM, QUIET


@pytest.fixture
async def own_client(own_redis: redis_server.RedisServer) -> AsyncIterator[Redis]:
    """A client of it."""
    async with Redis.from_url(own_redis.url, decode_responses=True) as client:
        yield client


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """Asks the dashboard."""
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        path = shutil.which(CHROMIUM)
        assert path is not None, "these tests need Debian's chromium"
        browser = await playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A tab that fails the test where the page breaks its own policy, or a script fails."""
    page = await browser.new_page()
    complaints = watched(page)
    yield page
    assert complaints == []

"""What the dashboard changes, and for whom."""

import json
import re
from typing import Any

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from gateway.contract.limits import parse_limits
from loadtest.cluster import Plan, running
from tests.integration.subject.publishing import audited, live_changes, nowhere, publish_cluster
from tests.integration.subject.serving import TOKEN, dashboard, events, living
from tests.unit.subject.builders import always, even, policies

CLIENT = "k_0123456789abcdef"
FORM = {"client": CLIENT, "limit": "7/m", "for": "", "by": "ana", "why": "a test", "revision": ""}
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


async def change(
    http: ClientSession, url: str, name: str, form: Any, **fields: str
) -> tuple[int, dict[str, str]]:
    async with http.post(f"{url}/changes/{name}", json=form, headers={**AUTHORIZED, **fields}) as answer:
        return answer.status, await answer.json()


async def test_a_change_is_made_audited_and_shown_with_its_undo(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    nodes = even(always(60))
    async with (
        living(redis_client, nodes, policies().table),
        dashboard(redis_url, token=TOKEN, wait_seconds=0) as url,
        events(http, url) as watching,
    ):
        assert (await watching.next("hello")) == {"writable": True}
        status, told = await change(http, url, "set", FORM)
        live = await live_changes(redis_client)
        # The limits and the audit are read one after the other, and the change may come in between.
        while not ((page := (await watching.next())["page"])["audit"] and page["limits"]["limits"]):
            pass
        undone = await change(
            http, url, "unset", {"client": CLIENT, "by": "ana", "why": "undo", "revision": ""}
        )
        anew = await change(http, url, "reset", {"client": CLIENT, "by": "ana", "why": "again"})

    assert (status, undone[0], anew[0]) == (200, 200, 200)
    assert told["done"].startswith(
        f"{CLIENT} now has 7/m (was 100/m, default); nodes take it over within a second."
    )
    assert live.limits[CLIENT].limit == parse_limits("7/m")
    assert page["audit"][0]["undo"] == {"client": CLIENT, "limit": None, "until": None}
    assert page["limits"]["limits"][0]["client"] == CLIENT
    assert [(one.action, one.by, one.why) for one in await audited(redis_client)] == [
        ("set", "ana (dashboard)", "a test"),
        ("unset", "ana (dashboard)", "undo"),
        ("reset", "ana (dashboard)", "again"),
    ]


async def test_what_was_changed_meanwhile_is_left_as_it_is(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies().table)
    async with dashboard(redis_url, token=TOKEN, wait_seconds=0) as url:
        await change(http, url, "set", {**FORM, "revision": "none"})
        status, answer = await change(http, url, "set", {**FORM, "limit": "8/m", "revision": "none"})
        unset = await change(
            http, url, "unset", {"client": CLIENT, "by": "ana", "why": "x", "revision": "none"}
        )

    assert (status, unset[0]) == (409, 409)
    assert f"{CLIENT} was changed meanwhile: it has 7/m" in answer["problem"]
    assert str((await live_changes(redis_client)).limits[CLIENT].limit) == "7/m"


async def test_a_change_says_on_which_nodes_it_is_in_force(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    plan = Plan(nodes=1, redis_url=redis_url, upstream_url="http://127.0.0.1:9")
    async with running(plan), dashboard(redis_url, token=TOKEN) as url, events(http, url) as watching:
        while not (await watching.next())["page"]["nodes"]:
            pass
        status, told = await change(http, url, "set", FORM)

    assert status == 200, told
    assert re.search(r"; in force on node-1 after [\d.]+ m?s\.$", told["done"])


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({**FORM, "limit": "many"}, "N/period"),
        ({**FORM, "for": "soon"}, "as in 30s, 10m or 2h"),
        ({**FORM, "client": "nobody"}, "no node knows a client nobo"),
        ({**FORM, "why": ""}, "say why"),
        ({**FORM, "by": "x" * 60}, "characters at most"),
        ({"client": CLIENT}, "by, client, for, limit, revision, why"),
        ("garbage", "by, client, for, limit, revision, why"),
    ],
)
async def test_bad_input_is_refused_with_what_would_be_right(
    redis_client: Redis, redis_url: str, http: ClientSession, form: Any, told: str
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies().table)
    async with dashboard(redis_url, token=TOKEN, wait_seconds=0) as url:
        status, answer = await change(http, url, "set", form)

    assert status == 400
    assert told in answer["problem"]
    assert (await audited(redis_client)) == []


async def test_a_change_without_redis_is_refused(http: ClientSession) -> None:
    redis_url = nowhere()
    async with dashboard(redis_url, token=TOKEN) as url:
        status, answer = await change(http, url, "set", FORM)

    assert status == 503
    address = redis_url.removeprefix("redis://").partition("/")[0]
    assert answer["problem"].startswith(f"Redis at {address} does not answer (connection refused)")


async def test_a_long_form_is_refused(redis_url: str, http: ClientSession) -> None:
    async with dashboard(redis_url, token=TOKEN, wait_seconds=0) as url:
        fields = {**AUTHORIZED, "Content-Type": "application/json"}
        async with http.post(f"{url}/changes/set", data=b"[" * 100_000, headers=fields) as long:
            assert (long.status, (await long.json()).keys()) == (413, {"problem"})
        async with http.post(f"{url}/changes/set", data=b"[" * 8000, headers=fields) as deep:
            assert deep.status == 400


async def test_another_path_or_method_is_refused_as_all_that_is(redis_url: str, http: ClientSession) -> None:
    async with dashboard(redis_url, token=TOKEN) as url:
        async with http.get(f"{url}/nothing") as path:
            assert (path.status, await path.json()) == (404, {"problem": "404: Not Found"})
        fields = {**AUTHORIZED, "Content-Type": "application/json"}
        async with http.post(f"{url}/history", data="{}", headers=fields) as method:
            assert (method.status, await method.json()) == (405, {"problem": "405: Method Not Allowed"})
            assert method.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer another-token-of-some-length"}, 401),
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
async def test_whoever_may_not_change_changes_nothing(
    redis_client: Redis, redis_url: str, http: ClientSession, fields: dict[str, str], status: int
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies().table)
    async with dashboard(redis_url, token=TOKEN, wait_seconds=0) as url:
        given = {**AUTHORIZED, "Content-Type": "application/json", **fields}
        async with http.post(f"{url}/changes/set", data=json.dumps(FORM), headers=given) as answer:
            assert answer.status == status
            assert TOKEN not in await answer.text()

    assert not (await live_changes(redis_client)).limits


async def test_without_a_token_it_is_read_only(
    redis_client: Redis, redis_url: str, http: ClientSession
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies().table)
    async with dashboard(redis_url) as url, events(http, url) as watching:
        hello = await watching.next("hello")
        status, answer = await change(http, url, "set", FORM)

    assert hello == {"writable": False}
    assert status == 403
    assert "SUBJECT_TOKEN" in answer["problem"]

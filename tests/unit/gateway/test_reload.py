import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.background import background
from gateway.contract.records import Reloads
from gateway.errors import StartError
from gateway.reload import Commit, Reload


class File:
    """A part whose content is `there`, and `in_force` once it is taken over."""

    def __init__(self, content: str) -> None:
        self.there: str | Exception = content
        self.in_force = ""
        self.read_by: list[threading.Thread] = []

    def prepare(self) -> Commit:
        self.read_by.append(threading.current_thread())
        content = self.there
        if isinstance(content, Exception):
            raise content

        def commit() -> None:
            self.in_force = content

        return commit


class Node:
    """What reloads two files when it is told to."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()
        self.reload = Reload(self.wanted, lambda: 17.5)
        self.clients, self.routes = File("a"), File("b")
        for part in (self.clients, self.routes):
            self.reload.take_in(part.prepare)

    @property
    def in_force(self) -> tuple[str, str]:
        return self.clients.in_force, self.routes.in_force

    async def reloads(self) -> Reloads:
        """Ask for a reload, and wait for its end."""
        before = self.reload.report
        self.wanted.set()
        await until(lambda: self.reload.report is not before)
        return self.reload.report


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what another task does."""
    for _ in range(10_000):
        if holds():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it has not come about")


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    node = Node()
    async with background(node.reload.run):
        yield node


async def test_what_the_files_say_is_put_in_force(node: Node) -> None:
    assert await node.reloads() == Reloads(done=1, at=17.5)
    assert node.in_force == ("a", "b")


async def test_files_are_read_beside_the_event_loop(node: Node) -> None:
    await node.reloads()

    assert node.clients.read_by != [threading.main_thread()]


@pytest.mark.parametrize("bad", ["clients", "routes"])
async def test_one_bad_file_and_nothing_changes(
    node: Node, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    await node.reloads()
    node.clients.there, node.routes.there = "c", "d"
    getattr(node, bad).there = StartError("x.toml: client 1: nobody", 2)

    assert await node.reloads() == Reloads(1, 1, 17.5, "x.toml: client 1: nobody")
    assert node.in_force == ("a", "b")
    assert [(record.levelno, record.getMessage()) for record in caplog.records[-1:]] == [
        (logging.ERROR, "reload: nothing has changed: x.toml: client 1: nobody")
    ]


async def test_a_reader_that_breaks_does_not_end_the_node(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.routes.there = ZeroDivisionError("a secret")

    assert await node.reloads() == Reloads(0, 1, 17.5, "ZeroDivisionError")
    assert node.in_force == ("", "")
    node.routes.there = "b"
    assert await node.reloads() == Reloads(1, 1, 17.5)
    assert node.in_force == ("a", "b")
    assert "ZeroDivisionError" in caplog.text


async def test_a_problem_is_published_as_printable_ascii(node: Node) -> None:
    node.routes.there = StartError("gäteway\n" + "x" * 500, 2)

    problem = (await node.reloads()).problem
    assert problem.startswith("g\\xe4teway\\n")
    assert len(problem) == 200


async def test_what_is_wanted_while_files_are_read_is_one_reload_more(node: Node) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def wait() -> Commit:
        reading.set()
        assert go_on.wait(10)
        return lambda: None

    node.reload.take_in(wait)
    node.wanted.set()
    await asyncio.to_thread(reading.wait, 10)
    node.clients.there = "later"
    node.wanted.set()
    node.wanted.set()
    go_on.set()

    await until(lambda: node.reload.report.done == 2)
    assert node.in_force == ("later", "b")
    assert len(node.clients.read_by) == 2

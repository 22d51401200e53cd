"""A peer that is one process, and reads a file that is made of the template of that name beside this one."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from string import Template

from loadtest.bench.peers.peer import WINDOW_SECONDS, Place, Running, serving
from loadtest.child import start
from loadtest.ports import free_port


def running(
    place: Place, template: str, command: Callable[[Path], Sequence[str]]
) -> AbstractAsyncContextManager[Running]:
    """It serves while the context lasts; `command` starts it with this file."""
    port = free_port()
    file = place.folder / template
    text = Template(Path(__file__).with_name(template).read_text())
    file.write_text(
        text.substitute(
            port=port, upstream_port=place.upstream_port, limit=place.limit, window_seconds=WINDOW_SECONDS
        )
    )
    child = start(
        *command(file),
        name=file.stem,
        environment=place.environment,
        folder=place.folder,
        working_folder=place.folder,
    )
    return serving(child, port)

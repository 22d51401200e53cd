"""Which processes descend from one and still run, and a program to start."""

from pathlib import Path


def started_by(pid: int) -> set[int]:
    """All living descendants of a process, by Linux' /proc; those whose parent is gone are not among them."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        if (parent := _parent(stat)) is not None:
            children.setdefault(parent, []).append(int(stat.parent.name))
    found: set[int] = set()
    waiting = [pid]
    while waiting:
        of_one = children.get(waiting.pop(), [])
        found.update(of_one)
        waiting.extend(of_one)
    return found


def alive(pids: set[int]) -> set[int]:
    """Those that still run; a zombie, whose parent has yet to take note of its end, does not."""
    return {pid for pid in pids if _parent(Path(f"/proc/{pid}/stat")) is not None}


def _parent(stat: Path) -> int | None:
    """The parent of a process that runs."""
    try:
        state, parent = stat.read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else int(parent)


def silent_program(folder: Path) -> Path:
    """A program that takes any arguments and never says anything."""
    program = folder / "silent"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    return program

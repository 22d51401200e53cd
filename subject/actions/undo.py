"""The command that takes an action back, to be pasted. It does nothing where somebody has acted since."""

from gateway.contract.overrides import Override
from subject.figures import instant


def command(client: str, before: Override | None, revision_now: str) -> str:
    """Puts back what was in force `before`, if what stands now is still of this revision."""
    if before is None:
        return f"subject limits unset {client} --revision {revision_now}"
    return f"subject limits set {client} {before.limit} --why undo{_end(before)} --revision {revision_now}"


def _end(before: Override) -> str:
    return "" if before.until is None else f" --until {instant(before.until):%Y-%m-%dT%H:%M:%SZ}"

"""What came of an operator's action: decided from what was read before and after it, without IO."""

from dataclasses import dataclass

from loadtest.scenarios.remedy import Figure, NodeRatio, RefusedRatio, Remedy, UpstreamRate, WaySeconds


@dataclass(frozen=True, slots=True)
class Done:
    """An action: the command as it was typed, or in words what was done outside, and when it was done.

    `undo` takes it back, by another command; `seconds` until it was in force on all nodes.
    """

    told: str
    at: float  # seconds since 1970
    undo: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Remedied:
    """The figure before and after it; `closed_seconds` until what was expected was no longer found, None: it
    still was."""

    remedy: Remedy
    done: Done
    before: float
    after: float
    closed_seconds: float | None

    @property
    def helped(self) -> bool:
        """Whether there was something to be mended, and it is."""
        is_closed = self.closed_seconds is not None or not self.remedy.closes
        return self.before > self.remedy.goal >= self.after and is_closed

    @property
    def told(self) -> str:
        """The figure of before and of now, and where it is from, in a sentence without its full stop."""
        figure = self.remedy.figure
        source = "the upstream's log"
        if isinstance(figure, RefusedRatio):
            source = f"subject why {figure.client_id}"
        words = _words(figure, self.before, self.after)
        if not self.remedy.is_outside:
            words += ", while the cause goes on"
        words += f" (by {source})"
        if not self.remedy.closes:
            return words
        if self.closed_seconds is None:
            return f"{words}; it is still found"
        return f"{words}; no longer found after {self.closed_seconds:.0f} s"


def _words(figure: Figure, before: float, after: float) -> str:
    match figure:
        case RefusedRatio():
            whose = f"of {figure.client_id}'s requests"
            return f"{100 * before:.0f} % {whose} were refused, now {100 * after:.0f} %"
        case UpstreamRate():
            return f"the upstream got {before:.0f} requests a second, now {after:.0f}"
        case NodeRatio():
            return f"{figure.node_id} had {100 * before:.0f} % of the requests, now {100 * after:.0f} %"
        case WaySeconds():
            return (
                f"a request took {1000 * before:.0f} ms to the upstream in the median, "
                f"now {1000 * after:.0f} ms"
            )

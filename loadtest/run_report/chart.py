"""Lines over time and bars of findings as SVG, all on one axis of time; colours are the page's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

from loadtest.run_report.series import Point, Span
from loadtest.subject_commands import Identity

COLOURS = 8
_WIDTH, _LEFT, _RIGHT, _TOP, _HEIGHT, _BOTTOM = 960, 60, 14, 22, 150, 24
_LANE = 22
_LETTER = 7
"""So wide about, where a name has room."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_MOST_TICKS = 12
_GAP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Band:
    """A scenario, from when to when it was so."""

    name: str
    began_at: float
    ended_at: float
    is_right: bool


@dataclass(frozen=True, slots=True)
class Axis:
    """The run's time."""

    began_at: float
    ended_at: float

    def x(self, at: float) -> float:
        """Where it is, in the drawing."""
        share = (at - self.began_at) / max(1.0, self.ended_at - self.began_at)
        return _LEFT + min(1.0, max(0.0, share)) * (_WIDTH - _LEFT - _RIGHT)

    def ticks(self) -> list[int]:
        """Round seconds from the start."""
        length = max(1.0, self.ended_at - self.began_at)
        step = next((step for step in _STEPS if length / step <= _MOST_TICKS), ceil(length / _MOST_TICKS))
        return list(range(0, floor(length) + 1, step))


def lines(
    title: str,
    axis: Axis,
    nodes: Mapping[str, Sequence[Point]],
    value: Callable[[Point], float | None],
    bands: Sequence[Band],
    spans: Sequence[Span],
) -> str:
    """One line a node, over the scenarios; where a finding began there is a mark."""
    drawn = [
        (number, [(point.at, value(point)) for point in of_node])
        for number, of_node in enumerate(nodes.values())
    ]
    top = _ceiling(max((y for _, of_node in drawn for _, y in of_node if y is not None), default=0.0))

    def y_of(number: float) -> float:
        return _TOP + _HEIGHT * (1 - number / top)

    parts = [*_bands(axis, bands, _HEIGHT)]
    for tick in (0.0, top / 4, top / 2, 3 * top / 4, top):
        y = f"{y_of(tick):.1f}"
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="end" x="{_LEFT - 8}" y="{y_of(tick) + 4:.1f}">{tick:g}</text>')
    parts += [
        f'<line class="mark {escape(span.finding.severity)}" x1="{axis.x(span.began_at):.1f}" '
        f'x2="{axis.x(span.began_at):.1f}" y1="{_TOP}" y2="{_TOP + _HEIGHT}">{_title(span)}</line>'
        for span in spans
    ]
    for number, of_node in drawn:
        for run in _unbroken(of_node):
            path = " ".join(f"{axis.x(at):.1f},{y_of(y):.1f}" for at, y in run)
            parts.append(f'<polyline class="line n{number % COLOURS}" points="{path}"/>')
    parts += _times(axis, _TOP + _HEIGHT)
    return _svg(title, _TOP + _HEIGHT + _BOTTOM, parts)


def lanes(title: str, axis: Axis, spans: Sequence[Span], bands: Sequence[Band]) -> str:
    """A lane for each finding, and in it when it was there."""
    by_identity: dict[Identity, list[Span]] = {}
    for span in spans:
        by_identity.setdefault(span.finding.identity, []).append(span)
    height = _LANE * len(by_identity)
    parts = [*_bands(axis, bands, height)]
    for number, of_one in enumerate(by_identity.values()):
        y = _TOP + _LANE * number
        for span in of_one:
            begin = axis.x(span.began_at)
            wide = max(3.0, axis.x(span.ended_at) - begin)
            parts.append(
                f'<rect class="span {escape(span.finding.severity)}" x="{begin:.1f}" y="{y + 3}" '
                f'width="{wide:.1f}" height="{_LANE - 6}" rx="3">{_title(span)}</rect>'
            )
        parts.append(_label(axis, of_one, y + _LANE - 7))
    parts += _times(axis, _TOP + height)
    return _svg(title, _TOP + height + _BOTTOM, parts)


def _label(axis: Axis, of_one: Sequence[Span], y: int) -> str:
    """Beside its bars, on the side where there is room."""
    begin, end = axis.x(of_one[0].began_at), axis.x(of_one[-1].ended_at)
    name = escape(str(of_one[0].finding))
    if begin - _LEFT > _WIDTH - _RIGHT - end:
        return f'<text class="end" x="{begin - 6:.1f}" y="{y}">{name}</text>'
    return f'<text x="{max(end, begin + 3) + 6:.1f}" y="{y}">{name}</text>'


def _title(span: Span) -> str:
    """What a pointer over it shows."""
    return f"<title>{escape(f'{span.finding}: {span.finding.summary}')}</title>"


def _bands(axis: Axis, bands: Sequence[Band], height: int) -> list[str]:
    parts = []
    ends = [*(band.began_at for band in bands[1:]), axis.ended_at]
    free = 0.0  # from here on no name stands
    for band, next_at in zip(bands, ends, strict=False):
        begin, end = axis.x(band.began_at), axis.x(band.ended_at)
        kind = "right" if band.is_right else "wrong"
        parts.append(
            f'<rect class="band {kind}" x="{begin:.1f}" y="{_TOP}" width="{end - begin:.1f}" '
            f'height="{height}">'
            f"<title>{escape(band.name)}</title></rect>"
        )
        wide, next_begin = _LETTER * len(band.name), axis.x(next_at)
        if next_begin - begin > wide:
            parts.append(f'<text class="name" x="{begin + 3:.1f}" y="{_TOP - 7}">{escape(band.name)}</text>')
            free = begin + 3 + wide
        elif band is bands[-1] and next_begin - wide > free:
            parts.append(
                f'<text class="name end" x="{next_begin:.1f}" y="{_TOP - 7}">{escape(band.name)}</text>'
            )
    return parts


def _times(axis: Axis, y: int) -> list[str]:
    places = [(axis.x(axis.began_at + tick), f"{tick // 60}:{tick % 60:02d}") for tick in axis.ticks()]
    return [f'<text class="middle" x="{x:.1f}" y="{y + 16}">{text}</text>' for x, text in places]


def _unbroken(values: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Pieces without a gap: neither unknown values nor some seconds without any."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for at, y in values:
        if y is None or (pieces[-1] and at - pieces[-1][-1][0] > _GAP_SECONDS):
            pieces.append([])
        if y is not None:
            pieces[-1].append((at, y))
    return [piece for piece in pieces if piece]


def _ceiling(most: float) -> float:
    """A round number that is no less, and has round quarters."""
    if most <= 0:
        return 4.0
    power = 10.0 ** floor(log10(most))
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= most)


def _svg(title: str, height: int, parts: Sequence[str]) -> str:
    head = f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
    return "\n".join([head, *parts, "</svg>"])

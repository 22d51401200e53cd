"""Bars as an SVG, readable on a light and on a dark page."""

from collections.abc import Mapping, Sequence
from html import escape

_LABELS, _BARS, _NUMBERS = 250, 420, 70
_LINE, _BAR = 26, 16
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.head{font-weight:600}"
    ".bar{fill:#8c959f}.ours{fill:#0969da}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.bar{fill:#6e7681}.ours{fill:#4493f8}}"
)


def svg(title: str, groups: Mapping[str, Sequence[tuple[str, float]]]) -> str:
    """A bar for each label and number, the first of each group set off; all on one scale."""
    numbers = [number for bars in groups.values() for _, number in bars]
    scale = _BARS / max(numbers, default=1.0)
    parts, y = [f'<text class="head" x="0" y="16">{escape(title)}</text>'], _LINE
    for name, bars in groups.items():
        y += _LINE
        parts.append(f'<text class="head" x="0" y="{y - 8}">{escape(name)}</text>')
        for number, (label, value) in enumerate(bars):
            y += _LINE
            parts += _bar(label, value, scale, y, is_first=number == 0)
    width = _LABELS + _BARS + _NUMBERS
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 8}" width="{width}" role="img">'
    )
    return "\n".join(
        [head, f"<title>{escape(title)}</title>", f"<style>{_STYLE}</style>", *parts, "</svg>\n"]
    )


def _bar(label: str, value: float, scale: float, y: int, *, is_first: bool) -> list[str]:
    long = max(1.0, value * scale)
    kind = "ours" if is_first else "bar"
    return [
        f'<text x="0" y="{y - 8}">{escape(label)}</text>',
        f'<rect class="{kind}" x="{_LABELS}" y="{y - 8 - _BAR + 4}" width="{long:.1f}" height="{_BAR}"/>',
        f'<text x="{_LABELS + long + 6:.1f}" y="{y - 8}">{value:.1f}</text>',
    ]

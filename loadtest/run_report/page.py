"""What a run came to, as one HTML file: no script, and nothing from elsewhere."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from loadtest.run_report import chart, series
from loadtest.run_report.chart import Axis, Band
from loadtest.run_report.document import Run
from loadtest.scenarios import WARM_UP
from loadtest.verdict import Outcome, Verdict

_STYLE = Path(__file__).with_name("page.css")


def html(run: Run) -> str:
    """The page."""
    verdict, reports = run.verdict, run.played.reports
    title = f"loadtest run: {verdict.word}"
    parts = [
        f"<h1>{_MARKS[verdict.word]} {verdict.word.capitalize()}</h1>",
        f"<p>{escape(_setting(run))}</p>",
        *_books(verdict),
        "<h2>Scenarios</h2>",
        _scenarios(verdict),
    ]
    if reports:
        parts += _plots(run)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _setting(run: Run) -> str:
    setting = run.played.setting
    began = datetime.fromtimestamp(run.began_at, UTC)
    where = "a cluster of its own" if run.target is None else f"the cluster at {', '.join(run.target.urls)}"
    return (
        f"{began:%Y-%m-%d %H:%M} UTC, on {where} ({', '.join(setting.node_ids)}): {len(setting.clients)} "
        f"clients, who may send {setting.windows_text} each, usually {setting.rate_per_second:.0f} requests "
        f"a second; seed {run.seed}."
    )


def _books(verdict: Verdict) -> list[str]:
    items = [f'<li class="wrong">{_WRONG} {escape(text)}</li>' for text in verdict.failures]
    items += [f'<li class="open">{_OPEN} {escape(text)}</li>' for text in verdict.unjudged]
    items += [f"<li>{_GOOD} {escape(text)}</li>" for text in verdict.kept]
    items += [f'<li class="quiet">– not judged: {escape(text)}</li>' for text in verdict.not_judged]
    return [f"<ul class=plain>{''.join(items)}</ul>"]


def _scenarios(verdict: Verdict) -> str:
    if not verdict.outcomes:
        return '<p class="quiet">None came to its end.</p>'
    rows = [
        f"<tr><td>{_mark(outcome)} <b>{escape(outcome.scenario.name)}</b></td>"
        f"<td>{escape(outcome.scenario.injected)}</td>"
        f"<td>{'<br>'.join(_told(outcome, verdict.unexpected))}</td>"
        f'<td class=number data-is="found after">{_seconds(max(outcome.found_seconds, default=None))}</td>'
        f'<td class=number data-is="clear after">{_seconds(outcome.clear_seconds)}</td></tr>'
        for outcome in verdict.outcomes
    ]
    heads = "".join(f"<th>{head}</th>" for head in ("scenario", "injected", "what the subject said"))
    heads += "".join(f"<th class=number>{head}</th>" for head in ("found after", "clear after"))
    return (
        f"<div class=wide><table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _told(outcome: Outcome, unexpected: str) -> Iterable[str]:
    yield from (
        f"<code>{escape(finding.code)}</code> {escape(finding.summary)}. "
        f"Likely: {escape(finding.likely_cause)}."
        for _, finding in outcome.found
    )
    yield from (f'<span class="wrong">not found: {escape(str(sign))}</span>' for sign in outcome.missing)
    yield from (
        f'<span class="wrong">{unexpected}: {escape(str(found))}: {escape(found.summary)}</span>'
        for found in outcome.false_alarms
    )
    yield from (
        f'<span class="wrong">still there long after: {escape(str(found))}</span>' for found in outcome.stayed
    )
    yield from (f'<span class="open">{escape(text)}</span>' for text in outcome.unjudged)
    if not (outcome.found or outcome.missing or outcome.false_alarms or outcome.stayed or outcome.unjudged):
        yield "nothing, rightly"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"


def _plots(run: Run) -> list[str]:
    reports = run.played.reports
    axis = Axis(reports[0].at, reports[-1].at)
    nodes, spans = series.points(reports), series.spans(reports)
    bands = [
        Band(one.scenario.name, one.times.began_at, one.times.ended_at or reports[-1].at, one.is_right)
        for one in run.verdict.outcomes
        if one.scenario.name != WARM_UP
    ]
    if (under_way := run.played.under_way) is not None and under_way[0].name != WARM_UP:
        bands.append(Band(under_way[0].name, under_way[1], reports[-1].at, is_right=True))
    charts = (
        ("Requests a second", lambda point: point.requests_per_second),
        ("Refused a second", lambda point: point.refused_per_second),
        ("Latency, ms: the 99th percentile", lambda point: point.latency_p99_ms),
        ("Latency, ms: the median", lambda point: point.latency_p50_ms),
    )
    legend = "".join(
        f'<li><span class="key n{number % chart.COLOURS}"></span>{escape(node_id)}</li>'
        for number, node_id in enumerate(nodes)
    )
    parts = ["<h2>Over time</h2>", f"<ul class=legend>{legend}</ul>"]
    parts += [_figure(title, chart.lines(title, axis, nodes, value, bands, spans)) for title, value in charts]
    if spans:
        title = "What the subject found, and when"
        parts.append(_figure(title, chart.lanes(title, axis, spans, bands)))
    parts.append(
        '<p class="quiet">By the counters of the nodes themselves, as the subject read them each second; '
        "minutes and seconds since its first look. Scenarios are shaded; a line across marks when a finding "
        "began.</p>"
    )
    return parts


def _figure(title: str, svg: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption><div class=wide>{svg}</div></figure>"


_GOOD, _OPEN, _WRONG = (
    f'<span class="{kind}">{sign}</span>' for kind, sign in (("good", "✓"), ("open", "?"), ("wrong", "✗"))
)
_MARKS = {"passed": _GOOD, "not judged": _OPEN, "failed": _WRONG}


def _mark(outcome: Outcome) -> str:
    if not outcome.is_right:
        return _WRONG
    return _OPEN if outcome.unjudged else _GOOD

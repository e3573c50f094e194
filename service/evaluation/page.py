"""A run as one page of HTML that needs nothing else: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from service.evaluation.charts import amount_bars, calibration_curve, latency_histogram, share_bars
from service.evaluation.compare import MeasureChange, SuiteChange, measure_in_words, noise
from service.evaluation.reports import Measure, Outcome, Report, target_of
from service.evaluation.runs import Run
from service.evaluation.statistics import calibration, wilson

STYLE = Path(__file__).with_name("style.css")
PARTS = {"routing": "Which source answers", "sql": "Whether the SQL is right"}


def render(run: Run, changes: Sequence[SuiteChange]) -> str:
    """The whole page."""
    body = "".join(
        (
            _head(run, changes),
            _changes(changes),
            _accuracy(run.reports),
            _calibration(run.reports),
            _latency(run.reports),
            _cost(run.reports),
            _measures(run.reports),
            _failures(run.reports),
        )
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(run.name)}, {run.ended}</title><style>{STYLE.read_text()}</style></head>"
        f"<body>{body}</body></html>\n"
    )


def _head(run: Run, changes: Sequence[SuiteChange]) -> str:
    outcomes = [item for report in run.reports for item in report.outcomes]
    right = sum(item.right for item in outcomes)
    aimed = [measure for report in run.reports for measure in report.measures if measure.target is not None]
    missed = sum(bool(measure.verdict) for measure in aimed)
    worse = sum(change.worse for change in changes)
    tiles = [
        *([_tile(f"{right}/{len(outcomes)}", "questions right")] if outcomes else []),
        *([_tile(f"{missed}/{len(aimed)}", "targets missed", "wrong" if missed else "right")] if aimed else []),
        _tile(str(worse), "suites worse than their last run", "wrong" if worse else "right")
        if changes
        else _tile("–", "no earlier run to compare with"),
        _tile(_dollars(outcomes), "US dollars"),
    ]
    models = sorted({model for report in run.reports for model in report.used_models})
    facts = [run.ended.replace("T", " "), run.asked, f"ragsql {run.version}", ", ".join(models), run.machine]
    return (
        f"<h1>Evaluation: {escape(run.name)}</h1>"
        f'<p class="soft">{escape(" · ".join(filter(None, facts)))}</p><div class="tiles">{"".join(tiles)}</div>'
    )


def _tile(figure: str, words: str, kind: str = "") -> str:
    return f'<div class="tile {kind}"><b>{escape(figure)}</b><span class="soft">{escape(words)}</span></div>'


def _changes(changes: Sequence[SuiteChange]) -> str:
    if not changes:
        return ""
    cards = "".join(_change(change) for change in changes)
    return f'<h2>Since the last run</h2><div class="cards">{cards}</div>'


def _change(change: SuiteChange) -> str:
    moved = [item for item in change.measures if item.better is not None and item.beyond_noise]
    flips = "".join(
        f'<li><span class="tag {kind}">{words}</span> {escape(item.id)}: {escape(item.question)}</li>'
        for words, kind, items in (("now wrong", "bad", change.newly_wrong), ("now right", "good", change.newly_right))
        for item in items
    )
    measures = "".join(f"<li>{_moved(item)}</li>" for item in moved)
    verdict = _tag("worse", "bad") if change.worse else ""
    said = f"Last run {change.since.replace('T', ' ')}."
    if change.common:
        said += f" {len(change.newly_wrong)} newly wrong and {len(change.newly_right)} newly right"
        said += f" of {change.common} questions in both: {noise(change.p)}."
    listed = f"<ul>{flips}{measures}</ul>" if flips or measures else "<p>Nothing changed beyond noise.</p>"
    return (
        f'<div class="card"><h3>{escape(change.suite)} {verdict}</h3><p class="soft">{escape(said)}</p>{listed}</div>'
    )


def _moved(item: MeasureChange) -> str:
    kind = ("better", "good") if item.better else ("worse", "bad")
    return f"{_tag(*kind)} {escape(measure_in_words(item))}"


def _tag(words: str, kind: str) -> str:
    return f'<span class="tag {kind}">{words}</span>'


def _accuracy(reports: Sequence[Report]) -> str:
    cards = "".join(_accuracy_card(report) for report in reports if report.outcomes)
    said = "Bars are the share of right answers, lines across them their 95 % intervals (Wilson)."
    return f'<h2>Right answers</h2><p class="soft">{said}</p><div class="cards">{cards}</div>' if cards else ""


def _accuracy_card(report: Report) -> str:
    groups: dict[str, list[bool]] = {}
    for item in report.outcomes:
        groups.setdefault(item.category, []).append(item.right)
    rows = [("all", [item.right for item in report.outcomes])]
    rows += list(groups.items()) if len(groups) > 1 else []
    chart = share_bars([(label or "other", sum(right), len(right)) for label, right in rows])
    return f'<div class="card"><h3>{escape(report.suite)}</h3>{chart}</div>'


def _calibration(reports: Sequence[Report]) -> str:
    cards: list[str] = []
    for part, title in PARTS.items():
        for report in reports:
            told = [one for item in report.outcomes for one in item.confidences if one.of == part]
            if told:
                curve = calibration(told)
                rows = "".join(
                    f'<tr><td>{item.low:g} to {item.high:g}</td><td class="n">{item.n}</td>'
                    f'<td class="n">{item.confidence:.2f}</td><td class="n">{item.share:.2f}</td></tr>'
                    for item in curve.bins
                )
                cards.append(
                    f'<div class="card"><h3>{title}: {escape(report.suite)}</h3>'
                    f'<p class="soft">Expected calibration error {curve.error:.3f}, n = {curve.n}</p>'
                    f"{calibration_curve(curve)}<table><tr><th>bin</th><th class=n>n</th><th class=n>sure</th>"
                    f"<th class=n>right</th></tr>{rows}</table></div>"
                )
    said = "On the dashed line, things are right as often as was claimed. Lines are 95 % intervals, points grow with n."
    return f'<h2>Calibration</h2><p class="soft">{said}</p><div class="cards">{"".join(cards)}</div>' if cards else ""


def _latency(reports: Sequence[Report]) -> str:
    cards: list[str] = []
    for report in reports:
        times = [item.seconds for item in report.outcomes if item.seconds is not None and not item.cached]
        cached = sum(item.cached for item in report.outcomes)
        if times:
            said = f"n = {len(times)}" + (f", without {cached} from the cache" if cached else "")
            cards.append(
                f'<div class="card"><h3>{escape(report.suite)}</h3><p class="soft">{said}</p>'
                f"{latency_histogram(times)}</div>"
            )
    return f'<h2>Time a question takes</h2><div class="cards">{"".join(cards)}</div>' if cards else ""


def _cost(reports: Sequence[Report]) -> str:
    asked = [report for report in reports if any(item.models for item in report.outcomes)]
    if not asked:
        return ""
    rows = "".join(_cost_row(report) for report in asked)
    means = [(report.suite, _tokens(report.outcomes) / len(report.outcomes)) for report in asked]
    chart = amount_bars([(suite, mean, f"{mean:,.0f}") for suite, mean in means], "Tokens a question")
    unpriced = sorted({model for report in asked for item in report.outcomes for model in item.unpriced})
    said = f'<p class="soft">The price of {escape(", ".join(unpriced))} is unknown.</p>' if unpriced else ""
    heads = "".join(f'<th class="n">{name}</th>' for name in ("in", "out", "embedded", "US dollars"))
    table = f"<table><tr><th>suite</th>{heads}</tr>{rows}</table>"
    return (
        f'<h2>Tokens and cost</h2><div class="cards"><div class="card"><h3>Tokens a question, mean</h3>{chart}</div>'
        f'<div class="card scroll wide"><h3>In all</h3>{said}{table}</div></div>'
    )


def _cost_row(report: Report) -> str:
    items = report.outcomes
    counts = (
        sum(item.input_tokens for item in items),
        sum(item.output_tokens for item in items),
        sum(item.embedding_tokens for item in items),
    )
    cells = "".join(f'<td class="n">{count:,}</td>' for count in counts)
    return f'<tr><td>{escape(report.suite)}</td>{cells}<td class="n">{_dollars(items)}</td></tr>'


def _tokens(outcomes: Sequence[Outcome]) -> int:
    return sum(item.input_tokens + item.output_tokens + item.embedding_tokens for item in outcomes)


def _dollars(outcomes: Sequence[Outcome]) -> str:
    cost = sum(item.cost_usd for item in outcomes)
    if any(item.unpriced for item in outcomes):
        return f"{cost:.4f} + unknown" if cost else "unknown"
    return f"{cost:.4f}" if cost else "0"


def _measures(reports: Sequence[Report]) -> str:
    rows = "".join(_measure_rows(reports))
    heads = '<th>measure</th><th class="n">value</th><th>95 % interval</th><th>target</th><th class="n">n</th>'
    return f'<h2>All measures</h2><div class="card scroll"><table><tr>{heads}</tr>{rows}</table></div>'


def _measure_rows(reports: Sequence[Report]) -> Iterator[str]:
    for report in reports:
        yield f'<tr class="suite"><td colspan="5">{escape(report.suite)}</td></tr>'
        for measure in report.measures:
            missed = f" {_tag('missed', 'bad')}" if measure.verdict else ""
            yield (
                f'<tr><td>{escape(measure.name)}</td><td class="n">{measure.value:.3g} {escape(measure.unit)}</td>'
                f"<td>{_interval(measure)}</td><td>{escape(target_of(measure))}{missed}</td>"
                f'<td class="n">{measure.n}</td></tr>'
            )


def _interval(measure: Measure) -> str:
    if measure.unit != "%" or not measure.n:
        return ""
    low, high = wilson(round(measure.value * measure.n / 100), measure.n)
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def _failures(reports: Sequence[Report]) -> str:
    parts: list[str] = []
    for report in reports:
        wrong = [item for item in report.outcomes if not item.right]
        if wrong:
            parts.append(f"<h3>{escape(report.suite)}: {len(wrong)} of {len(report.outcomes)}</h3>")
            parts += [_failure(item) for item in wrong]
    return f"<h2>What is wrong</h2>{''.join(parts)}" if parts else ""


def _failure(item: Outcome) -> str:
    told = ", ".join(f"{one.of} {one.value:.2f} ({'right' if one.right else 'wrong'})" for one in item.confidences)
    facts = [
        ("expected", escape(item.expected)),
        ("got", escape(item.got)),
        ("citations", escape(", ".join(item.citations))),
        ("SQL", f"<pre>{escape(item.sql)}</pre>" if item.sql else ""),
        ("confidence", escape(told)),
        ("seconds", "" if item.seconds is None else f"{item.seconds:.2f}{' from the cache' if item.cached else ''}"),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts if value)
    kind = f"{escape(item.category)}, " if item.category else ""
    return (
        f'<details><summary>{escape(item.question)} <span class="soft">{escape(item.id)}, {kind}'
        f"{escape(item.problem)}</span></summary><dl>{listed}</dl></details>"
    )

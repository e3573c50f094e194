"""Charts as inline SVG, as wide as a phone: 360 units, which a wider page does not stretch beyond their size.

Colours are the page's custom properties, so that a chart is light or dark with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from service.evaluation.statistics import Calibration, quantile, wilson

WIDTH = 360
ROW = 40
BAR = 10
EDGE = 112
"""Room for figures right of a bar."""
LATENCY_BINS = 24
PLOT = 250
LEFT = 44


def share_bars(rows: Sequence[tuple[str, int, int]]) -> str:
    """A bar for each label, number right and number asked, with its 95 % interval and the figures beside it."""
    room = WIDTH - EDGE
    parts: list[str] = []
    for place, (label, right, n) in enumerate(rows):
        y = place * ROW
        low, high = (room * end for end in wilson(right, n))
        full = room * right / max(1, n)
        middle = y + 24 + BAR / 2
        parts += [
            _text(0, y + 15, label, "label"),
            f'<rect x="0" y="{y + 24}" width="{room}" height="{BAR}" rx="3" class="track"/>',
            f'<rect x="0" y="{y + 24}" width="{full:.1f}" height="{BAR}" rx="3" class="bar"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}{_tick(low, middle)}{_tick(high, middle)}" class="whisker"/>',
            _text(WIDTH, y + 34, f"{100 * right / max(1, n):.0f} % ({right}/{n})", "figure end"),
        ]
    return _svg(len(rows) * ROW, "Share of right answers with 95 % intervals", parts)


def amount_bars(rows: Sequence[tuple[str, float, str]], title: str) -> str:
    """A bar for each label and amount, as long as the amount is of the largest, with its words beside it."""
    room, most = WIDTH - EDGE, max((amount for _, amount, _ in rows), default=0.0) or 1.0
    parts: list[str] = []
    for place, (label, amount, words) in enumerate(rows):
        y = place * ROW
        parts += [
            _text(0, y + 15, label, "label"),
            f'<rect x="0" y="{y + 24}" width="{1 + room * amount / most:.1f}" height="{BAR}" rx="3" class="bar"/>',
            _text(WIDTH, y + 34, words, "figure end"),
        ]
    return _svg(len(rows) * ROW, title, parts)


def latency_histogram(seconds: Sequence[float]) -> str:
    """How many questions took how long, on a logarithmic axis, with the median and the 95th percentile."""
    ordered = sorted(max(1e-3, value) for value in seconds)
    first, last = math.floor(math.log10(ordered[0])), math.ceil(math.log10(ordered[-1]) + 1e-9)
    last = max(last, first + 1)
    height, base = 130, 100

    def x(value: float) -> float:
        return 8 + (WIDTH - 16) * (math.log10(value) - first) / (last - first)

    width = (WIDTH - 16) / LATENCY_BINS
    counts = [0] * LATENCY_BINS
    for value in ordered:
        counts[min(LATENCY_BINS - 1, int((x(value) - 8) / width))] += 1
    parts = [
        f'<rect x="{8 + i * width + 1:.1f}" y="{base - 62 * count / max(counts):.1f}" width="{width - 2:.1f}" '
        f'height="{62 * count / max(counts):.1f}" rx="2" class="bar"><title>{count} questions</title></rect>'
        for i, count in enumerate(counts)
        if count
    ]
    parts.append(f'<path d="M8 {base}H{WIDTH - 8}" class="axis"/>')
    for power in range(first, last + 1):
        anchor = "start" if power == first else "end" if power == last else "middle"
        parts.append(_text(x(10.0**power), base + 18, _seconds(10.0**power), f"tick {anchor}"))
    middle, slow = quantile(ordered, 0.5), quantile(ordered, 0.95)
    for value, top in ((middle, 18), (slow, 18)):
        parts.append(f'<path d="M{x(value):.1f} {top + 6}V{base}" class="mark"/>')
    close = x(slow) - x(middle) < 130
    left = "end" if close and x(middle) > 120 else "start" if x(middle) < 60 else "middle"
    parts.append(_text(x(middle), 16, f"p50 {_seconds(middle)}", f"figure {left}"))
    right = "end" if x(slow) > WIDTH - 60 and not close else "start" if close and x(slow) < WIDTH - 90 else "end"
    parts.append(
        _text(x(slow), 16 if not (close and right == left) else 28, f"p95 {_seconds(slow)}", f"figure {right}")
    )
    return _svg(height, f"Seconds a question, n = {len(ordered)}", parts)


def calibration_curve(curve: Calibration) -> str:
    """The share that was right against how sure the service was; points as large as their number of cases."""
    top = 12

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + x * PLOT, top + (1 - y) * PLOT

    parts = [f'<rect x="{LEFT}" y="{top}" width="{PLOT}" height="{PLOT}" class="plot"/>']
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = at(tick, tick)
        parts += [
            f'<path d="M{x} {top}v{PLOT}M{LEFT} {y}h{PLOT}" class="grid"/>',
            _text(x, top + PLOT + 18, f"{tick:g}", "tick middle"),
            _text(LEFT - 8, y + 4, f"{tick:g}", "tick end"),
        ]
    (x0, y0), (x1, y1) = at(0, 0), at(1, 1)
    parts.append(f'<path d="M{x0} {y0}L{x1} {y1}" class="ideal"/>')
    points = [(*at(item.confidence, item.share), item) for item in curve.bins]
    parts.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)}" class="curve"/>')
    for x, y, item in points:
        low, high = wilson(item.right, item.n)
        parts.append(f'<path d="M{x:.1f} {at(0, low)[1]:.1f}V{at(0, high)[1]:.1f}" class="spread"/>')
        radius = 4 + 6 * math.sqrt(item.n / curve.n)
        said = f"{item.low:g} to {item.high:g}: {item.right} of {item.n} right, sure to {item.confidence:.2f}"
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="point"><title>{said}</title></circle>')
    parts += [
        _text(LEFT + PLOT / 2, top + PLOT + 38, "how sure it was", "tick middle"),
        f'<text transform="translate(12 {top + PLOT / 2}) rotate(-90)" class="tick middle">share right</text>',
    ]
    return _svg(top + PLOT + 46, f"Calibration, error {curve.error:.3f}", parts)


def _tick(x: float, middle: float) -> str:
    return f"M{x:.1f} {middle - 5}v10"


def _seconds(value: float) -> str:
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    label = escape(title, quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{label}">{"".join(parts)}</svg>'

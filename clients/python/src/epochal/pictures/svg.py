"""A curve as self-contained SVG in the text color of the page around it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..arrays import Floats
from ..deferred import np
from . import Line, Panel, Series, panels, ticks

_WIDTH, _HEIGHT = 340, 220  # of one panel, in pixels
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 44, 34  # margins of the axes
_COLORS = {False: "#1f77b4", True: "#d9590f"}


def picture(curve: Series, metrics: Sequence[str]) -> str:
    """Return panels side by side; validation metrics are dashed, non-finite epochs are crosses."""
    shown = panels(curve, metrics)
    if not shown:
        return "<p>No epoch is stored yet.</p>"
    names = ", ".join(line.metric for panel in shown for line in panel.lines)
    label = escape(f"Curve of {curve.total_epochs:,} epochs: {names}")
    width = _WIDTH * len(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" '
        f'viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}" '
        'font-family="system-ui, sans-serif" font-size="11" fill="currentColor">',
        f"<title>{label}</title>",
    ]
    for index, panel in enumerate(shown):
        parts.append(f'<g transform="translate({index * _WIDTH} 0)">{_panel(panel)}</g>')
    return "".join([*parts, "</svg>"])


def _panel(panel: Panel) -> str:
    inner_width, inner_height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    last = max(panel.last_epoch, 2)

    def x(epochs: object) -> Floats:
        at: Floats = np.asarray(epochs, dtype=np.float64)
        return _LEFT + (at - 1) / (last - 1) * inner_width

    low, high = panel.scaled([panel.low, panel.high])

    def y(values: object) -> Floats:
        share: Floats = (panel.scaled(values) - low) / (high - low)
        return _TOP + (1 - share) * inner_height

    grid = []
    for mark in ticks(panel.low, panel.high, log=panel.log):
        at = float(y(mark))
        grid.append(
            f'<path d="M{_LEFT} {at:.1f}h{inner_width}" stroke="currentColor" opacity=".15"/>'
            f'<text x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{mark:g}</text>'
        )
    grid += [
        f'<text x="{float(x(mark)):.1f}" y="{_HEIGHT - _BOTTOM + 16}" '
        f'text-anchor="middle">{mark:,.0f}</text>'
        for mark in ticks(1, last, about=4)
        if mark == int(mark)
    ]
    grid.append(f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">epoch</text>')
    lines = [_line(line, x(line.epochs), y(line.values)) for line in panel.lines]
    crosses = [
        f'<text x="{at:.1f}" y="{_TOP + 4}" text-anchor="middle">✕</text>'
        for line in panel.lines
        for at in x(line.not_finite[:1])
    ]
    return "".join([*grid, *lines, *crosses, _legend(panel)])


def _line(line: Line, xs: Floats, ys: Floats) -> str:
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(xs, ys, strict=True))
    return f'<polyline points="{points}" fill="none" stroke-linejoin="round" {_stroke(line)}/>'


def _stroke(line: Line) -> str:
    if line.is_baseline:
        dashes = "1 4" if line.metric == "best constant" else "8 4"
        return f'stroke="currentColor" stroke-width="1.2" stroke-dasharray="{dashes}"'
    dashes = ' stroke-dasharray="5 3"' if line.dashed else ""
    return f'stroke="{_COLORS[line.dashed]}" stroke-width="1.6"{dashes}'


def _legend(panel: Panel) -> str:
    at, row, parts = _LEFT, 0, []
    for line in panel.lines:
        name_width = 6 * len(line.metric)
        if at > _LEFT and at + 27 + name_width > _WIDTH:
            at, row = _LEFT, row + 1
        y = 14 + 14 * row
        parts.append(
            f'<path d="M{at} {y}h22" {_stroke(line)}/>'
            f'<text x="{at + 27}" y="{y + 4}">{escape(line.metric)}</text>'
        )
        at += 36 + name_width
    if panel.note:
        parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 4}">{escape(panel.note)}</text>')
    return "".join(parts)

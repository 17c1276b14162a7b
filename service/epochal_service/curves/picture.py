"""A curve as a picture: SVG that follows the light of its page, or PNG on white.

series ──> scales, ticks ──> lines and texts ──┬──> SVG
                                               └──> PNG, at twice the size
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 48, 36
COLORS = ("#3478bd", "#cb6226", "#2f855a", "#8b5cb0", "#b5892b", "#5b7083")
INK, SOFT, GRID, PAPER = "#1d2433", "#5b6474", "#d9dee6", "#ffffff"
LOG_RATIO = 50.0
"""A positive curve that spans this factor has a logarithmic scale."""
PNG_SCALE = 2
MAP_SIZE = 512

STYLE = (
    f".i{{fill:{INK}}}.s{{fill:{SOFT}}}.g{{stroke:{GRID}}}.p{{fill:{PAPER}}}"
    "@media(prefers-color-scheme:dark){.i{fill:#eceff4}.s{fill:#a4adba}.g{stroke:#3a4252}"
    ".p{fill:#14181f}}"
)


class Series(NamedTuple):
    """A curve with its name."""

    name: str
    epochs: Sequence[int]
    values: Sequence[float]


class Line(NamedTuple):
    """A line through points; a color of None is that of the grid."""

    points: Sequence[tuple[float, float]]
    color: str | None = None


class Text(NamedTuple):
    """A text: `start`, `middle` or `end` of it is at x, its baseline at y."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    color: str | None = None
    """None: soft ink."""
    size: int = 12


@dataclass(frozen=True)
class Scale:
    """A linear or logarithmic scale from values to pixels."""

    low: float
    high: float
    start: float
    end: float
    is_log: bool = False

    def __call__(self, value: float) -> float:
        low, high, at = (
            (math.log10(v) for v in (self.low, self.high, value))
            if self.is_log
            else (self.low, self.high, value)
        )
        return self.start + (at - low) / ((high - low) or 1.0) * (self.end - self.start)

    @property
    def ticks(self) -> list[float]:
        """Round values in the range: about five, or powers of ten."""
        if self.is_log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            step = max(1, (last - first) // 5 + 1)
            if last > first:
                return [10.0**power for power in range(first, last + 1, step)]
            return [self.low, self.high]
        span = (self.high - self.low) or 1.0
        raw = 10 ** math.floor(math.log10(span / 5))
        step = next(raw * n for n in (1, 2, 5, 10) if span / (raw * n) <= 6)
        count = math.floor(self.high / step + 1e-9) - math.ceil(self.low / step - 1e-9)
        return [(math.ceil(self.low / step - 1e-9) + i) * step for i in range(count + 1)]


def shapes(title: str, series: Sequence[Series], last: int) -> Iterator[Line | Text]:
    """Yield the parts of the picture of a run whose epochs end at `last`."""
    yield Text(LEFT, 20, title, color=INK, size=14)
    values = [v for s in series for v in s.values if math.isfinite(v)]
    if not values:
        yield Text(WIDTH / 2, HEIGHT / 2, "no epoch yet", "middle")
        return
    low, high = min(values), max(values)
    is_log = low > 0 and high / low > LOG_RATIO
    if low == high:
        low, high = low - 0.5, high + 0.5
    x = Scale(min(1, last - 1), last, LEFT, WIDTH - RIGHT)
    y = Scale(low, high, HEIGHT - BOTTOM, TOP, is_log)
    for tick in y.ticks:
        yield Line([(LEFT, y(tick)), (WIDTH - RIGHT, y(tick))])
        yield Text(LEFT - 8, y(tick) + 4, f"{tick:.4g}", "end")
    for tick in (tick for tick in x.ticks if tick == int(tick) and tick >= 1):
        yield Text(x(tick), HEIGHT - BOTTOM + 18, f"{int(tick)}", "middle")
    yield Text(WIDTH - RIGHT, HEIGHT - 4, "epoch", "end")
    at = float(LEFT)
    for index, curve in enumerate(series):
        color = COLORS[index % len(COLORS)]
        name = curve.name.replace("_", " ")
        yield Text(at, 38, name, color=color)
        at += 7.0 * len(name) + 18
        for points in _finite(curve):
            yield Line([(x(epoch), y(value)) for epoch, value in points], color)


def map_of(outputs: NDArray[np.float64], classes: Sequence[int]) -> NDArray[np.uint8]:
    """Return the colors `(rows, columns, 3)` of a network's outputs `(rows, columns, units)` over
    its two inputs: of the class, the paler the less sure; without classes, of the first output.

    Rows begin at the lowest y. As on the page, the second of two classes and the highest output are
    blue.
    """
    colors = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLORS], float)
    height, width, units = outputs.shape
    if not classes:
        low, high = np.nanmin(outputs[..., 0]), np.nanmax(outputs[..., 0])
        share = (outputs[..., 0] - low) / (high - low or 1.0)
        shades = colors[1] + share[..., None] * (colors[0] - colors[1])
    else:
        chosen = np.array(classes).reshape(height, width)
        sure = np.abs(2 * outputs[..., 0] - 1) if units == 1 else outputs.max(axis=-1)
        if units <= 2:
            colors = colors[[1, 0]]
        shades = colors[chosen % len(colors)]
        shades = 255 - np.clip(sure, 0.15, 1)[..., None] * (255 - shades)
    colored: NDArray[np.uint8] = np.nan_to_num(shades).astype(np.uint8)
    return colored[::-1]


def _finite(series: Series) -> Iterator[list[tuple[int, float]]]:
    """Yield the parts of a curve between values that are not finite."""
    part: list[tuple[int, float]] = []
    for epoch, value in zip(series.epochs, series.values, strict=True):
        if math.isfinite(value):
            part.append((epoch, value))
        elif part:
            yield part
            part = []
    if part:
        yield part if len(part) > 1 else [*part, *part]


def to_svg(parts: Sequence[Line | Text], title: str) -> bytes:
    """Return the picture as SVG."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" font-family="system-ui,sans-serif">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        '<rect class="p" width="100%" height="100%"/>',
    ]
    for part in parts:
        if isinstance(part, Line):
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in part.points)
            look = 'class="g"' if part.color is None else f'stroke="{part.color}" stroke-width="2"'
            lines.append(f'<polyline {look} fill="none" points="{points}"/>')
        else:
            plain = {None: 'class="s"', INK: 'class="i"'}
            look = plain.get(part.color, f'fill="{part.color}"')
            lines.append(
                f'<text {look} x="{part.x:.1f}" y="{part.y:.1f}" font-size="{part.size}" '
                f'text-anchor="{part.anchor}">{escape(part.text)}</text>'
            )
    return "\n".join([*lines, "</svg>\n"]).encode()


def map_to_png(colors: NDArray[np.uint8]) -> bytes:
    """Return a map as PNG, with soft edges."""
    from PIL import Image

    image = Image.fromarray(colors).resize((MAP_SIZE, MAP_SIZE), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    return content.getvalue()


def to_png(parts: Sequence[Line | Text]) -> bytes:
    """Return the picture as PNG."""
    from PIL import Image, ImageDraw, ImageFont  # takes longer to import than to draw

    image = Image.new("RGB", (WIDTH * PNG_SCALE, HEIGHT * PNG_SCALE), PAPER)
    draw = ImageDraw.Draw(image)
    anchors = {"start": "ls", "middle": "ms", "end": "rs"}
    for part in parts:
        if isinstance(part, Line):
            points = [(x * PNG_SCALE, y * PNG_SCALE) for x, y in part.points]
            width = 1 if part.color is None else 2 * PNG_SCALE
            draw.line(points, part.color or GRID, width, joint="curve")
        else:
            font = ImageFont.load_default(part.size * PNG_SCALE)
            place = (part.x * PNG_SCALE, part.y * PNG_SCALE)
            draw.text(place, part.text, part.color or SOFT, font, anchors[part.anchor])
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    return content.getvalue()

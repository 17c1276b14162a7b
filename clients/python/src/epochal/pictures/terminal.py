"""A curve in characters, legible without color: blocks for training, dots for validation."""

from __future__ import annotations

from collections.abc import Sequence

from . import Panel, Series, panels, ticks

_BLOCKS, _DOTS = "hd", "braille"


def picture(
    curve: Series, metrics: Sequence[str], *, width: int = 80, height: int = 16, color: bool = False
) -> str:
    """Return panels of `width` x `height` characters, one below the other; empty without points."""
    return "".join(
        drawn(panel, width=width, height=height, color=color)
        for panel in panels(curve, metrics)
        if _drawable(panel)
    )


def _drawable(panel: Panel) -> bool:
    return any(len(line.values) for line in panel.lines)


def drawn(panel: Panel, *, width: int = 80, height: int = 16, color: bool = False) -> str:
    """Return one panel of `width` x `height` characters."""
    import plotext  # takes a tenth of a second: imported only by commands that draw

    # The library's own figure is global to the process, and the caller may be using it.
    figure = type(plotext.figure)(plotext.terminal)
    figure.plot_size(width, height)
    figure.theme("simple" if color else "colorless")
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    for line in panel.lines:
        marker = line.mark or (_DOTS if line.dashed else _BLOCKS)
        heights = panel.scaled(line.values).tolist()
        signal = figure.signal(line.epochs.tolist(), heights, marker=marker)
        figure.draw(signal.lines(True))
    legend = "   ".join(
        f"{line.mark or ('⠒⠒' if line.dashed else '▀▀')} {line.metric}" for line in panel.lines
    )
    figure.title(f"{legend}   ({panel.note})" if panel.note else legend)
    figure.legend(False)

    vertical = figure.ruler("y", "left")
    vertical.lim(*panel.scaled([panel.low, panel.high]).tolist())
    marks = ticks(panel.low, panel.high, log=panel.log)
    vertical.ticks(panel.scaled(marks).tolist(), [f"{mark:g}" for mark in marks])
    horizontal = figure.ruler("x", "lower")
    horizontal.lim(1, max(panel.last_epoch, 2))
    marks = [mark for mark in ticks(1, max(panel.last_epoch, 2)) if mark == int(mark)]
    horizontal.ticks(marks, [f"{mark:,.0f}" for mark in marks])
    figure.label("epoch", "x")
    text: str = figure.build().string(colorless=not color)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n") + "\n"

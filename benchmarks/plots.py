"""The results as plots, in SVG."""

from __future__ import annotations

import pathlib
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from growth import ROOM
from matplotlib import pyplot
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from report import times

BLUE, RED, GREY = "#2a6f97", "#c8553d", "#8d99a6"


def plot(found: dict[str, Any], target: pathlib.Path) -> None:
    """The ratios as bars, and what they should be."""
    rows = found["rows"][::-1]
    figure, axes = pyplot.subplots(figsize=(10, 0.34 * len(rows) + 1.7))
    places = range(len(rows))
    colors = [
        GREY if row["at_least"] is None else BLUE if row["ratio"] >= row["at_least"] else RED
        for row in rows
    ]
    highest = max(row["highest"] for row in rows)
    # From 1 on, where both are as fast as each other.
    widths = [row["ratio"] - 1 for row in rows]
    axes.barh(places, widths, left=1, color=colors, height=0.62)
    axes.hlines(places, [row["lowest"] for row in rows], [row["highest"] for row in rows], "black")
    for place, row in zip(places, rows):
        if row["at_least"] is not None:
            axes.plot([row["at_least"]] * 2, [place - 0.42, place + 0.42], color="black", lw=2)
        right = max(row["highest"], row["at_least"] or 0, 1)
        axes.text(right * 1.07, place, times(row["ratio"]), va="center", fontsize=8)
    axes.set_yticks(
        places, [f"{_plain(row['work'])}, against {_plain(row['peer'])}" for row in rows]
    )
    axes.tick_params(axis="y", labelsize=9, length=0)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xscale("log")
    axes.set_xlim(min(0.5, *(row["lowest"] for row in rows)) * 0.8, highest * 1.6)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xticks([tick for tick in (0.5, 1, 2, 5, 10, 20, 50, 100) if tick <= highest])
    axes.minorticks_off()
    axes.axvline(1, color=GREY, linewidth=0.8, zorder=0)
    axes.set_xlabel("times as fast as the peer (logarithmic)")
    kinds = [
        Patch(color=BLUE, label="as fast as is wanted"),
        Patch(color=RED, label="slower than is wanted"),
        Patch(color=GREY, label="nothing is asked for"),
        Line2D([], [], color="black", lw=2, marker="", label="wanted (upright mark)"),
        Line2D([], [], color="black", lw=1, label="lowest to highest round"),
    ]
    _finish(figure, axes, found, target, kinds, 5)


def plot_growth(found: dict[str, Any], target: pathlib.Path) -> None:
    """A record's time and the process's memory in the large file, as parts of the small one's."""
    rows = found["growth"][::-1]
    small, large = rows[0]["records"]
    figure, axes = pyplot.subplots(figsize=(10, 0.5 * len(rows) + 1.9))
    axes.axvspan(1 - ROOM, 1 + ROOM, color="#e8edf1", zorder=0)
    axes.axvline(1, color=GREY, linewidth=0.8, zorder=0)
    for place, row in enumerate(rows):
        color = BLUE if abs(row["ratio"] - 1) <= ROOM else RED
        axes.hlines(place + 0.12, row["lowest"], row["highest"], color)
        axes.plot(row["ratio"], place + 0.12, "o", color=color, markersize=7)
        memory = row["peak_kib"][1] / row["peak_kib"][0]
        axes.plot(memory, place - 0.18, "D", color=GREY, markersize=6)
    axes.set_yticks(range(len(rows)), [row["work"] for row in rows])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    left, right = axes.get_xlim()
    axes.set_xlim(min(left, 0.9), max(right, 1.1))
    axes.set_xlabel(f"in a file of {large:,} records, against one of {small:,}")
    kinds = [
        Line2D([], [], color=BLUE, marker="o", label="time of a record, all rounds"),
        Line2D([], [], color=RED, marker="o", label=f"the same, not within {ROOM:.0%}"),
        Line2D([], [], color=GREY, marker="D", ls="", label="peak memory of the process"),
        Patch(color="#e8edf1", label=f"within {ROOM:.0%}"),
    ]
    _finish(figure, axes, found, target, kinds, 4)


def _plain(text: str) -> str:
    return text.replace("`", "")


def _finish(
    figure: Any, axes: Any, found: dict[str, Any], target: pathlib.Path, kinds: Any, columns: int
) -> None:
    """What every plot has: no frame, a legend above, and below on what it was made."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.legend(handles=kinds, loc="upper center", ncols=columns, frameon=False, fontsize=8)
    caption = f"{found['machine']}; {found['date']}"
    figure.text(0.99, 0.01, caption, ha="right", fontsize=7, color=GREY)
    figure.tight_layout(rect=(0, 0.02, 1, 1 - 0.35 / figure.get_figheight()))
    figure.savefig(target)
    pyplot.close(figure)

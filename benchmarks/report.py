"""The results as Markdown, and in the README."""

from __future__ import annotations

import pathlib
from typing import Any

BEGIN = "<!-- benchmarks: begin, written by `python benchmarks/suite.py --update-readme` -->"
END = "<!-- benchmarks: end -->"


def times(ratio: float) -> str:
    """A ratio to be read: 0.48, 1.06, 2.3, 14.1."""
    return f"{ratio:.2f}" if ratio < 2 else f"{ratio:.1f}"


def heading(found: dict[str, Any]) -> str:
    """On what, when, and how."""
    return (
        f"{found['machine']}; {found['date']}; {found['records']:,} records; `{found['command']}`."
    )


def table(found: dict[str, Any]) -> list[str]:
    """A line for each row: how many times as fast, and what is wanted."""
    lines = [
        "| work | against | times as fast | lowest to highest | at least | a record |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for row in found["rows"]:
        at_least = "" if row["at_least"] is None else f"{row['at_least']:g}"
        mark = " *" if row["is_disturbed"] else ""
        lines.append(
            f"| {row['work']} | {row['peer']} | **{times(row['ratio'])}**{mark} | "
            f"{times(row['lowest'])} to {times(row['highest'])} | {at_least} | "
            f"{row['seconds'] / row['records'] * 1e6:.2f} µs |"
        )
    if any(row["is_disturbed"] for row in found["rows"]):
        lines += ["", "\\* The machine was busy with something else; the calmest rounds."]
    return lines


def growth_table(found: dict[str, Any]) -> list[str]:
    """A line for each work: time and memory in the large file and in the small one."""
    if not found["growth"]:
        return []
    small, large = found["growth"][0]["records"]
    lines = [
        f"| work | time of a record of {large:,}, of {small:,} = 1 | lowest to highest "
        "| peak memory |",
        "|---|--:|--:|--:|",
    ]
    for row in found["growth"]:
        mark = " *" if row["is_disturbed"] else ""
        low, high = (kib / 1024 for kib in row["peak_kib"])
        lines.append(
            f"| {row['work']} | **{row['ratio']:.3f}**{mark} | "
            f"{row['lowest']:.3f} to {row['highest']:.3f} | {low:.1f} and {high:.1f} MiB |"
        )
    return lines


def markdown(found: dict[str, Any]) -> str:
    """All of it."""
    lines = [heading(found), "", *table(found)]
    if found["growth"]:
        lines += ["", *growth_table(found)]
    lines += ["", "Equal on both sides, before a time was taken:", ""]
    lines += [f"- {row['work']}, {row['peer']}: {row['equal']}." for row in found["rows"]]
    starts = [row["start_seconds"] for row in found["rows"] if row["start_seconds"]]
    if starts:
        lines += [
            "",
            f"A peer that is a process had what its start takes, {min(starts) * 1e3:.1f} to "
            f"{max(starts) * 1e3:.1f} ms, taken off its times.",
        ]
    return "\n".join(lines) + "\n"


def update_readme(found: dict[str, Any], path: pathlib.Path) -> None:
    """Put the tables between the two marks."""
    text = path.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no place for the table: {BEGIN} and {END}")
    lines = [heading(found), "", *table(found)]
    if found["growth"]:
        lines += ["", *growth_table(found)]
    path.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]))

"""Whether cost grows in proportion: what a record costs in a file of 250,000 and in one of 20,000.

The small file is drawn evenly from the large one. Its first 20,000 records would not do: 7 % of
them have letters beyond ASCII, of all of them half. The two take turns (measure.py), the small one
as often as it takes. The most memory that a process has is measured in one of its own for each.
"""

from __future__ import annotations

import os
import pathlib
import resource
import subprocess
import sys
from typing import Any, Callable

from measure import compared
from rows import ask_title_and_values, exhaust

import mrrc_ct

SMALL = 20_000
#: A record of the large file may take so much more, or less.
ROOM = 0.05

#: What is done to a file; "MARC-8" in the name: to the same records in MARC-8.
WORKS: dict[str, Callable[[str], object]] = {
    "iterate": lambda path: exhaust(mrrc_ct.MARCReader(path)),
    "titles": lambda path: exhaust(record.title() for record in mrrc_ct.MARCReader(path)),
    "titles and values": lambda path: ask_title_and_values(mrrc_ct.MARCReader(path)),
    "to MARCXML": lambda path: mrrc_ct.convert(path, os.devnull, "marcxml"),
    "to JSON lines": lambda path: mrrc_ct.convert(path, os.devnull, "jsonl"),
    "MARC-8 to UTF-8": lambda path: mrrc_ct.convert(path, os.devnull, "marc", encoding="utf-8"),
    "count": mrrc_ct.count,
}


def draw(large: pathlib.Path, target: pathlib.Path, count: int) -> None:
    """Write so many records of a file, evenly from all of it, as they are."""
    total = int(mrrc_ct.count(large))
    with open(target, "wb") as file:
        for number, record in enumerate(mrrc_ct.MARCReader(large)):
            # Those at which another multiple of count / total is reached.
            if number * count % total < count:
                file.write(record.as_marc())


def peak_kib(work: str, path: pathlib.Path) -> int:
    """The most memory that a process has which does the work."""
    command = [sys.executable, __file__, work, str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return int(done.stdout)


def growth(large: pathlib.Path, folder: pathlib.Path, rounds: int) -> list[dict[str, Any]]:
    """What a record costs in each file, and the memory."""
    small = folder / "growth.mrc"
    draw(large, small, SMALL)
    files = {"": (small, large)}
    files["MARC-8"] = small.with_suffix(".marc8"), folder / "growth.large.marc8"
    for source, target in zip(*files.values()):
        mrrc_ct.convert(source, target, "marc", "marc", encoding="marc-8", unmappable="ncr")
    found = []
    for name, work in WORKS.items():
        one, other = files["MARC-8" if "MARC-8" in name else ""]
        counts = [int(mrrc_ct.count(path)) for path in (one, other)]
        times = compared(
            lambda: work(str(one)),  # noqa: B023
            lambda: work(str(other)),  # noqa: B023
            rounds,
        )
        ratios = [ratio * counts[0] / counts[1] for ratio in times.ratios]
        row = {
            "work": name,
            "records": counts,
            "ratio": times.ratio * counts[0] / counts[1],
            "lowest": min(ratios),
            "highest": max(ratios),
            "seconds": [times.ours, times.theirs],
            "peak_kib": [peak_kib(name, path) for path in (one, other)],
            "void": times.void,
            "is_disturbed": times.is_disturbed,
        }
        found.append(row)
        print(f"growth, {name}: {row['ratio']:.3f}, {row['peak_kib']} KiB", flush=True)
    return found


def own_peak_kib() -> int:
    """The most memory that this process had."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    # On Linux getrusage tells what the process that started this one had, when that was more.
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


if __name__ == "__main__":
    WORKS[sys.argv[1]](sys.argv[2])
    print(own_peak_kib())

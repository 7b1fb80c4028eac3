"""The package against its peers in one run: `benchmarks/against_peers.py FILE [ROUNDS]`."""

from __future__ import annotations

import pathlib
import statistics
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from typing import Callable

import mrrc

import mrrc_ct


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def iterate(reader: object) -> int:
    """How many records a reader gives."""
    count = 0
    for _ in reader:  # type: ignore[attr-defined]
        count += 1
    return count


def values(xml: bytes) -> list[str]:
    """What a MARCXML document holds: tags, attributes and texts."""
    return [
        f"{element.tag} {sorted(element.attrib.items())} {(element.text or '').strip()}"
        for element in ElementTree.fromstring(xml).iter()
    ]


def main() -> None:
    """Compare, then time."""
    path = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    yaz = ["yaz-marcdump", "-o", "marcxml", path]

    assert iterate(mrrc_ct.MARCReader(path)) == iterate(mrrc.MARCReader(path))
    head = b"".join(r.as_marc() for _, r in zip(range(200), mrrc_ct.MARCReader(path)))
    sample = pathlib.Path("sample.mrc")
    sample.write_bytes(head)
    mrrc_ct.convert(sample, "sample.xml")
    theirs = subprocess.run([*yaz[:-1], str(sample)], capture_output=True, check=True).stdout
    assert values(pathlib.Path("sample.xml").read_bytes()) == values(theirs)
    sample.unlink()
    pathlib.Path("sample.xml").unlink()

    rows: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        (
            "iterate, records untouched, against mrrc",
            lambda: iterate(mrrc_ct.MARCReader(path)),
            lambda: iterate(mrrc.MARCReader(path)),
        ),
        (
            "file to MARCXML in /dev/null, against yaz-marcdump",
            lambda: mrrc_ct.convert(path, "/dev/null", "marcxml"),
            lambda: subprocess.run(yaz, stdout=subprocess.DEVNULL, check=True),
        ),
    ]
    for name, ours, peers in rows:
        ratios, times = [], []
        for _ in range(rounds):
            mine, other = seconds(ours), seconds(peers)
            ratios.append(other / mine)
            times.append(mine)
        print(
            f"{name}: {statistics.median(ratios):.1f} times as fast "
            f"({min(ratios):.1f} to {max(ratios):.1f}; {statistics.median(times):.3f} s)"
        )


if __name__ == "__main__":
    main()

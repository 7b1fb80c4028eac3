"""One script twice: with pymarc, and with the import swapped for the drop-in.

    python benchmarks/swapped_import.py FILE [ROUNDS]

The script reads a file of ISO 2709 records, leaves those out that are not in English, tidies the
title and adds a note to what remains, and writes it. Both ways take turns (A B A B); what they
write is compared first. Prints the median ratio, its spread, and the times for a record.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from typing import Any

import pymarc

from mrrc_ct import pymarc as swapped


def script(pymarc: Any, path: str) -> bytes:
    """Read, filter, edit, write."""
    target = io.BytesIO()
    writer = pymarc.MARCWriter(target)
    with open(path, "rb") as file:
        for record in pymarc.MARCReader(file):
            if record is None or record["008"].data[35:38] != "eng":
                continue
            title = record["245"]
            if "h" in title:
                title.delete_subfield("h")
            title["a"] = title["a"].rstrip(" /")
            record.add_field(
                pymarc.Field("590", pymarc.Indicators(" ", " "), [pymarc.Subfield("a", "Seen.")])
            )
            writer.write(record)
    return target.getvalue()


def main() -> None:
    """Compare the results, then the times."""
    path = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    if script(pymarc, path) != script(swapped, path):
        raise SystemExit("the two wrote different files")
    with open(path, "rb") as file:
        count = file.read().count(b"\x1d")
    theirs, ours = [], []
    for _ in range(rounds):
        for module, times in ((pymarc, theirs), (swapped, ours)):
            begin = time.perf_counter()
            script(module, path)
            times.append(time.perf_counter() - begin)
    ratios = sorted(one / other for one, other in zip(theirs, ours))
    print(
        f"{statistics.median(ratios):.1f} times as fast as pymarc "
        f"({ratios[0]:.1f} to {ratios[-1]:.1f}, {rounds} rounds): "
        f"{statistics.median(theirs) / count * 1e6:.0f} µs a record, "
        f"here {statistics.median(ours) / count * 1e6:.1f} µs"
    )


if __name__ == "__main__":
    main()

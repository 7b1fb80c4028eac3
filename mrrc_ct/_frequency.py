"""How often each value occurs at some places of the records."""

from __future__ import annotations

from collections import Counter

from ._bindings import TextForm
from .paths import parse_columns
from .tables import select

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._source import Sources
    from ._work import Report
    from .paths import Columns, Filter


class Frequency:
    """What `frequency` gives: of each path the values, and how often each occurs.

        frequency("books.mrc", "650$a")["650$a"]["Poetry."]

    `counts` are the Counters by name, `report` is the Report.
    """

    def __init__(self, counts: dict[str, Counter[str]], report: Report) -> None:
        self.counts = counts
        self.report = report

    def __getitem__(self, name: str) -> Counter[str]:
        """The counts of a path. Raises KeyError."""
        return self.counts[name]

    def most_common(self, number: int | None = None) -> Iterator[tuple[str, str, int]]:
        """Name, value and count, path by path: those that occur most first, all or so many each.

        Values that occur equally often are in the order of their code points.
        """
        for name, counter in self.counts.items():
            pairs = counter.items()
            if number is not None and number < len(pairs):
                import heapq

                found = heapq.nsmallest(number, pairs, key=_rank)
            else:
                found = sorted(pairs, key=_rank)
            for value, count in found:
                yield name, value, count

    def __repr__(self) -> str:
        told = ", ".join(f"{name}: {len(values):,} values" for name, values in self.counts.items())
        return f"<Frequency {told}>"


def _rank(pair: tuple[str, int]) -> tuple[int, str]:
    return -pair[1], pair[0]


def frequency(
    source: Sources,
    paths: Columns,
    where: str | Filter | None = None,
    from_: str | None = None,
    *,
    by_record: bool = False,
    **options: Any,
) -> Frequency:
    """How often each value occurs at some places of the records of a source, or of several.

        frequency("books.mrc", "650$a, 651$a").most_common(10)

    `paths` are columns as `select` has them; all values of a path that repeats are counted, and of
    `650:count` how many records have so many fields. With `by_record` a value counts once in a
    record. It takes the memory of all values that are different. The other options are those of
    `select`, and so is what is raised.
    """
    parsed = parse_columns(paths)
    for column in parsed:
        if not column.is_of_values:
            raise ValueError(f"{column.name} is different in each record")
    columns = {
        one.name: f"{one.text}:list" if one.mode == "only" and one.type == "text" else one.text
        for one in parsed
    }
    selection = select(source, columns, where, from_, **options)
    counters = [Counter[str]() for _ in columns]
    for piece in selection._texts(TextForm.VALUES):
        cells = str(piece, "utf-8").split("\x1d")
        del cells[-1]
        for index, counter in enumerate(counters):
            _count(counter, cells[index :: len(counters)], by_record)
    assert selection.report is not None
    return Frequency(dict(zip(columns, counters)), selection.report)


def _count(counter: Counter[str], cells: list[str], by_record: bool) -> None:
    """Count the values of some records; behind each value stands 1E."""
    if not by_record:
        counter.update("".join(cells).split("\x1e"))
        counter[""] -= 1  # what is behind the last one is no value
        if not counter[""]:
            del counter[""]
        return
    for cell in cells:
        if cell:
            counter.update(set(cell[:-1].split("\x1e")))

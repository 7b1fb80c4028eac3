"""Some records of a source, chosen by chance, in one pass."""

from __future__ import annotations

import math
import random
import time
from itertools import groupby

from . import _core
from ._bindings import Encoding, Job
from ._pieces import Pieces
from ._source import MAX_EXPANSION
from .conversion import Inputs, check_threads, check_writing, convert
from .paths import plan_where
from .recovery import MAX_RECORD_BYTES, Recovery

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, Callable

    from ._source import SourceLike, Sources
    from ._target import TargetLike
    from ._work import Progress, Report, Work
    from .errors import MarcError
    from .paths import Filter


class Reservoir:
    """So many of a stream's items, each as likely as any other; for most nothing is done.

    Li's algorithm L: how many are left out until the next is taken follows from chance, too.
    """

    def __init__(self, number: int, seed: int | str | None) -> None:
        self._number = number
        self._chance = random.Random(seed)
        self._weight = 1.0
        #: The items taken, each with its place in the stream.
        self.items: list[tuple[int, bytes]] = []
        #: How many have come by, and the place of the next one that is taken.
        self.seen, self.next = 0, 0 if number else -1

    def take(self, item: bytes) -> None:
        """Take the item at `next`."""
        place = self.next
        if len(self.items) < self._number:
            self.items.append((place, item))
            if len(self.items) < self._number:
                self.next += 1
                return
        else:
            self.items[self._chance.randrange(self._number)] = (place, item)
        self._weight *= math.exp(math.log(self._any()) / self._number)
        self.next += 1 + int(math.log(self._any()) / math.log1p(-self._weight))

    def _any(self) -> float:
        """More than 0 and less than 1."""
        return self._chance.random() or self._any()


def sample(
    source: Sources,
    target: TargetLike,
    number: int,
    to: str | None = None,
    from_: str | None = None,
    *,
    seed: int | str | None = None,
    where: str | Filter | None = None,
    threads: int = 1,
    from_encoding: str | None = None,
    encoding: str | None = None,
    unmappable: str = "error",
    references: bool = False,
    invalid_xml: str = "error",
    normalize: str | None = None,
    recovery_mode: str = "lenient",
    max_record_bytes: int = MAX_RECORD_BYTES,
    max_expansion: float | None = MAX_EXPANSION,
    on_error: Callable[[MarcError], None] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Write `number` records chosen by chance, in the order of the source; or all, if it has fewer.

    Each is as likely as any other. With a `seed` the same are chosen each time. In memory are
    these records. The other options are those of `convert`, and so is what is raised.
    """
    if number < 0:
        raise ValueError(f"number should be 0 or more, not {number}")
    check_threads(threads)
    check_writing(target, to, encoding, unmappable, invalid_xml, normalize)
    recovery = Recovery(recovery_mode, None, "structural", max_record_bytes)
    plan, is_ordered = plan_where(where)
    source_encoding = _core.encoding_number(from_encoding)
    if plan and source_encoding is None:
        raise ValueError("only UTF-8 and MARC-8 can be filtered: convert first")
    core: dict[str, Any] = {
        # What only Python reads is read in the end.
        "source_encoding": Encoding.KEPT if source_encoding is None else source_encoding,
        "references": references,
        "plan": plan.handle if plan else None,
        **recovery.options(),
    }
    inputs = Inputs(source, from_, "sample", max_expansion, on_error, progress)
    inputs.check_different(target)
    reservoir = Reservoir(number, seed)
    begin = time.perf_counter()
    for work in inputs.works():
        _choose(work, reservoir, 1 if is_ordered else threads, core)
    report = inputs.report
    # ISO 2709 is chosen as it came, all other formats as JSON.
    chosen = [item for _, item in sorted(reservoir.items)]
    parts: list[SourceLike] = [
        b"".join(items) for _, items in groupby(chosen, lambda item: item[:1] == b"{")
    ]
    out = convert(
        parts or [b""],
        target,
        report.from_.split(", ")[0] if to == "same" else to,
        from_encoding=from_encoding,
        encoding=encoding,
        unmappable=unmappable,
        references=references,
        invalid_xml=invalid_xml,
        normalize=normalize,
        recovery_mode=recovery_mode,
        max_record_bytes=max_record_bytes,
        on_error=on_error,
    )
    report.target, report.to = out.target, out.to
    report.records_lost += out.records_lost
    report.records_written, report.bytes_written = out.records_written, out.bytes_written
    report.characters_replaced = out.characters_replaced
    report.seconds = time.perf_counter() - begin
    return report


def _choose(work: Work, reservoir: Reservoir, threads: int, core: dict[str, Any]) -> None:
    """Go through one source."""
    from_, window, report = work.report.from_, work.window, work.report
    kept, end = ("marc", b"\x1d") if from_ == "marc" else ("jsonl", b"\n")
    pieces: Generator[memoryview, None, None]
    if threads > 1 and from_ == "marc":
        pieces = work.by_threads(Pieces(window, Job.CONVERT, workers=threads, target=kept, **core))
    else:
        pieces = work.by_core(_core.Converter(from_, kept, position=window.offset, **core))
    written = 0
    for piece in pieces:
        first = reservoir.seen
        reservoir.seen += report.records_written - written
        written = report.records_written
        if reservoir.next >= reservoir.seen or not len(piece):
            continue
        items = bytes(piece).split(end)
        while first <= reservoir.next < reservoir.seen:
            reservoir.take(items[reservoir.next - first] + end)

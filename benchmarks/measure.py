"""How the times of two sides are taken, so that their ratio can be trusted on a busy machine.

A round is A B A: this package's work, the peer's, this package's again, so that what changes slowly
meets both. The short side is repeated until it takes SIDE_SECONDS. Both run on one processor, where
the system allows that, with the garbage of the run before collected and what is alive out of the
collector's sight.

Times are processor time, of this process and of those that it starts. None of the works waits for
anything, so on an idle machine that is what a clock shows; but whatever else wants the processor
does not enter into it. The ratio by the clock is kept for comparison.

A round is judged before it is believed, by what its times do not enter into: how fast a loop of
fixed length is before, between and behind its parts. (Where two processors are threads of one core,
work on the other one makes it 1.7 times as slow.) A disturbed round is done again, up to
ATTEMPTS times as many rounds as are wanted; where there were still not enough, the calmest are
taken, and the result says so.
"""

from __future__ import annotations

import gc
import math
import os
import resource
import statistics
import time
from typing import Callable, NamedTuple

#: Something that is timed.
Work = Callable[[], object]

SIDE_SECONDS = 0.2
#: The loop slower by more than this than ever in the run: disturbed.
DISTURBED = 0.1
ATTEMPTS = 2
#: A round that is shorter than this is done twice as often.
ROUND_SECONDS = 1.0


class Round(NamedTuple):
    """Seconds for each side's work, once, and how much the machine was disturbed meanwhile."""

    ours: float
    theirs: float
    #: Theirs in ours by the clock.
    clock_ratio: float
    disturbance: float


class Times(NamedTuple):
    """What is known of a pair of works behind all rounds."""

    rounds: list[Round]
    #: Rounds that were not taken.
    void: int
    #: Seconds that were taken off each of theirs, for the start of a process.
    start: float

    @property
    def ratios(self) -> list[float]:
        """How many times as fast ours was, in each round."""
        return [one.theirs / one.ours for one in self.rounds]

    @property
    def ratio(self) -> float:
        """The median of these."""
        return statistics.median(self.ratios)

    @property
    def ours(self) -> float:
        """The median of our times."""
        return statistics.median(one.ours for one in self.rounds)

    @property
    def theirs(self) -> float:
        """The median of theirs."""
        return statistics.median(one.theirs for one in self.rounds)

    @property
    def is_disturbed(self) -> bool:
        """Whether too few rounds were calm."""
        return any(one.disturbance > DISTURBED for one in self.rounds)


class Span(NamedTuple):
    """A time, of the processor and by the clock."""

    processor: float
    clock: float

    @classmethod
    def now(cls) -> Span:
        """Since some time in the past."""
        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        usages = [resource.getrusage(kind) for kind in kinds]
        processor = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        return cls(processor, time.perf_counter())


def pin() -> None:
    """Stay on one processor, with all threads and processes that are started from now on."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def timed(work: Work, repeats: int = 1) -> Span:
    """How long it takes to do the work so many times."""
    gc.collect()
    gc.freeze()
    begin = Span.now()
    for _ in range(repeats):
        work()
    end = Span.now()
    return Span(end.processor - begin.processor, end.clock - begin.clock)


def compared(ours: Work, theirs: Work, rounds: int, start: Work | None = None) -> Times:
    """Do both works in turn. The time of `start`, a process with nothing to do, is taken off."""
    nothing = statistics.median(timed(start).processor for _ in range(9)) if start else 0.0
    for work in (ours, theirs):
        work()  # What is loaded or cached once is not the work.
    once, other = timed(ours).processor, timed(theirs).processor
    half = max(1, math.ceil(SIDE_SECONDS / once / 2))
    repeats = max(1, math.ceil(SIDE_SECONDS / other))
    if 2 * half * once + repeats * other < ROUND_SECONDS:
        rounds *= 2

    def one_round() -> Round:
        slowness, spans = [_slowness()], []
        for work, times in ((ours, half), (theirs, repeats), (ours, half)):
            spans.append(timed(work, times))
            slowness.append(_slowness())
        first, peers, second = spans
        mine = (first.processor + second.processor) / half / 2
        clock = (peers.clock / repeats) / ((first.clock + second.clock) / half / 2)
        peers_once = peers.processor / repeats - nothing
        return Round(mine, peers_once, clock, max(slowness))

    done: list[Round] = []
    while len(done) < rounds * ATTEMPTS:
        done.append(one_round())
        if sum(one.disturbance <= DISTURBED for one in done) == rounds:
            break
    calmest = sorted(done, key=lambda one: one.disturbance)[:rounds]
    return Times(calmest, len(done) - len(calmest), nothing)


_fastest_loop = math.inf


def _slowness() -> float:
    """How much slower than ever in this run a loop of fixed length is now."""
    global _fastest_loop
    now = min(_loop() for _ in range(3))
    _fastest_loop = min(_fastest_loop, now)
    return now / _fastest_loop - 1


def _loop() -> float:
    begin = time.process_time()
    for _ in range(100_000):
        pass
    return time.process_time() - begin

"""What a row of the suite is, and what the rows have in common."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from typing import Any, Callable, NamedTuple

from measure import Work


class Corpus(NamedTuple):
    """The files that are worked on, all made of the same records."""

    marc: str
    marc8: str
    xml: str
    jsonl: str
    #: The records as one JSON array, which is what pymarc reads.
    json: str
    empty: str
    records: int


class Row(NamedTuple):
    """One comparison."""

    name: str
    peer: str
    #: How many times as fast it is to be; None where nothing is asked for.
    at_least: float | None
    ours: Work
    theirs: Work
    #: Compares the two results: see compare.py.
    check: Callable[[], str]
    #: Records that each side works on.
    records: int
    #: What is taken off the peer's time: a process of its own that has nothing to do.
    start: Work | None = None


def exhaust(items: Iterable[Any]) -> None:
    """Take all of them, and keep none."""
    for _ in items:
        pass


def ask_title_and_values(records: Iterable[Any]) -> None:
    """Of each record the title, and what every field says."""
    for record in records:
        record.title()
        for field in record.fields:
            field.value()


def silent(*command: str) -> Work:
    """A command whose output, and what it says of it, goes to /dev/null."""
    nowhere = subprocess.DEVNULL
    return lambda: subprocess.run(command, stdout=nowhere, stderr=nowhere, check=True)


def output_of(*command: str) -> bytes:
    """What a command writes to standard output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return done.stdout

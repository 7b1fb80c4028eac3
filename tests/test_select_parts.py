"""Columns of a part of a source: of a file, of bytes, and of file objects."""

from __future__ import annotations

import io
import pathlib
from typing import Any, Callable

import pytest

from mrrc_ct import select, split_offsets
from mrrc_ct.errors import SourceError

SOURCES: dict[str, Callable[[pathlib.Path], Any]] = {
    "path": lambda path: path,
    "bytes": lambda path: path.read_bytes(),
    "file object": lambda path: io.BytesIO(path.read_bytes()),
    "buffered": lambda path: io.BufferedReader(io.FileIO(path), 4096),
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("threads", [1, 2])
def test_parts_are_the_whole_whatever_the_source_is(
    books: pathlib.Path, kind: str, threads: int
) -> None:
    columns = "id=001, at=offset, subjects=650$a"
    parts = split_offsets(books, 7)
    found = []
    for start, stop in parts:
        rows = list(select(SOURCES[kind](books), columns, threads=threads, start=start, stop=stop))
        assert start == rows[0]["at"] < rows[-1]["at"] < stop
        found += rows
    assert found == list(select(books, columns))


@pytest.mark.parametrize("kind", SOURCES)
def test_a_part_ends_where_records_do(books: pathlib.Path, kind: str) -> None:
    columns = "id=001, at=offset"
    whole = list(select(books, columns))
    for start, stop in [(0, 1), (1, 50_000), (50_000, 10**9), (140_000, 140_001)]:
        rows = list(select(SOURCES[kind](books), columns, start=start, stop=stop))
        assert rows == [row for row in whole if start <= row["at"] < stop]


def test_what_cannot_be_sought_in_has_no_parts() -> None:
    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(SourceError):
        list(select(Stream(b"00000"), "001", from_="marc", start=10))

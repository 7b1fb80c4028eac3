"""Writing ISO 2709 to paths and file objects."""

from __future__ import annotations

import bz2
import gc
import gzip
import io
import lzma
import os
import pathlib

import pytest
from marc import iso2709, split

import mrrc_ct
from mrrc_ct import Field, MARCReader, MARCWriter, Record, Subfield, errors


def test_records_are_written_as_they_were_read(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out.mrc"
    with MARCWriter(path) as writer:
        for n, record in enumerate(MARCReader(books)):
            (writer.write if n % 2 else writer.write_record)(record)
    assert path.read_bytes() == books.read_bytes()


def test_a_file_object_stays_open_and_has_each_record_at_once(books: pathlib.Path) -> None:
    out = io.BytesIO()
    with MARCWriter(out) as writer:
        for n, record in enumerate(MARCReader(books), 1):
            writer.write(record)
            assert len(split(out.getvalue())) == n
    assert not out.closed


def test_a_record_written_to_a_pipe_is_delivered_before_the_pipe_closes() -> None:
    end, begin = os.pipe()
    with os.fdopen(end, "rb", buffering=0) as source, os.fdopen(begin, "wb", buffering=0) as target:
        writer = MARCWriter(target)
        for n in (1, 2):
            writer.write(Record(fields=[Field("001", data=f"{n}")]))
            assert source.read(1000) == iso2709(("001", f"{n}"))


class ShortWrites(io.RawIOBase):
    """Takes three bytes at a time, as raw files may."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        self.data += bytes(data[:3])
        return min(3, len(data))


def test_short_writes_are_normal(books: pathlib.Path) -> None:
    out = ShortWrites()
    record = next(MARCReader(books))
    MARCWriter(out).write(record)
    assert out.data == record.as_marc()


@pytest.mark.parametrize(
    ("extension", "unpack"),
    [(".gz", gzip.decompress), (".bz2", bz2.decompress), (".xz", lzma.decompress)],
)
def test_packed_targets_are_packed(
    tmp_path: pathlib.Path, extension: str, unpack: object, books: pathlib.Path
) -> None:
    path = tmp_path / f"out.mrc{extension}"
    with MARCWriter(path) as writer:
        for record in MARCReader(books):
            writer.write(record)
    assert unpack(path.read_bytes()) == books.read_bytes()  # type: ignore[operator]
    mrrc_ct.convert(books, path, "marc")
    assert unpack(path.read_bytes()) == books.read_bytes()  # type: ignore[operator]


def test_encoding_says_what_to_write(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out.mrc"
    record = Record(fields=[Field("245", ("1", "0"), [Subfield("a", "Dvořák 😀")])])
    with MARCWriter(path, encoding="marc-8", unmappable="ncr") as writer:
        writer.write(record)
    assert b"Dvo\xe9r\xe2ak &#x1F600;" in path.read_bytes()
    assert path.read_bytes()[9:10] == b" "


def test_nothing_of_a_record_that_cannot_be_written_stays(tmp_path: pathlib.Path) -> None:
    good = Record(fields=[Field("001", data="1")])
    large = Record(fields=[Field("001", data="2"), Field("500", None, [Subfield("a", "x" * 9999)])])
    path = tmp_path / "out.mrc"
    with MARCWriter(path) as writer:
        writer.write(good)
        with pytest.raises(errors.FieldTooLong, match="500"):
            writer.write(large)
        writer.write(good)
    assert path.read_bytes() == good.as_marc() * 2


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(errors.WriteNeedsRecord):
        MARCWriter(io.BytesIO()).write(b"00026")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        MARCWriter(42)  # type: ignore[arg-type]


def test_a_closed_writer_refuses(tmp_path: pathlib.Path) -> None:
    writer = MARCWriter(tmp_path / "out.mrc")
    writer.close()
    writer.close()
    with pytest.raises(errors.WriterClosed):
        writer.write(Record())


def test_a_writer_that_is_not_closed_completes_its_file_and_warns(tmp_path: pathlib.Path) -> None:
    writer = MARCWriter(tmp_path / "out.mrc")
    writer.write(Record(fields=[Field("001", data="1")]))
    with pytest.warns(ResourceWarning, match=r"out\.mrc"):
        del writer
    gc.collect()
    assert (tmp_path / "out.mrc").read_bytes() == iso2709(("001", "1"))


def test_a_target_that_takes_nothing_is_an_error(books: pathlib.Path) -> None:
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int | None:  # type: ignore[override]
            return None

    with pytest.raises(errors.SourceError, match="takes nothing"):
        mrrc_ct.convert(books, Full(), "json")


def test_what_a_target_keeps_stays_what_it_was(books: pathlib.Path) -> None:
    class Keeper:
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def write(self, data: bytes) -> None:
            self.parts.append(data)

    keeper = Keeper()
    mrrc_ct.convert(books.read_bytes() * 20, keeper, "jsonl", "marc")  # type: ignore[arg-type]
    out = io.BytesIO()
    mrrc_ct.convert(books.read_bytes() * 20, out, "jsonl", "marc")
    assert b"".join(keeper.parts) == out.getvalue()


def test_a_target_that_cannot_be_opened_is_an_error(tmp_path: pathlib.Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "out.mrc"):
        with pytest.raises(errors.SourceError, match=str(path)):
            MARCWriter(path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_an_error() -> None:
    with pytest.raises(errors.SourceError, match="/dev/full"), MARCWriter("/dev/full") as writer:
        writer.write(Record())

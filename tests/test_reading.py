"""Reading ISO 2709 from every kind of source."""

from __future__ import annotations

import bz2
import gc
import gzip
import io
import lzma
import os
import pathlib
import socket
import sys
import threading
import warnings

import pytest
from marc import LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import MARCReader, Record, errors


def numbers(reader: MARCReader) -> list[str]:
    return [record["001"].value() for record in reader]


def some(count: int = 3) -> bytes:
    """Records whose 001 is 1, 2, and so on."""
    return b"".join(iso2709(("001", f"{n}"), ("245", f"10$aT{n}")) for n in range(1, count + 1))


# ---- sources


def test_a_path_bytes_and_a_file_object_give_the_same(books: pathlib.Path) -> None:
    data = books.read_bytes()
    expected = split(data)
    assert len(expected) == 150
    sources = [str(books), books, data, bytearray(data), memoryview(data), io.BytesIO(data)]
    for source in sources:
        assert [record.as_marc() for record in MARCReader(source)] == expected
    with books.open("rb") as file:
        assert [record.as_marc() for record in MARCReader(file)] == expected
    with books.open("rb", buffering=0) as file:
        assert [record.as_marc() for record in MARCReader(file)] == expected


def test_read_record_gives_none_at_the_end_and_again() -> None:
    reader = MARCReader(some(2))
    count = 0
    while record := reader.read_record():
        assert record
        count += 1
    assert count == 2
    assert reader.read_record() is None
    assert list(reader) == []


def test_iterating_goes_on_where_it_was_left() -> None:
    reader = MARCReader(some(5))
    for _ in reader:
        break
    assert reader.read_record()["001"].data == "2"  # type: ignore[index]
    assert numbers(reader) == ["3", "4", "5"]


class Dribble(io.RawIOBase):
    """Gives a few bytes at a time, as sockets and pipes may."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data, self.step, self.at = data, step, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = min(self.step, len(buffer), len(self.data) - self.at)
        buffer[:count] = self.data[self.at : self.at + count]
        self.at += count
        return count


class OnlyRead:
    """The least that a file object can be."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)

    def read(self, count: int) -> bytes:
        return self.file.read(count)


@pytest.mark.parametrize("step", [1, 7, 100])
def test_short_reads_are_normal(step: int) -> None:
    assert numbers(MARCReader(Dribble(some(), step))) == ["1", "2", "3"]


def test_the_middle_of_a_damaged_record_is_not_taken_for_its_start() -> None:
    # What the second read brings looks like a frame, and is none: no leader follows it.
    middle = b"00026" + b"z" * 20 + b"\x1d"
    data = b"0x" + b"y" * 48 + middle + b"j" * 60 + b"\x1d" + some(1)
    for source in (data, Dribble(data, 50)):
        found = list(MARCReader(source).iter_with_errors())
        assert [error is None for _, error in found] == [False, True]
    count = mrrc_ct.count(Dribble(data, 50), "marc")
    assert (count, len(count.report.errors)) == (1, 1)


def test_an_object_with_read_alone_will_do() -> None:
    assert numbers(MARCReader(OnlyRead(some()))) == ["1", "2", "3"]  # type: ignore[arg-type]


def test_a_record_is_delivered_before_the_pipe_closes() -> None:
    end, begin = os.pipe()
    with os.fdopen(end, "rb") as source, os.fdopen(begin, "wb", buffering=0) as target:
        reader = MARCReader(source)
        for n in (1, 2, 3):
            target.write(iso2709(("001", f"{n}")))
            # Nothing more is in the pipe, and it stays open.
            assert reader.read_record()["001"].data == f"{n}"  # type: ignore[index]
        target.close()
        assert reader.read_record() is None


def test_a_named_pipe_can_be_read_by_its_path(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(some(),))
    thread.start()
    assert numbers(MARCReader(path)) == ["1", "2", "3"]
    thread.join()


def test_a_socket_can_be_read() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(some())
        theirs.shutdown(socket.SHUT_WR)
        assert numbers(MARCReader(ours.makefile("rb"))) == ["1", "2", "3"]


def test_a_file_open_as_text_is_refused(books: pathlib.Path) -> None:
    with books.open(encoding="utf-8") as file, pytest.raises(TypeError, match="binary"):
        list(MARCReader(file))  # type: ignore[arg-type]


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(TypeError, match="path, bytes or a binary file object"):
        MARCReader(42)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("extension", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_packed_files_are_unpacked_all_members(
    tmp_path: pathlib.Path, extension: str, pack: object
) -> None:
    path = tmp_path / f"a.mrc{extension}"
    path.write_bytes(pack(some(2)) + pack(iso2709(("001", "last"))))  # type: ignore[operator]
    assert numbers(MARCReader(path)) == ["1", "2", "last"]
    reader = MARCReader(path)
    with pytest.raises(errors.SeekNotSupported, match="compressed"):
        reader.seek(0)


@pytest.mark.parametrize(
    ("extension", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_a_packed_file_that_is_cut_short_is_an_error_with_its_offset(
    tmp_path: pathlib.Path, extension: str, pack: object, books: pathlib.Path
) -> None:
    path = tmp_path / f"a.mrc{extension}"
    packed: bytes = pack(books.read_bytes())  # type: ignore[operator]
    path.write_bytes(packed[:-20])
    with pytest.raises(errors.CompressedDataInvalid) as caught:
        list(MARCReader(path))
    assert caught.value.source == str(path)
    assert caught.value.byte_offset is not None
    assert 0 <= caught.value.byte_offset <= books.stat().st_size


def test_damaged_packed_data_is_an_error(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.mrc.gz"
    path.write_bytes(b"\x1f\x8b\x08\0garbage")
    with pytest.raises(errors.CompressedDataInvalid):
        list(MARCReader(path))


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are not told here")
def test_the_file_goes_with_the_reader(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "read.mrc"
    path.write_bytes(books.read_bytes())

    def is_open() -> bool:
        files = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
        return str(path) in map(os.path.realpath, files)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reader = MARCReader(path)
        reader.read_record()
        assert is_open()
        del reader
        if sys.implementation.name == "pypy":
            gc.collect()  # nothing is gone at once there
    assert not is_open()


def test_close_and_the_context_manager(books: pathlib.Path) -> None:
    with MARCReader(books) as reader:
        assert reader.read_record() is not None
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.read_record()
    with books.open("rb") as file:
        MARCReader(file).close()
        assert file.closed


def test_seek_and_tell_are_at_records() -> None:
    data = some(3)
    lengths = [len(record) for record in split(data)]
    reader = MARCReader(io.BytesIO(data))
    assert reader.tell() == 0
    reader.read_record()
    assert reader.tell() == lengths[0]
    reader.read_record()
    second_end = reader.tell()
    assert second_end == lengths[0] + lengths[1]
    reader.read_record()
    reader.seek(lengths[0])
    assert reader.read_record()["001"].data == "2"  # type: ignore[index]
    assert reader.tell() == second_end
    reader.seek(len(data))
    assert reader.read_record() is None


def test_tell_behind_an_error_is_where_the_next_record_begins() -> None:
    # Far more of no record than one look at the source shows.
    data = some(1) + b"\0" * 5_000_000 + b"\x1d" + iso2709(("001", "2"))
    reader = MARCReader(io.BytesIO(data))
    reader.read_record()
    with pytest.raises(errors.RecordLengthInvalid):
        reader.read_record()
    assert reader.tell() == len(data) - len(iso2709(("001", "2")))
    assert numbers(reader) == ["2"]


def test_seeking_before_the_start_is_refused(books: pathlib.Path) -> None:
    for source in (some(2), books):
        with pytest.raises(ValueError, match="negative"):
            MARCReader(source).seek(-1)


def test_offsets_in_a_file_object_count_from_the_start_of_the_file() -> None:
    file = io.BytesIO(b"head" + some(2))
    file.seek(4)
    reader = MARCReader(file)
    assert reader.tell() == 4
    assert numbers(reader) == ["1", "2"]
    reader.seek(4 + len(some(1)))
    assert numbers(reader) == ["2"]


def test_line_ends_and_a_byte_order_mark_between_records_are_no_records() -> None:
    one, two = some(2)[: len(some(1))], some(2)[len(some(1)) :]
    assert numbers(MARCReader(b"\xef\xbb\xbf" + one + b"\r\n" + two + b"\n\x1a")) == ["1", "2"]


def test_a_kept_record_keeps_only_itself(books: pathlib.Path) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    data = books.read_bytes() * 40
    tracemalloc.start()
    kept = [record for n, record in enumerate(MARCReader(data)) if n % 300 == 0]
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(kept) == 20
    # Twenty records of about 1 KB, not twenty batches of them.
    assert held < 200_000


# ---- encodings


def test_from_encoding_overrides_the_leader() -> None:
    data = iso2709(("245", "10$aé"), leader=LEADER_MARC8)
    with pytest.raises(errors.Marc8Invalid):
        next(MARCReader(iso2709(("245", b"10\x1fa\xff"), leader=LEADER_MARC8))).title()
    record = next(MARCReader(data, from_encoding="utf-8"))
    assert record.title() == "é"
    # Leader/09 is set to match what is written.
    assert record.leader[9] == "a"
    assert record.as_marc() == iso2709(("245", "10$aé"))

    marc8 = iso2709(("245", b"10\x1fa\xe2e"))
    record = next(MARCReader(marc8, from_encoding="MARC-8"))
    assert record.title() == "é"
    assert record.as_marc()[9:10] == b" "
    assert record.as_marc("utf-8") == iso2709(("245", "10$aé"))


def test_from_encoding_can_be_any_codec_of_pythons() -> None:
    text = "Мир и война"
    data = iso2709(("001", "1"), ("200", b"1 \x1fa" + text.encode("cp1251")), leader=LEADER_MARC8)
    record = next(MARCReader(data, from_encoding="cp1251"))
    assert record["200"]["a"] == text
    # The encoding is kept, unless another is asked for.
    assert record.as_marc() == data
    record["200"]["a"] = "Мир"
    assert record.as_marc().endswith("Мир".encode("cp1251") + b"\x1e\x1d")
    assert Record(record.as_marc("utf-8"))["200"]["a"] == "Мир"
    assert Record(record.as_marc("marc-8"))["200"]["a"] == "Мир"
    record["200"]["a"] = "日本"
    with pytest.raises(errors.UnmappableCharacter, match="cp1251"):
        record.as_marc()


def test_an_unknown_or_unfit_encoding_is_refused() -> None:
    with pytest.raises(LookupError):
        MARCReader(b"", from_encoding="utf-9")
    with pytest.raises(ValueError, match="ASCII"):
        MARCReader(b"", from_encoding="utf-16")


def test_bytes_that_are_not_utf8_are_an_error_that_says_where() -> None:
    data = some(1) + iso2709(("001", "2"), ("245", b"10\x1faab\xe9cd"))
    _, record = MARCReader(data)
    with pytest.raises(errors.Utf8Invalid) as caught:
        record.title()
    error = caught.value
    assert (error.record_number, error.byte_offset, error.tag) == (2, len(some(1)), "245")
    assert error.found == b"\xe9cd\x1e"[: len(error.found or b"")]
    assert data[len(some(1)) + (error.offset_in_record or 0)] == 0xE9


# ---- no file, no MARC


def test_no_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "none.mrc"
    with pytest.raises(FileNotFoundError) as caught:
        MARCReader(path)
    assert isinstance(caught.value, mrrc_ct.MarcError)
    assert str(path) in str(caught.value)


def test_a_directory(tmp_path: pathlib.Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        MARCReader(tmp_path)
    assert isinstance(caught.value, mrrc_ct.MarcError)
    assert str(tmp_path) in str(caught.value)


def test_an_empty_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "empty.mrc"
    path.write_bytes(b"")
    with pytest.raises(errors.EmptySource) as caught:
        list(MARCReader(path))
    assert str(path) in str(caught.value)
    assert caught.value.byte_offset == 0
    # A stream that ends at once holds no records, and that is no error.
    assert list(MARCReader(b"")) == []
    assert list(MARCReader(io.BytesIO())) == []


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 100,
        b"<?xml version='1.0'?><collection><record/></collection>" * 100,
        b"hello",
    ],
)
def test_a_file_that_is_not_marc_is_one_error(tmp_path: pathlib.Path, data: bytes) -> None:
    path = tmp_path / "not.mrc"
    path.write_bytes(data)
    reader = MARCReader(path)
    with pytest.raises(errors.RecordLengthInvalid) as caught:
        reader.read_record()
    error = caught.value
    assert (error.source, error.byte_offset) == (str(path), 0)
    assert error.found and data.startswith(error.found)
    assert str(path) in str(error) and repr(error.found) in str(error)
    assert reader.read_record() is None


# ---- damage


def damaged(change: object) -> bytes:
    """Five records, the third of them changed."""
    records = split(some(5))
    records[2] = change(records[2])  # type: ignore[operator]
    return b"".join(records)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda r: b"0x" + r[2:], errors.RecordLengthInvalid),
        (lambda r: b"00010" + r[5:], errors.RecordLengthInvalid),
        (lambda r: b"00050" + r[5:], errors.EndOfRecordNotFound),
        (lambda r: b"99999" + r[5:], errors.TruncatedRecord),
        (lambda r: b"%05d" % (2 * len(r)) + r[5:], errors.EndOfRecordNotFound),
        (lambda r: r[:8] + b"\0" + r[9:], errors.RecordLeaderInvalid),
        (lambda r: r[:12] + b"x" + r[13:], errors.BaseAddressNotFound),
        (lambda r: r[:12] + b"00000" + r[17:], errors.BaseAddressInvalid),
        (lambda r: r[:12] + b"99999" + r[17:], errors.BaseAddressInvalid),
        (lambda r: r[:12] + b"%05d" % (int(r[12:17]) - 1) + r[17:], errors.RecordDirectoryInvalid),
        (lambda r: r[:24] + b"\xff" + r[25:], errors.TagInvalid),
        (lambda r: r[:28] + b"x" + r[29:], errors.RecordDirectoryInvalid),
        (lambda r: r[:27] + b"0000" + r[31:], errors.FieldInvalid),
        (lambda r: r[:27] + b"9999" + r[31:], errors.FieldInvalid),
        (lambda r: r[:27] + b"0003" + r[31:], errors.FieldInvalid),
        (lambda r: r[:31] + b"99999" + r[36:], errors.FieldInvalid),
        (lambda r: r[:27] + r[39:48] + r[36:], errors.RecordDirectoryInvalid),
        (lambda r: r[:-4] + b"\x1d" + r[-3:], errors.EndOfRecordNotFound),
    ],
)
def test_a_damaged_record_is_an_error_and_the_next_read_goes_on(
    change: object, kind: type[Exception]
) -> None:
    data = damaged(change)
    for source in (data, Dribble(data, 50)):
        reader = MARCReader(source)
        assert reader.read_record()["001"].data == "1"  # type: ignore[index]
        assert reader.read_record()["001"].data == "2"  # type: ignore[index]
        with pytest.raises(kind) as caught:
            reader.read_record()
        error = caught.value
        assert isinstance(error, mrrc_ct.MarcError)
        assert error.record_number == 3
        assert error.byte_offset == 2 * len(some(1))
        assert numbers(reader) == ["4", "5"]


def test_fields_that_overlap_are_refused() -> None:
    # Two thousand entries that all point at one field would unfold into two thousand fields.
    field = b"10\x1fa" + b"x" * 9000 + b"\x1e"
    directory = b"245%04d00000" % len(field) * 2000 + b"\x1e"
    base = 24 + len(directory)
    length = base + len(field) + 1
    data = b"%05dnam a22%05d   4500" % (length, base) + directory + field + b"\x1d"
    with pytest.raises(errors.RecordDirectoryInvalid, match="overlap"):
        next(MARCReader(data))


def test_fields_in_another_order_than_the_directory_are_read_and_put_in_order() -> None:
    body = b"10\x1faOdes\x1e" + b"1\x1e"
    head = b"%05dnam a2200049   4500" % (49 + len(body) + 1)
    data = head + b"001000200009" + b"245000900000" + b"\x1e" + body + b"\x1d"
    record = Record(data)
    assert [(field.tag, field.value()) for field in record.fields] == [
        ("001", "1"),
        ("245", "Odes"),
    ]
    assert Record(data).as_marc() == iso2709(("001", "1"), ("245", "10$aOdes"))


def test_a_truncated_end_is_an_error() -> None:
    data = some(3)
    for cut in (1, 5, 20, 40, len(some(1)) - 1):
        reader = MARCReader(data[:-cut])
        assert reader.read_record() and reader.read_record()
        with pytest.raises(errors.TruncatedRecord) as caught:
            reader.read_record()
        assert caught.value.byte_offset == 2 * len(some(1))
        assert reader.read_record() is None


def test_an_error_can_be_caught_through_an_iterator() -> None:
    iterator = iter(MARCReader(damaged(lambda record: b"x" + record[1:])))
    seen = []
    while True:
        try:
            seen.append(next(iterator)["001"].data)
        except mrrc_ct.MarcError:
            seen.append(None)
        except StopIteration:
            break
    assert seen == ["1", "2", None, "4", "5"]


# ---- the whole file


def test_what_is_read_is_written_back_byte_for_byte(books_20k: pathlib.Path) -> None:
    data = books_20k.read_bytes()
    assert b"".join(record.as_marc() for record in MARCReader(books_20k)) == data
    # Also when every field has been taken apart.
    rebuilt = []
    for record in MARCReader(books_20k):
        for field in record.fields:
            assert field.control_field or field.subfields is not None
        rebuilt.append(record.as_marc())
    assert b"".join(rebuilt) == data


def test_marc8_is_written_back_byte_for_byte(books_20k_marc8: pathlib.Path) -> None:
    data = books_20k_marc8.read_bytes()
    assert b"".join(record.as_marc() for record in MARCReader(books_20k_marc8)) == data
    rebuilt = []
    for record in MARCReader(books_20k_marc8):
        record.title()
        rebuilt.append(record.as_marc())
    assert b"".join(rebuilt) == data


def test_awkward_records_are_written_back_byte_for_byte(awkward: pathlib.Path) -> None:
    data = awkward.read_bytes()
    records = list(MARCReader(awkward))
    assert b"".join(record.as_marc() for record in records) == data
    for record in records:
        for field in record.fields:
            assert field.control_field or field.subfields is not None
    assert b"".join(record.as_marc() for record in records) == data


def test_bytes_between_two_records_cost_neither() -> None:
    records = [iso2709(("001", str(number))) for number in range(3)]
    reader = MARCReader(records[0] + b"junk" + records[1] + records[2])
    got = list(reader.iter_with_errors())
    assert [record and record["001"].data for record, _ in got] == ["0", None, "1", "2"]
    error = got[1][1]
    assert error is not None
    assert (error.byte_offset, error.record_number) == (len(records[0]), 2)


@pytest.mark.parametrize("end", [b"", b"\x1e", b"x"])
def test_a_record_without_its_terminator_costs_itself_alone(end: bytes) -> None:
    records = [iso2709(("001", str(number)), ("245", "10$aOdes")) for number in range(3)]
    reader = MARCReader(records[0][:-1] + end + records[1] + records[2])
    got = list(reader.iter_with_errors())
    assert [record and record["001"].data for record, _ in got] == [None, "1", "2"]


def test_an_error_says_all_that_is_known() -> None:
    good = iso2709(("001", " 42 "), ("245", "10$aOdes"))
    bad = good.replace(b"Odes\x1e", b"Odes.")
    with pytest.raises(errors.FieldInvalid) as caught:
        list(MARCReader(good + bad))
    error = caught.value
    assert error.code == "field-invalid"
    assert (error.source, error.record_number, error.control_number) == ("<bytes>", 2, "42")
    assert (error.byte_offset, error.tag, error.found) == (len(good), "245", b".")
    assert error.offset_in_record == bad.index(b"Odes.") + 4
    assert error.around[error.around_at :].startswith(b".\x1d")
    assert error.around[: error.around_at].endswith(b"10\x1faOdes")
    text = error.detailed()
    for part in ("field-invalid", "<bytes>", "control number: 42", "tag: 245", "10.aOdes"):
        assert part in text
    assert "001 42" in str(error)

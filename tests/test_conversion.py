"""`convert` and `count`: files, formats, encodings, reports. The formats are in test_formats."""

from __future__ import annotations

import gzip
import io
import os
import pathlib
import random
import subprocess
import sys
import threading
import time

import pytest
from marc import LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import errors


def test_formats_are_told_by_the_names_of_the_files(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    last = books
    for name in (
        "a.xml",
        "b.json",
        "c.jsonl",
        "d.marcjson",
        "e.mrk",
        "e.seq",
        "f.xml.gz",
        "g.mrc.xz",
        "h.mrc",
    ):
        report = mrrc_ct.convert(last, tmp_path / name)
        assert report.ok
        last = tmp_path / name
    assert last.read_bytes() == books.read_bytes()
    packed = (tmp_path / "f.xml.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "a.xml").read_bytes()


def test_the_sources_first_bytes_tell_its_format(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    for to in ("marc", "marcxml", "json", "jsonl", "marcjson", "mrk", "seq"):
        there = tmp_path / "nameless"
        mrrc_ct.convert(books, there, to)
        out = io.BytesIO()
        report = mrrc_ct.convert(there, out, "marc")
        assert out.getvalue() == books.read_bytes()
        assert report.from_ == ("json" if "json" in to else to)
        assert mrrc_ct.count(there.read_bytes()) == 150


def test_a_name_is_believed_over_the_bytes(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.mrc"
    mrrc_ct.convert(books, path, "marcxml")
    report = mrrc_ct.convert(path, io.BytesIO(), "json")
    assert [type(error) for error in report.errors] == [errors.RecordLengthInvalid]
    assert str(path) in str(report.errors[0])
    assert "<?xml" in str(report.errors[0])


def test_unknown_formats_are_clear_errors(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.FormatUnknown, match="marc-xml"):
        mrrc_ct.convert(books, tmp_path / "out", "marc-xml")
    with pytest.raises(errors.FormatUnknown, match="out"):
        mrrc_ct.convert(books, tmp_path / "out")
    with pytest.raises(errors.FormatUnknown, match="hello"):
        mrrc_ct.convert(b"hello world", tmp_path / "out", "json")
    assert not (tmp_path / "out").exists()


def test_a_missing_source_leaves_the_target_alone(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "out.xml"
    target.write_text("kept")
    with pytest.raises(FileNotFoundError):
        mrrc_ct.convert(tmp_path / "none.mrc", target)
    assert target.read_text() == "kept"


def test_the_report_counts(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    report = mrrc_ct.convert(books, tmp_path / "a.xml")
    assert (report.records_read, report.records_written, report.records_lost) == (150, 150, 0)
    assert report.bytes_read == books.stat().st_size
    assert report.bytes_written == (tmp_path / "a.xml").stat().st_size
    assert (report.from_, report.to, report.source) == ("marc", "marcxml", str(books))
    assert "150 records" in str(report)
    assert report.seconds > 0


def test_damage_costs_one_record_and_is_listed(books: pathlib.Path) -> None:
    records = split(books.read_bytes())
    records[70] = b"0x" + records[70][2:]
    records[100] = records[100][:30] + b"?" + records[100][31:]
    data = b"".join(records)
    seen: list[mrrc_ct.MarcError] = []
    out = io.BytesIO()
    report = mrrc_ct.convert(
        data, out, "marc", "marc", recovery_mode="strict", on_error=seen.append
    )
    assert out.getvalue() == b"".join(records[:70] + records[71:100] + records[101:])
    assert seen == report.errors
    assert [(e.record_number, e.byte_offset) for e in seen] == [
        (71, len(b"".join(records[:70]))),
        (101, len(b"".join(records[:100]))),
    ]
    assert (report.records_lost, report.ok) == (2, False)
    assert "2 lost" in str(report)
    counted = mrrc_ct.count(data)
    assert counted == 148
    assert [e.byte_offset for e in counted.report.errors] == [e.byte_offset for e in seen]
    assert [e.record_number for e in counted.report.errors] == [71, 101]


@pytest.mark.parametrize("threads", [1, 2])
def test_what_can_be_told_of_a_damaged_record_is_converted(
    books: pathlib.Path, threads: int
) -> None:
    whole = books.read_bytes()
    records = split(whole)
    records[70] = b"0x" + records[70][2:]
    records[100] = records[100][:30] + b"?" + records[100][31:]
    records[120] = b"beyond saving\x1d"
    out = io.BytesIO()
    report = mrrc_ct.convert(b"".join(records), out, "marc", "marc", threads=threads)
    kept = split(whole)
    del kept[120]
    assert out.getvalue() == b"".join(kept)
    assert (report.records_salvaged, report.records_lost, report.ok) == (2, 1, False)
    assert [(e.record_number, e.outcome) for e in report.errors] == [
        (71, "salvaged"),
        (101, "salvaged"),
        (121, "lost"),
    ]
    assert "2 of them salvaged, 1 lost" in str(report)


def test_only_so_many_errors_are_kept() -> None:
    bad = iso2709(("001", "1"), ("245", b"10\x1fa\xff"))
    report = mrrc_ct.convert(bad * 1500, io.BytesIO(), "json", "marc", recovery_mode="strict")
    assert report.records_lost == 1500
    assert len(report.errors) == 1000


def test_encodings_can_be_changed() -> None:
    marc8 = iso2709(("001", "1"), ("245", b"10\x1faDvo\xe9r\xe2ak"), leader=LEADER_MARC8)
    utf8 = iso2709(("001", "1"), ("245", "10$aDvořák"))
    assert through(marc8, encoding="utf-8") == utf8
    assert through(utf8, encoding="marc-8") == marc8
    # Without being asked, the encoding is kept.
    assert through(marc8 + utf8) == marc8 + utf8
    lying = iso2709(("001", "1"), ("245", "10$aDvořák"), leader=LEADER_MARC8)
    assert through(lying, from_encoding="utf-8") == utf8
    assert through(lying, from_encoding="utf-8", encoding="marc-8") == marc8


def through(data: bytes, **options: str) -> bytes:
    out = io.BytesIO()
    assert mrrc_ct.convert(data, out, "marc", "marc", **options).ok  # type: ignore[arg-type]
    return out.getvalue()


def test_codecs_of_pythons_both_ways() -> None:
    russian = iso2709(
        ("001", "1"), ("200", b"1 \x1fa" + "Мир".encode("koi8-r")), leader=LEADER_MARC8
    )
    utf8 = iso2709(("001", "1"), ("200", "1 $aМир"))
    assert through(russian, from_encoding="koi8-r", encoding="utf-8") == utf8
    out = io.BytesIO()
    assert mrrc_ct.convert(russian * 2, out, "json", "marc", from_encoding="koi8-r").ok
    back = io.BytesIO()
    assert mrrc_ct.convert(out.getvalue(), back, "marc", "json", encoding="koi8-r").ok
    assert [record[24:] for record in split(back.getvalue())] == [russian[24:]] * 2
    damaged = russian + b"0x" + russian[2:] + russian
    out = io.BytesIO()
    report = mrrc_ct.convert(damaged, out, "marcxml", "marc", from_encoding="koi8-r")
    assert [(e.record_number, e.outcome) for e in report.errors] == [(2, "salvaged")]
    assert report.records_written == 3
    assert out.getvalue().decode().count("Мир") == 3
    out = io.BytesIO()
    mrrc_ct.convert(damaged, out, "marcxml", "marc", from_encoding="koi8-r", recovery_mode="strict")
    assert len(mrrc_ct.xml_to_records(out.getvalue())) == 2


def test_what_marc8_does_not_have_is_lost_with_a_reason_or_replaced() -> None:
    data = iso2709(("001", "1"), ("245", "10$a😀"))
    report = mrrc_ct.convert(data, io.BytesIO(), "marc", "marc", encoding="marc-8")
    assert [type(error) for error in report.errors] == [errors.UnmappableCharacter]
    out = io.BytesIO()
    report = mrrc_ct.convert(data, out, "marc", "marc", encoding="marc-8", unmappable="ncr")
    assert report.ok
    assert report.characters_replaced == 1
    assert through(out.getvalue(), encoding="utf-8", references=True) == data  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [{"threads": 0}, {"unmappable": "x"}, {"invalid_xml": "x"}, {"encoding": "utf-16"}],
)
def test_options_that_there_are_not(options: dict[str, object], tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        mrrc_ct.convert(b"", tmp_path / "x", "json", "marc", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_progress_is_told(books: pathlib.Path) -> None:
    told: list[tuple[int, int | None, int]] = []
    mrrc_ct.convert(books, io.BytesIO(), "json", progress=lambda *now: told.append(now))
    assert told[-1] == (books.stat().st_size, books.stat().st_size, 150)
    assert told == sorted(told)


def test_records_come_through_a_pipe_that_stays_open() -> None:
    source_end, source = os.pipe()
    target, target_end = os.pipe()
    record = iso2709(("001", "1"), ("245", "10$aT"))

    def work() -> None:
        with os.fdopen(source_end, "rb") as file, os.fdopen(target_end, "wb") as out:
            mrrc_ct.convert(file, out, "jsonl", "marc")

    thread = threading.Thread(target=work)
    thread.start()
    with os.fdopen(target, "rb", buffering=0) as results:
        for _ in range(3):
            os.write(source, record)
            assert results.read(10_000).endswith(b"}\n")
        os.close(source)
        assert results.read(10_000) == b""
    thread.join()


def test_count_in_every_format(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert mrrc_ct.count(books) == 150
    assert mrrc_ct.count(io.BytesIO(books.read_bytes())) == 150
    for name in ("a.xml", "a.json", "a.jsonl", "a.marcjson", "a.mrk", "a.seq", "a.mrc.gz"):
        mrrc_ct.convert(books, tmp_path / name)
        assert mrrc_ct.count(tmp_path / name) == 150
    assert mrrc_ct.count(b"") == 0


def test_line_ends_between_records_are_not_counted() -> None:
    record = iso2709(("001", "1"))
    assert mrrc_ct.count(b"\xef\xbb\xbf" + record + b"\r\n" + record + b"\n") == 2


def test_a_file_is_not_written_over_while_it_is_read(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    path, link = tmp_path / "a.mrc", tmp_path / "b.mrc"
    path.write_bytes(books.read_bytes())
    link.symlink_to(path)
    for target in (path, link):
        with pytest.raises(errors.SourceError, match="same file"):
            mrrc_ct.convert(path, target, encoding="utf-8")
    assert path.read_bytes() == books.read_bytes()


@pytest.mark.parametrize("from_encoding", [None, "latin-1"])
def test_a_cut_archive_gives_what_can_be_unpacked(
    books: pathlib.Path, tmp_path: pathlib.Path, from_encoding: str | None
) -> None:
    path = tmp_path / "a.mrc.gz"
    packed = gzip.compress(books.read_bytes() * 10)
    path.write_bytes(packed[: len(packed) * 9 // 10])
    out = io.BytesIO()
    report = mrrc_ct.convert(path, out, "marcxml", from_encoding=from_encoding)
    kinds = [type(error) for error in report.errors]
    assert kinds[0] is errors.CompressedDataInvalid or kinds[-1] is errors.CompressedDataInvalid
    assert report.records_written > 1200
    assert len(mrrc_ct.xml_to_records(out.getvalue())) == report.records_written


def test_xml_and_json_are_unicode_whatever_their_leader_says() -> None:
    text = mrrc_ct.Record(iso2709(("245", "10$aМир 😀"))).to_xml()
    record = mrrc_ct.xml_to_record(text.replace("nam a22", "nam  22"))
    assert record.leader[9] == "a"
    assert record.as_marc() == iso2709(("245", "10$aМир 😀"))


class Pieces(io.RawIOBase):
    """Gives its bytes a few at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.file, self.step = io.BytesIO(data), step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        return self.file.readinto(memoryview(buffer)[: self.step])  # type: ignore[arg-type]


@pytest.mark.parametrize("from_", ["marc", "marcxml", "json", "jsonl", "marcjson", "mrk", "seq"])
@pytest.mark.parametrize("separator", [b"", b"\r\n"])
def test_how_the_input_comes_makes_no_difference(
    books: pathlib.Path, from_: str, separator: bytes
) -> None:
    records = split(books.read_bytes())[:12]
    records[2] = b"x" + records[2][1:]
    records[5] = records[5][:28] + b"?" + records[5][29:]
    records[6] = b"x" + records[6][1:]
    data = separator.join(records)
    if from_ != "marc":
        out = io.BytesIO()
        mrrc_ct.convert(books.read_bytes()[: len(data)], out, from_, "marc")
        data = b"\xef\xbb\xbf" + out.getvalue()
        for at in (len(data) // 4, len(data) // 2, len(data) // 2 + 3000):
            data = data[:at] + b"\x01" + data[at + 1 :]
    expected = io.BytesIO()
    whole = mrrc_ct.convert(data, expected, "jsonl", from_)
    assert not whole.ok
    if from_ == "marc":
        assert [error.record_number for error in whole.errors] == [3, 6, 7]
    for step in (1, 7, 1000):
        out = io.BytesIO()
        pieces = mrrc_ct.convert(Pieces(data, step), out, "jsonl", from_)
        assert out.getvalue() == expected.getvalue()
        # The bytes shown with an error are those that were in sight.
        assert [(type(e), e.record_number, e.byte_offset, e.message) for e in pieces.errors] == [
            (type(e), e.record_number, e.byte_offset, e.message) for e in whole.errors
        ]


def test_damage_in_indented_json_costs_one_record(books: pathlib.Path) -> None:
    import json

    out = io.BytesIO()
    mrrc_ct.convert(books, out, "json")
    for indent in (None, 2):
        text = json.dumps(json.loads(out.getvalue()), indent=indent).encode()
        at = len(text) // 2
        text = text[:at] + b"\x01" + text[at + 1 :]
        report = mrrc_ct.convert(text, io.BytesIO(), "marc", "json")
        assert (report.records_written, report.records_lost) == (149, 1)


@pytest.mark.parametrize("to", ["jsonl", "marcxml"])
def test_a_record_that_has_no_such_form_ends_the_writing_behind_those_before_it(
    to: str, tmp_path: pathlib.Path
) -> None:
    records = [iso2709(("001", str(number)), ("245", "00$aOdes")) for number in range(50)]
    records[30] = iso2709(("001", "30"), ("245", b"00\x1faOd\xffes"))
    path = tmp_path / f"out.{to}"
    stream = io.BytesIO()
    for target in (path, stream):
        with pytest.raises(errors.Utf8Invalid) as caught:
            mrrc_ct.write(mrrc_ct.MARCReader(b"".join(records)), target, to)
        assert (caught.value.record_number, caught.value.tag) == (31, "245")
    text = stream.getvalue().decode()
    assert text.count("Odes") == 30
    # A stream has them; a file is whole or not there.
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("ending", [KeyError, KeyboardInterrupt])
def test_an_exception_leaves_the_target_as_it_was(
    books: pathlib.Path, tmp_path: pathlib.Path, threads: int, ending: type[BaseException]
) -> None:
    target = tmp_path / "out.xml"

    def end(*_: object) -> None:
        raise ending

    data = books.read_bytes() * 20
    for there in ([], ["out.xml"]):
        with pytest.raises(ending):
            mrrc_ct.convert(data, target, from_="marc", progress=end, threads=threads)
        with pytest.raises(ending):
            mrrc_ct.convert(data + b"00000nam", target, from_="marc", on_error=end, threads=threads)
        assert os.listdir(tmp_path) == there
        assert not there or target.read_text() == "old"
        target.write_text("old")


def test_lost_records_do_not_keep_a_file_from_being_completed(tmp_path: pathlib.Path) -> None:
    target = tmp_path / "out.mrc"
    target.write_text("old")
    good = iso2709(("001", "1"))
    report = mrrc_ct.convert(good + b"beyond saving\x1d" + good, target, "marc", "marc")
    assert report.records_lost == 1
    assert target.read_bytes() == good * 2
    assert os.listdir(tmp_path) == ["out.mrc"]


def test_the_file_that_is_replaced_may_be_read_meanwhile(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(books.read_bytes())
    path.chmod(0o640)
    assert mrrc_ct.write(mrrc_ct.read(path), path) == 150
    assert path.read_bytes() == books.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o640 or os.name != "posix"


@pytest.mark.parametrize("threads", [1, 2])
def test_killed_at_any_moment_it_leaves_the_old_file_or_the_new(
    books: pathlib.Path, tmp_path: pathlib.Path, threads: int
) -> None:
    """MRRC_KILLS says how many times; the moments are spread over what a whole run takes."""
    source, target = tmp_path / "source.mrc", tmp_path / "out.xml"
    source.write_bytes(books.read_bytes() * 200)
    mrrc_ct.convert(source, target)
    new = target.read_bytes()
    code = (
        "import mrrc_ct, sys\n"
        "print(flush=True)\n"
        "mrrc_ct.convert(sys.argv[1], sys.argv[2], threads=int(sys.argv[3]))\n"
        "print(flush=True)\n"
        "sys.stdin.read()\n"
    )

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(source), str(target), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.readline()
        return process

    times = []
    for _ in range(3):
        with start() as process:
            begin = time.perf_counter()
            assert process.stdout is not None
            process.stdout.readline()
            times.append(time.perf_counter() - begin)
        assert target.read_bytes() == new
    whole = sum(times) / len(times)
    chance = random.Random(threads)
    found = []
    for _ in range(int(os.environ.get("MRRC_KILLS", "8"))):
        target.write_bytes(b"old")
        with start() as process:
            time.sleep(chance.uniform(0, 1.2 * whole))
            process.kill()
        data = target.read_bytes()
        assert data in (b"old", new)
        found.append(data == new)
    print(f"killed {len(found)} times in {whole:.3f} s: new {sum(found)}, old {found.count(False)}")
    # What is left over is known by its name.
    assert all(
        name.startswith(".out.xml.mrrc-ct-")
        for name in set(os.listdir(tmp_path)) - {"source.mrc", "out.xml"}
    )

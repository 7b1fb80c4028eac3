"""What is saved of damaged records, and what is said of it."""

from __future__ import annotations

import io
import pathlib
import random
from typing import Any

import pytest
from marc import LEADER, LEADER_MARC8, iso2709, split

import mrrc_ct
import mrrc_ct.pymarc
from mrrc_ct import MARCReader, ProducerConsumerPipeline, errors

FIELDS = (("001", "42"), ("008", "12345"), ("245", "10$aOdes"), ("650", " 0$aGreek poetry$xMetre"))
GOOD = iso2709(*FIELDS)
NEXT = iso2709(("001", "next"), ("245", "10$aNext"))


def lenient(data: bytes, **options: Any) -> list[mrrc_ct.Record]:
    return list(MARCReader(data, recovery_mode="lenient", **options))


def contents(record: mrrc_ct.Record) -> list[tuple[str, str]]:
    """Tag and text of each field, written as in FIELDS."""
    found = []
    for field in record.fields:
        if field.is_control_field():
            found.append((field.tag, field.data))
        else:
            subfields = "".join(f"${code}{value}" for code, value in field.subfields)
            found.append((field.tag, "".join(field.indicators) + subfields))
    return found


def oversize(fields: list[tuple[str, str]], how: str) -> bytes:
    """A record whose lengths ISO 2709 has no room for, written in one of the ways that occur."""
    directory = data = b""
    for tag, content in fields:
        field = content.replace("$", "\x1f").encode() + b"\x1e"
        length, start = len(field), len(data)
        if how == "wide":
            entry = f"{length:04}{start:06}" if length < 10_000 else f"{length:05}{start:05}"
        elif how == "wide where needed":
            entry = f"{length:04}" + (f"{start:06}" if start > 99_999 else f"{start:05}")
        elif how == "modulo":
            entry = f"{length % 10_000:04}{start % 100_000:05}"
        else:
            entry = f"{min(length, 9999):04}{min(start, 99_999):05}"
        directory += tag.encode() + entry.encode()
        data += field
    total = 24 + len(directory) + 1 + len(data) + 1
    base = 24 + len(directory) + 1
    lengths = {"99999": "99999", "00000": "00000", "modulo": f"{total % 100_000:05}"}
    length_digits = lengths.get(how, f"{total:05}")
    head = f"{length_digits}nam a22{base:05}   4500".encode()
    return head + directory + b"\x1e" + data + b"\x1d"


LONG = [("001", "long")] + [("500", f"  $anote {number} " + "x" * 990) for number in range(150)]
LONG_FIELD = [("001", "long"), ("520", "  $a" + "y" * 12_000), ("650", " 0$aGeology")]


@pytest.mark.parametrize("how", ["99999", "00000", "modulo", "wide", "wide where needed"])
def test_a_record_too_long_for_its_numbers_is_read(how: str) -> None:
    data = GOOD + oversize(LONG, how) + NEXT
    first, record, last = lenient(data)
    assert contents(record) == LONG
    assert {error.outcome for error in record.errors} == {"warning"}
    assert any(error.code == "record-length-invalid" for error in record.errors)
    assert (first.as_marc(), last.as_marc()) == (GOOD, NEXT)
    # It has no form in ISO 2709, and one in XML.
    with pytest.raises(errors.RecordTooLong):
        record.as_marc()
    assert mrrc_ct.xml_to_record(record.to_xml()).fields == record.fields


@pytest.mark.parametrize("how", ["99999", "modulo"])
def test_a_field_too_long_for_its_entry_is_read(how: str) -> None:
    data = oversize(LONG_FIELD, how)
    # The record itself is not too long: its length is right.
    data = f"{len(data):05}".encode() + data[5:]
    record, _ = lenient(data + NEXT)
    assert contents(record) == LONG_FIELD
    assert [(error.tag, error.outcome) for error in record.errors] == [("520", "warning")]


def test_a_file_without_its_last_terminator_is_read_with_a_warning() -> None:
    _, record = lenient(NEXT + GOOD[:-1])
    assert contents(record) == list(FIELDS)
    assert [(error.code, error.outcome) for error in record.errors] == [
        ("end-of-record-not-found", "warning")
    ]


@pytest.mark.parametrize(
    ("leader", "text", "wanted"),
    [(LEADER_MARC8, "Café".encode(), "Café"), (None, b"Caf\xe2e", "Café")],
)
def test_a_leader_that_lies_about_the_encoding(
    leader: str | None, text: bytes, wanted: str
) -> None:
    options = {"leader": leader} if leader else {}
    data = iso2709(("001", "1"), ("245", b"10\x1fa" + text), **options)
    (record,) = lenient(data)
    assert record.title() == wanted
    assert [(error.tag, error.outcome) for error in record.errors] == [("245", "warning")]
    # The bytes are a sound record, and nobody has changed it.
    assert record.as_marc() == data
    target = io.BytesIO()
    report = mrrc_ct.convert(data, target, "jsonl")
    assert wanted in target.getvalue().decode()
    assert (report.warnings, report.ok) == (1, True)


@pytest.mark.parametrize("leader", [LEADER_MARC8, None])
def test_bytes_that_are_no_text_become_a_mark(leader: str | None) -> None:
    options = {"leader": leader} if leader else {}
    data = iso2709(("001", "1"), ("245", b"10\x1faA\xffB\x1fbgood"), **options)
    (record,) = lenient(data)
    assert record["245"]["a"] == "A\ufffdB"
    assert record["245"]["b"] == "good"
    (error,) = record.errors
    assert (error.outcome, error.tag, error.control_number) == ("salvaged", "245", "1")
    assert error.offset_in_record == data.index(b"\xff")


def test_what_was_wrong_is_said_with_what_is_expected() -> None:
    at = len(NEXT)
    damaged = b"00999" + GOOD[5:]
    _, record, _ = lenient(NEXT + damaged + NEXT)
    (error,) = record.errors
    assert error.code == "record-length-invalid"
    assert (error.found, error.expected) == (b"00999", GOOD[:5].decode())
    assert (error.record_number, error.byte_offset, error.control_number) == (2, at, "42")
    assert error.outcome == "salvaged"
    assert record.as_marc() == GOOD


def test_lenient_leaves_out_what_is_lost_and_permissive_gives_none() -> None:
    data = GOOD + b"beyond saving\x1d" + NEXT
    reader = MARCReader(data, recovery_mode="lenient")
    assert [record.as_marc() for record in reader] == [GOOD, NEXT]
    summary = reader.summary
    assert (summary.records_read, summary.records_salvaged, summary.records_lost) == (2, 0, 1)
    assert summary.bytes_skipped == len(b"beyond saving\x1d")
    assert [(error.byte_offset, error.outcome) for error in summary.errors] == [(len(GOOD), "lost")]
    assert "1 lost" in str(summary)
    for make in (MARCReader, ProducerConsumerPipeline):
        got = list(make(data, recovery_mode="permissive"))
        assert [record and record.as_marc() for record in got] == [GOOD, None, NEXT]
        pairs = list(make(data, recovery_mode="permissive").iter_with_errors())
        assert [error and error.byte_offset for _, error in pairs] == [None, len(GOOD), None]
    permissive = MARCReader(data, recovery_mode="permissive")
    records = []
    while record := permissive.read_record():
        records.append(record.as_marc())
    assert records == [GOOD, NEXT]
    with ProducerConsumerPipeline(data, recovery_mode="permissive") as pipeline:
        assert [pipeline.next() is None for _ in range(3)] == [False, False, True]


def test_more_errors_than_are_wanted_end_the_reading() -> None:
    bad = b"00999" + GOOD[5:]
    for make in (MARCReader, ProducerConsumerPipeline):
        reader = make(bad * 3 + NEXT, recovery_mode="lenient", max_errors=2)
        assert next(reader).as_marc() == GOOD
        assert next(reader).as_marc() == GOOD
        with pytest.raises(errors.TooManyErrors) as caught:
            next(reader)
        assert caught.value.record_number == 3


def test_a_mode_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="strict, lenient, permissive"):
        MARCReader(GOOD, recovery_mode="forgiving")


def test_line_ends_and_byte_order_marks_between_records_are_counted(
    tmp_path: pathlib.Path,
) -> None:
    mark = b"\xef\xbb\xbf"
    # Three files put one behind the other.
    data = mark + GOOD + NEXT + b"\r\n" + mark + GOOD + b"\n" + mark + NEXT + b"\x1a"
    between = len(data) - 2 * len(GOOD) - 2 * len(NEXT)
    path = tmp_path / "joined.mrc"
    path.write_bytes(data)
    for source in (data, path):
        reader = MARCReader(source)
        assert [record.as_marc() for record in reader] == [GOOD, NEXT] * 2
        assert reader.summary.bytes_between == between
        assert f"{between} between records" in str(reader.summary)
        for size in (4096, len(GOOD)):
            with ProducerConsumerPipeline(source, buffer_size=size) as pipeline:
                assert [record.as_marc() for record in pipeline] == [GOOD, NEXT] * 2
                assert pipeline.summary.bytes_between == between
        for threads in (1, 2):
            target = io.BytesIO()
            report = mrrc_ct.convert(source, target, "marc", threads=threads)
            assert target.getvalue() == (GOOD + NEXT) * 2
            assert report.ok
            assert report.bytes_between == between
            assert f"{between} bytes between" in str(report)
            count = mrrc_ct.count(source, threads=threads)
            assert (count, count.report.bytes_between) == (4, between)
    for offset in range(len(data)):
        found = list(MARCReader(path, start=offset))
        rest = list(MARCReader(path, stop=offset)) if offset else []
        assert len(found) + len(rest) == 4


@pytest.mark.parametrize("mode", ["strict", "lenient", "permissive"])
def test_the_drop_in_reads_on_where_it_is_asked_to(mode: str) -> None:
    no_text = iso2709(("001", "1"), ("245", b"10\x1faOd\xe9\x1fs\xff"), ("500", "  $a\u00e9"))
    data = GOOD + b"00000" + GOOD[5:] + b"\n" + no_text + b"no record\x1d" + NEXT
    reader = mrrc_ct.pymarc.MARCReader(data, recovery_mode=mode)
    titles, found = [], []
    for record in reader:
        titles.append(record and record.title)
        assert record is None or isinstance(record, mrrc_ct.pymarc.Record)
        error = reader.current_exception
        found.append(error.code if error else record and [one.code for one in record.errors])
    lost = "record-length-invalid"
    if mode == "strict":
        assert titles == ["Odes", None, None, None, "Next"]
        assert found == [[], lost, "utf8-invalid", lost, []]
    else:
        assert titles == ["Odes", "Odes", "Od\ufffd", None, "Next"]
        assert found == [[], [lost], ["utf8-invalid"], "truncated-record", []]
    # Without it reading ends where it does in pymarc.
    assert [record and record.title for record in mrrc_ct.pymarc.MARCReader(data)] == ["Odes", None]


@pytest.mark.parametrize(
    ("content", "mended"),
    [
        (b"\x1faOdes", "  $aOdes"),
        (b"1\x1faOdes", "1 $aOdes"),
        (b"1\xe9\x1faOdes", "1 $aOdes"),
        (b"100\x1faOdes", "10$aOdes"),
        (b"10aOdes\x1fcHorace", "10$aOdes$cHorace"),
        (b"10\x1f\x00Odes", "10$|Odes"),
        (b"10\x1f\x1faOdes\x1f", "10$aOdes"),
    ],
)
@pytest.mark.parametrize("leader", [LEADER, LEADER_MARC8])
def test_fields_whose_parts_cannot_be_told_are_mended(
    content: bytes, mended: str, leader: str
) -> None:
    data = iso2709(("001", "1"), ("245", content), ("500", "  $aNote"), leader=leader)
    # Not here, nor in a conversion to ISO 2709 that changes nothing else.
    assert mrrc_ct.Record(data).as_marc() == data
    (record,) = lenient(data)
    assert contents(record) == [("001", "1"), ("245", mended), ("500", "  $aNote")]
    assert {(e.tag, e.outcome, e.offset_in_record) for e in record.errors} == {
        ("245", "salvaged", data.index(content))
    }
    for threads in (1, 2):
        target = io.BytesIO()
        report = mrrc_ct.convert(data, target, "marcxml", "marc", threads=threads)
        assert _told(report.errors) == _told(record.errors)
        (converted,) = mrrc_ct.xml_to_records(target.getvalue())
        assert contents(converted) == contents(record)
    strict = mrrc_ct.convert(data, io.BytesIO(), "marcxml", "marc", recovery_mode="strict")
    assert strict.records_lost == 1


def test_a_field_that_is_in_place_after_all_is_not_silent() -> None:
    # The directory puts it a byte too far; the terminators do not.
    at = GOOD.index(b"245")
    damaged = GOOD[: at + 11] + bytes([GOOD[at + 11] + 1]) + GOOD[at + 12 :]
    (record,) = lenient(damaged)
    assert contents(record) == list(FIELDS)
    assert [(e.outcome, e.tag) for e in record.errors] == [("salvaged", "245")]


def random_damage(data: bytes, chance: random.Random) -> tuple[bytes, int, int]:
    """Damaged data, and the bytes of the sound data that were touched."""
    at = chance.randrange(len(data))
    kind = chance.randrange(5)
    byte = bytes([chance.randrange(256)])
    if kind == 0:
        return data[:at] + byte + data[at + 1 :], at, at + 1
    if kind == 1:
        return data[:at] + byte + data[at:], at, at + 1
    if kind == 2:
        return data[:at] + data[at + 1 :], at, at + 1
    if kind == 3:
        length = chance.randint(1, 300)
        return data[:at] + bytes(length) + data[at + length :], at, at + length
    return data[:at], at, len(data)


def _told(found: list[mrrc_ct.MarcError]) -> list[tuple[object, ...]]:
    return [(e.code, e.record_number, e.byte_offset, e.tag, e.outcome, e.message) for e in found]


@pytest.mark.parametrize("seed", range(150))
def test_one_damage_costs_at_most_the_records_that_it_touches(
    books: pathlib.Path, tmp_path: pathlib.Path, seed: int
) -> None:
    records = split(books.read_bytes())[:60]
    data, begin, end = random_damage(b"".join(records), random.Random(seed))
    untouched, start = [], 0
    for record in records:
        if end <= start or start + len(record) <= begin:
            untouched.append(record)
        start += len(record)
    reader = MARCReader(data, recovery_mode="lenient")
    got = list(reader)
    written = [record.as_marc() for record in got]
    assert [one for one in untouched if one not in written] == []
    for error in reader.summary.errors:
        assert error.byte_offset is not None
        assert error.byte_offset <= end
    # The pipeline, over the file in small pieces, and the conversion say and give the same.
    path = tmp_path / "damaged.mrc"
    path.write_bytes(data)
    with ProducerConsumerPipeline(
        path, recovery_mode="lenient", buffer_size=4096, workers=2
    ) as pipeline:
        assert [record.as_marc() for record in pipeline] == written
        assert _told(pipeline.summary.errors) == _told(reader.summary.errors)
    for threads in (1, 2):
        target = io.BytesIO()
        report = mrrc_ct.convert(data, target, "marc", "marc", threads=threads)
        assert target.getvalue() == b"".join(written)
        assert _told(report.errors) == _told(reader.summary.errors)


def test_every_code_is_in_the_docs() -> None:
    page = pathlib.Path(__file__).parent.parent / "docs" / "errors.md"
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.code for kind in kinds if issubclass(kind, mrrc_ct.MarcError)} - {"marc-error"}
    rows = {line.split("`")[1] for line in page.read_text().splitlines() if line.startswith("| `")}
    assert rows == codes


def test_a_record_whose_text_was_saved_can_be_converted() -> None:
    data = iso2709(("001", "1"), ("245", b"00\x1fa\xffx"))
    record = next(MARCReader(data, recovery_mode="lenient"))
    assert record.to_mrk().splitlines()[2] == "=245  00$a\ufffdx"
    assert mrrc_ct.json_to_record(record.to_json())["245"]["a"] == "\ufffdx"
    assert [error.code for error in record.errors] == ["utf8-invalid"]
    with pytest.raises(errors.Utf8Invalid):
        next(MARCReader(data)).to_mrk()

"""`validation_level`: what MARC 21 demands of a record beyond its structure."""

from __future__ import annotations

import io
import itertools
import pathlib
from typing import Any

import pytest
from marc import LEADER, LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import Leader, MARCReader, ProducerConsumerPipeline, errors

SOUND = iso2709(("001", "42"), ("245", "10$aOdes$9x$!y"))
FAULTS = {
    "an indicator in uppercase": (("245", "A0$aOdes"), errors.IndicatorsInvalid),
    "a fill character as indicator": (("245", "|0$aOdes"), errors.IndicatorsInvalid),
    "no indicators": (("245", b"\x1faOdes"), errors.IndicatorsInvalid),
    "a code in uppercase": (("245", "10$AOdes"), errors.SubfieldCodeInvalid),
    "a blank as code": (("245", "10$ Odes"), errors.SubfieldCodeInvalid),
    "a code that is not ASCII": (("245", "10$\u00e9Odes"), errors.SubfieldCodeInvalid),
    "no code": (("245", b"10\x1faOdes\x1f"), errors.SubfieldCodeInvalid),
    "no subfields": (("245", "10"), errors.SubfieldCodeInvalid),
    "subfields in a control field": (("003", "a$b"), errors.DelimiterInData),
    "a sign in a tag": (("2.5", "10$aOdes"), errors.TagInvalid),
    "no UTF-8": (("245", b"10\x1faOd\xe9s"), errors.Utf8Invalid),
}


def strict(data: bytes, **options: Any) -> MARCReader:
    return MARCReader(data, validation_level="strict_marc", **options)


def told(found: list[mrrc_ct.MarcError]) -> list[tuple[object, ...]]:
    return [(e.code, e.record_number, e.byte_offset, e.tag, e.outcome, e.message) for e in found]


@pytest.mark.parametrize(("field", "kind"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_an_error_in_its_place(
    field: tuple[str, str | bytes], kind: type[mrrc_ct.MarcError], tmp_path: pathlib.Path
) -> None:
    faulty = iso2709(("001", "bad"), field)
    data = SOUND + faulty + SOUND
    found = list(strict(data).iter_with_errors())
    assert [record is not None for record, _ in found] == [True, False, True]
    error = found[1][1]
    assert error is not None
    assert type(error) is kind
    assert (error.record_number, error.byte_offset, error.tag) == (2, len(SOUND), field[0])
    assert error.control_number == "bad"
    at = error.offset_in_record
    content = field[1] if isinstance(field[1], bytes) else field[1].replace("$", "\x1f").encode()
    start = faulty.index(content + b"\x1e")
    assert at is not None
    # In the field, or, for a tag, at it.
    assert start <= at <= start + len(content)
    # The pipeline, the conversion and counting say the same.
    path = tmp_path / "faulty.mrc"
    path.write_bytes(data)
    with ProducerConsumerPipeline(path, validation_level="strict_marc") as pipeline:
        others = [one for _, one in pipeline.iter_with_errors() if one is not None]
    assert told(others) == told([error])
    for threads in (1, 2):
        target = io.BytesIO()
        report = mrrc_ct.convert(
            data,
            target,
            "marc",
            "marc",
            threads=threads,
            recovery_mode="strict",
            validation_level="strict_marc",
        )
        assert told(report.errors) == told([error])
        assert target.getvalue() == SOUND + SOUND
        count = mrrc_ct.count(path, threads=threads, validation_level="strict_marc")
        assert count == 2
        assert told(count.report.errors) == told([error])
    # Nobody minds where the structure is all that is asked for.
    assert sum(1 for _ in MARCReader(data)) == mrrc_ct.count(data) == 3


@pytest.mark.parametrize(("field", "kind"), FAULTS.values(), ids=FAULTS)
def test_lenient_reading_gives_the_record_and_tells(
    field: tuple[str, str | bytes], kind: type[mrrc_ct.MarcError]
) -> None:
    data = SOUND + iso2709(("001", "bad"), field) + SOUND
    reader = strict(data, recovery_mode="lenient")
    records = list(reader)
    assert len(records) == 3
    assert [type(error) for error in records[1].errors] == [kind]
    assert records[0].errors == records[2].errors == []
    with ProducerConsumerPipeline(
        data, validation_level="strict_marc", recovery_mode="lenient"
    ) as pipeline:
        assert [told(one.errors) for one in pipeline] == [told(one.errors) for one in records]
    for to, threads in (("jsonl", 1), ("jsonl", 2), ("marc", 1)):
        report = mrrc_ct.convert(
            data, io.BytesIO(), to, "marc", threads=threads, validation_level="strict_marc"
        )
        assert report.records_written == 3
        if to == "jsonl":
            assert told(report.errors) == told(records[1].errors)
        else:
            assert [type(error) for error in report.errors] == [kind]


def test_all_faults_of_a_record_are_told() -> None:
    data = iso2709(("0.1", "A0$aOdes"), ("245", "A0$BOdes"), ("246", "10$a"), ("247", "Z0$a"))
    (record,) = strict(data, recovery_mode="lenient")
    assert [error.tag for error in record.errors] == ["0.1", "245", "247"]
    assert {error.outcome for error in record.errors} == {"warning"}


@pytest.mark.parametrize("record_type", "azux?")
def test_leader_values_are_those_of_the_formats(record_type: str) -> None:
    """Each value of each coded position, against the tables that `Leader` has."""
    fields = (("001", "42"), ("245", "10$aOdes"))
    base = {"a": LEADER, "z": LEADER[:6] + "z  a22" + LEADER[12:17] + "n  4500"}
    base["u"] = base["x"] = LEADER[:6] + "u  a22" + LEADER[12:17] + "1i 4500"
    leader = base.get(record_type, LEADER)
    leader = leader[:6] + record_type + leader[7:]
    data, expected = b"", []
    for position in (*range(5, 12), *range(17, 24)):
        for byte in range(0x20, 0x7F):
            changed = leader[:position] + chr(byte) + leader[position + 1 :]
            record = iso2709(*fields, leader=changed)
            problems = Leader(record[:24].decode()).problems()
            expected.append([int(one[7:9]) for one in problems])
            data += record
    found = [
        [error.offset_in_record for error in record.errors]
        for record in strict(data, recovery_mode="lenient")
    ]
    assert found == expected
    assert any(expected)


def test_marc8_is_not_held_to_utf8() -> None:
    record = iso2709(("001", "1"), ("245", b"10\x1faAnt\xe2igona"), leader=LEADER_MARC8)
    (got,) = strict(record)
    assert got.title() == "Ant\u00edgona"
    with pytest.raises(errors.Utf8Invalid):
        next(strict(record, from_encoding="utf-8")).title()


@pytest.mark.parametrize("faults", range(4))
@pytest.mark.parametrize("to", ["marcxml", "json", "jsonl", "mrk"])
def test_text_formats_are_held_to_the_same(to: str, faults: int) -> None:
    target = io.BytesIO()
    faulty = iso2709(("001", "x"), ("245", "1A$aOdes"), *[("500", "A $aNote")] * faults)
    mrrc_ct.convert(SOUND + faulty + SOUND, target, to, "marc")
    data = target.getvalue()
    records = mrrc_ct.read(data, to, validation_level="strict_marc")
    assert next(records)["001"].data == "42"
    with pytest.raises(errors.IndicatorsInvalid) as caught:
        next(records)
    assert caught.value.record_number == 2
    assert [record["001"].data for record in records] == ["42"]
    assert records.summary.records_lost == 1
    lenient = mrrc_ct.read(data, to, validation_level="strict_marc", recovery_mode="lenient")
    # All of them are there when the record is; those without a field's place are alike.
    assert [len(record.errors) for record in lenient] == [0, 1 + faults, 0]
    assert mrrc_ct.count(data, to, validation_level="strict_marc") == 2
    report = mrrc_ct.convert(data, io.BytesIO(), "marc", to, validation_level="strict_marc")
    assert (report.records_written, report.warnings) == (3, 1 + faults)


def test_errors_of_text_come_in_their_place() -> None:
    lines = io.BytesIO()
    mrrc_ct.convert(SOUND * 3, lines, "jsonl", "marc")
    good, *_ = lines.getvalue().splitlines(keepends=True)
    bad = b'{"leader": 1}\n'
    for order in itertools.product((good, bad), repeat=4):
        data = b"".join(order)
        if not data.strip():
            continue
        records = mrrc_ct.read(data, "jsonl")
        found: list[object] = []
        while True:
            try:
                found.append(next(records)._number)
            except StopIteration:
                break
            except mrrc_ct.MarcError as error:
                found.append(-(error.record_number or 0))
        expected = [n if one == good else -n for n, one in enumerate(order, 1)]
        assert found == expected
        permissive = mrrc_ct.read(data, "jsonl", recovery_mode="permissive")
        assert [record is not None for record in permissive] == [one == good for one in order]
        assert permissive.summary.records_lost == order.count(bad)
        lenient = mrrc_ct.read(data, "jsonl", recovery_mode="lenient")
        assert len(list(lenient)) == order.count(good)


def test_a_level_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="structural, strict_marc"):
        MARCReader(SOUND, validation_level="very")


def test_real_records_keep_to_it(books: pathlib.Path) -> None:
    data = books.read_bytes()
    found = [error for _, error in strict(data).iter_with_errors() if error is not None]
    # Only where Leader.problems() agrees, or a field shows it.
    records = split(data)
    for error in found:
        assert error.record_number is not None
        record = records[error.record_number - 1]
        if isinstance(error, errors.BadLeaderValue):
            assert Leader(record[:24].decode()).problems()
    sound = {error.record_number for error in found}
    for number, record in enumerate(records, 1):
        if number not in sound:
            assert Leader(record[:24].decode()).problems() == []

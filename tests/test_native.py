"""The native record beside what test_record.py shows: made of tuples, compared, found, kept."""

from __future__ import annotations

import copy
import io
import pathlib
import pickle
from typing import Any

import pytest
from marc import iso2709, split

import mrrc_ct
from mrrc_ct import Field, MARCReader, Record, Subfield, errors

TUPLES: list[Any] = [
    ("001", "42"),
    ("8", "920219s1993"),
    ("245", "10", [("a", "Odes /"), ("c", "Pindar.")]),
    ("500", None, [("a", "Note")]),
]


def test_a_record_from_plain_tuples() -> None:
    record = Record.from_fields(TUPLES)
    made = Record(
        fields=[
            Field("001", data="42"),
            Field("008", data="920219s1993"),
            Field("245", ("1", "0"), [Subfield("a", "Odes /"), Subfield("c", "Pindar.")]),
            Field("500", subfields=[Subfield("a", "Note")]),
        ]
    )
    assert record == made
    assert record.as_marc() == made.as_marc()
    assert record["245"].subfields == [("a", "Odes /"), ("c", "Pindar.")]
    assert str(Record.from_fields([], "00000cam a2200000   4500").leader)[5] == "c"


@pytest.mark.parametrize(
    "item", [("001",), ("001", "1", "2"), ("245", "10"), ("245", "1", []), ("245", "10", "ab")]
)
def test_tuples_of_another_shape_are_refused(item: Any) -> None:
    with pytest.raises(ValueError, match=r"a control field is|unpack"):
        Record.from_fields([item])


def test_records_and_fields_are_equal_when_they_say_the_same() -> None:
    assert Record.from_fields(TUPLES) == Record.from_fields(TUPLES)
    assert Record.from_fields(TUPLES) != Record.from_fields(TUPLES[:3])
    assert Record.from_fields(TUPLES) != Record.from_fields(TUPLES, "00000cam a2200000   4500")
    assert Record() != "a record"
    one, two = Field("245", ("1", "0"), [Subfield("a", "x")]), Record.from_fields(TUPLES)["245"]
    assert one != two
    two.subfields = [Subfield("a", "x")]
    assert one == two
    two.indicator1 = "0"
    assert one != two
    assert one != "a field"
    assert Field("246", ("1", "0"), [Subfield("a", "x")]) != one
    for unhashable in (one, Record()):
        with pytest.raises(TypeError, match="unhashable"):
            hash(unhashable)


def test_what_was_looked_into_is_equal_to_what_was_not(books: pathlib.Path) -> None:
    for one, two in zip(MARCReader(books), MARCReader(books)):
        assert one["245"].subfields
        assert one == two


def test_control_fields_can_be_repeated() -> None:
    record = Record(iso2709(("001", "42"), ("006", "a"), ("006", "b"), ("245", "10$aOdes")))
    assert record.control_field("001") == "42"
    assert record.control_field("006") == "a"
    assert record.control_field("003") is record.control_field("245") is None
    assert record.control_field_values("006") == ["a", "b"]
    assert record.control_fields() == [("001", "42"), ("006", "a"), ("006", "b")]
    second = record.field_at("006", 1)
    assert second is record.get_fields("006")[1]
    assert record.field_at("006", 2) is record.field_at("006", -1) is None
    assert second is not None
    record.replace_field(second, Field("007", data="c"))
    assert [field.tag for field in record] == ["001", "006", "007", "245"]
    with pytest.raises(errors.FieldNotFound, match="006"):
        record.replace_field(second, Field("007", data="c"))


def test_a_field_whose_tag_no_longer_suits_it_is_not_written() -> None:
    record = Record(iso2709(("001", "42"), ("245", "10$aOdes")))
    record["245"].tag = "001"
    for write in (record.as_marc, record.to_json, record.to_xml, record.to_mrk):
        with pytest.raises(errors.TagInvalid, match="no tag for a field with subfields"):
            write()


# ---- one field at a time


def states() -> dict[str, Any]:
    """Ways to have looked into a record that leave it as it is."""
    return {
        "nothing": lambda record: None,
        "title": lambda record: record.title(),
        "contains": lambda record: "245" in record,
        "get": lambda record: record.get("245"),
        "get_fields": lambda record: record.get_fields("245", "650"),
        "subfields": lambda record: record["245"].subfields,
        "leader": lambda record: record.leader,
        "fields": lambda record: record.fields,
        "loop": lambda record: [field.value() for field in record],
        "remove nothing": lambda record: record.remove_fields("999"),
        "add and remove": lambda record: (
            record.add_field(Field("999")),
            record.remove_fields("999"),
        ),
        "add in order and remove": lambda record: (
            record.add_ordered_field(Field("246")),
            record.remove_fields("246"),
        ),
    }


@pytest.mark.parametrize("first", list(states()))
@pytest.mark.parametrize("second", list(states()))
def test_however_a_record_was_looked_into_it_says_and_writes_the_same(
    first: str, second: str, books: pathlib.Path
) -> None:
    for chunk in split(books.read_bytes())[:10]:
        record = Record(chunk)
        for state in (first, second):
            states()[state](record)
        for one in (record, pickle.loads(pickle.dumps(record)), copy.deepcopy(record)):
            assert one.title() == Record(chunk).title()
            assert one.as_marc() == chunk
            assert one == Record(chunk)
            assert one.as_marc() == chunk


@pytest.mark.parametrize("state", list(states()))
def test_however_a_record_was_looked_into_its_edits_are_the_same(
    state: str, books: pathlib.Path
) -> None:
    for chunk in split(books.read_bytes())[:10]:
        expected = None
        for before in ("fields", state):
            record = Record(chunk)
            states()[before](record)
            record.add_field(Field("990", subfields=[Subfield("a", "last")]))
            title = record["245"]
            title["a"] = "Changed"
            record.add_ordered_field(Field("246", subfields=[Subfield("a", "ordered")]))
            record.remove_fields("650")
            record.remove_field(record["990"])
            title.add_subfield("z", "Later")
            record["008"].data = "data"
            assert record["245"] is title
            assert "650" not in record
            written = record.as_marc()
            assert expected in (None, written)
            expected = written


def test_a_tag_that_was_changed_is_found() -> None:
    record = Record(iso2709(("001", "42"), ("245", "10$aOdes"), ("500", "  $aNote")))
    title = record["245"]
    title.tag = "246"
    assert "245" not in record
    assert record["246"] is title
    assert record.get_fields("246", "500") == [title, record.fields[2]]
    assert Record(record.as_marc())["246"]["a"] == "Odes"


@pytest.mark.parametrize("count", [254, 255, 256, 1000])
def test_a_record_of_many_fields_is_a_record_like_others(count: int) -> None:
    data = iso2709(*[("650", f" 0$a{number}") for number in range(count)])
    record = Record(data)
    assert len(record.get_fields("650")) == count
    record.get_fields("650")[-1]["a"] = "last"
    record.add_field(Field("651", subfields=[Subfield("a", "new")]))
    again = Record(record.as_marc())
    assert [field["a"] for field in again.fields[-2:]] == ["last", "new"]
    assert len(again.fields) == count + 1
    del record.fields[1:]
    assert Record(record.as_marc())["650"]["a"] == "0"


def test_a_record_can_lose_all_its_fields() -> None:
    record = Record(iso2709(("001", "42"), ("245", "10$aOdes")))
    record.remove_fields("001", "245")
    assert record.fields == []
    assert record.get("245") is None
    assert Record(record.as_marc()).fields == []


def test_a_terminator_inside_a_field_moves_nothing_into_another() -> None:
    sound = iso2709(("245", b"10\x1faOdes and more"), ("500", "  $anote"))
    data = sound.replace(b"Odes and", b"Odes\x1eand")
    for read in (
        lambda: Record(data).fields,
        lambda: Record(data)["500"],
        lambda: next(MARCReader(data)).to_xml(),
        lambda: next(MARCReader(data)).title(),
        lambda: Record(data).as_marc(),
    ):
        with pytest.raises(errors.MarcError) as caught:
            read()
        assert caught.value.tag == "245"
    written = io.BytesIO()
    report = mrrc_ct.convert(sound + data + sound, written, "jsonl", recovery_mode="strict")
    # JSON can say it.
    assert report.records_written == 3
    assert b"Odes\\u001eand more" in written.getvalue()


# ---- files


@pytest.mark.parametrize(
    "name",
    ["out.mrc", "out.xml", "out.json", "out.jsonl", "out.mrk", "out.seq", "out.xml.gz"],
)
def test_files_are_read_and_written_by_name(
    name: str, books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / name
    assert mrrc_ct.write(MARCReader(books), target) == 150
    assert list(mrrc_ct.read(target)) == list(MARCReader(books))
    # As convert would have written it.
    if not name.endswith("gz"):
        mrrc_ct.convert(books, tmp_path / f"other.{name.partition('.')[2]}")
        assert (tmp_path / f"other.{name.partition('.')[2]}").read_bytes() == target.read_bytes()


def test_reading_goes_on_behind_damage(tmp_path: pathlib.Path) -> None:
    sound = iso2709(("001", "1"), ("245", "10$aOdes"))
    damaged = sound.replace(b"00", b"0x", 1)
    for source, from_ in ((sound + damaged + sound, "marc"), (b'{"a":1}\n' * 2, "jsonl")):
        records = mrrc_ct.read(source, from_)
        found: list[str] = []
        while True:
            try:
                found.append(type(next(records)).__name__)
            except StopIteration:
                break
            except errors.MarcError as error:
                found.append(f"{type(error).__name__} {error.record_number}")
        expected = {
            "marc": ["Record", "RecordLengthInvalid 2", "Record"],
            "jsonl": ["JsonStructureInvalid 1", "JsonStructureInvalid 2"],
        }
        assert found == expected[from_]


def test_errors_come_beside_the_records() -> None:
    sound = iso2709(("001", "1"), ("245", "10$aOdes"))
    reader = MARCReader(sound + sound.replace(b"00", b"0x", 1) + sound)
    found = [
        (record is not None, error and error.record_number)
        for record, error in reader.iter_with_errors()
    ]
    assert found == [(True, None), (False, 2), (True, None)]


def test_a_record_without_a_form_is_an_error_and_the_others_are_written(
    tmp_path: pathlib.Path,
) -> None:
    good, bad = Record.from_fields(TUPLES), Record.from_fields([("001", "a\x07")])
    with pytest.raises(errors.XmlCharacterForbidden):
        mrrc_ct.write([good, bad], tmp_path / "out.xml")
    assert mrrc_ct.write([good, bad], tmp_path / "out.xml", invalid_xml="replace") == 2
    with pytest.raises(errors.FormatUnknown):
        mrrc_ct.write([good], tmp_path / "out")

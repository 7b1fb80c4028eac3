"""Records, fields and leaders: made, read, edited."""

from __future__ import annotations

import copy
import io
import pathlib
import pickle
from typing import Any

import pytest
from marc import LEADER, LEADER_MARC8, iso2709

from mrrc_ct import Field, Indicators, Leader, MARCReader, Record, Subfield, errors


def odes() -> Record:
    return Record(
        iso2709(
            ("001", "12883376"),
            ("008", "920219s1993    caua   j      000 0 eng  "),
            ("020", "  $a0152038655 (alk. paper) :$c$15.95".replace("$15", "USD15")),
            ("100", "1 $aPindar,$eauthor."),
            ("245", "10$aOdes :$ba selection /$cPindar."),
            ("260", "  $aSan Diego :$bHarcourt,$cc1993."),
            ("500", "  $aOne."),
            ("650", " 0$aPoetry$vTranslations$xHistory."),
            ("650", " 1$aGreece."),
            ("880", "10$6245-01/$aX".replace("$6245-01/$a", "$6245-01/(N$a")),
        )
    )


# ---- fields


def test_a_record_gives_its_fields_by_tag() -> None:
    record = odes()
    assert record["245"] is record["245"]
    assert record["245"].tag == "245"
    assert "245" in record
    assert "999" not in record
    assert record.get("999") is None
    with pytest.raises(KeyError, match="999"):
        record["999"]
    assert [field.tag for field in record.get_fields("650", "100")] == ["100", "650", "650"]
    assert len(record.get_fields()) == len(record.fields) == 10
    assert [field.tag for field in record] == [field.tag for field in record.fields]


def test_a_field_gives_its_parts() -> None:
    field = odes()["245"]
    assert field.indicators == Indicators("1", "0")
    assert (field.indicator1, field.indicator2) == ("1", "0")
    assert field["a"] == field.get("a") == "Odes :"
    assert "b" in field
    assert "x" not in field
    assert field.get("x") is None
    assert field.get("x", "none") == "none"
    with pytest.raises(KeyError):
        field["x"]
    assert field.get_subfields("c", "a") == ["Odes :", "Pindar."]
    assert field.subfields[1] == Subfield("b", "a selection /")
    assert field.subfields[1].code == "b"
    assert field.subfields_as_dict() == {"a": ["Odes :"], "b": ["a selection /"], "c": ["Pindar."]}
    assert field.value() == "Odes : a selection / Pindar."
    assert str(field) == "=245  10$aOdes :$ba selection /$cPindar."
    assert list(field) == field.subfields
    assert field.data is None
    assert not field.control_field


def test_a_control_field_has_data_and_nothing_else() -> None:
    field = odes()["001"]
    assert field.control_field and field.is_control_field()
    assert field.data == field.value() == field.format_field() == "12883376"
    assert field.indicators is None
    assert (field.indicator1, field.indicator2) == ("", "")
    assert "a" not in field
    assert field.get_subfields("a") == []
    assert list(field) == []
    assert field.delete_subfield("a") is None
    with pytest.raises(KeyError):
        field["a"]
    with pytest.raises(AttributeError):
        _ = field.subfields
    with pytest.raises(AttributeError):
        field.indicators = ("1", "2")  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        odes()["245"].data = "x"


def test_edits_through_any_reference_persist() -> None:
    record = odes()
    field = record["245"]
    field["a"] = "Songs :"
    record["245"].add_subfield("n", "1.", pos=1)
    field.add_subfield("h", "[text]")
    assert record["245"].delete_subfield("c") == "Pindar."
    field.indicator1 = "0"
    record["001"].data = "new"
    expected = "00$aSongs :$n1.$ba selection /$h[text]"
    again = Record(record.as_marc())
    assert str(again["245"]) == "=245  " + expected
    assert again["001"].data == "new"
    assert record.as_marc()[24:] == again.as_marc()[24:]


def test_what_is_assigned_is_what_is_written() -> None:
    record = next(MARCReader(odes().as_marc()))
    record["245"].subfields = [Subfield("a", "New")]
    assert record["245"]["a"] == "New"
    record.leader = "00000cas a2200000   4500"
    record.fields = [field for field in record.fields if field.tag in ("001", "245")]
    again = Record(record.as_marc())
    assert [str(field) for field in again.fields] == ["=001  12883376", "=245  10$aNew"]
    assert again.leader[5:8] == "cas"
    # The same before anything else was looked at.
    record = next(MARCReader(odes().as_marc()))
    record.fields = []
    assert Record(record.as_marc()).fields == []
    record = next(MARCReader(odes().as_marc()))
    record.leader = Leader("00000dam a2200000   4500")
    assert record.as_marc()[5:6] == b"d"


@pytest.mark.parametrize(
    "content", [b"10Title", b"1\x1faT", b"10\x1f\x1faT", b"BOOK", b"10\x1faT\x1f"]
)
def test_looking_at_an_odd_field_leaves_it_as_it_is(content: bytes) -> None:
    data = iso2709(("001", "1"), ("245", content))
    record = Record(data)
    assert record["245"].subfields is not None
    assert record["245"].indicators is not None
    assert str(record)
    assert record.as_marc() == data
    assert copy.deepcopy(record).as_marc() == data
    record["245"].indicator1 = "9"
    assert record.as_marc() != data


def test_a_field_takes_what_its_tag_has_room_for() -> None:
    with pytest.raises(ValueError, match="no data"):
        Field("245", data="x")
    field = Field("500", None, [Subfield("a", "x")])
    with pytest.raises(ValueError, match=r"a list of Subfield\(code, value\)"):
        field.subfields = ["ab", "cd"]  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"a list of Subfield\(code, value\)"):
        Field("500", None, ["ab", "cd"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="no indicators or subfields"):
        Field("001", subfields=[Subfield("a", "x")])


def test_setting_a_subfield_needs_just_one() -> None:
    field = Field("650", (" ", "0"), [Subfield("a", "1"), Subfield("x", "2"), Subfield("x", "3")])
    with pytest.raises(KeyError, match="more than one"):
        field["x"] = "4"
    with pytest.raises(KeyError, match="no subfield"):
        field["z"] = "4"


def test_fields_are_added_in_order_and_in_groups() -> None:
    record = Record(fields=[Field(tag, data="") for tag in ("001", "008")])
    for tag in ("245", "700", "500"):
        record.add_field(Field(tag))
    record.add_ordered_field(Field("100"), Field("300"), Field("900"), Field("ABC"))
    assert [f.tag for f in record.fields] == [
        "001", "008", "100", "245", "300", "700", "500", "900", "ABC",
    ]  # fmt: skip
    record.add_grouped_field(Field("510"), Field("210"), Field("999"))
    assert [f.tag for f in record.fields] == [
        "001", "008", "100", "245", "210", "300", "510", "700", "500", "900", "999", "ABC",
    ]  # fmt: skip


def test_adding_in_order_and_in_groups_is_pymarcs(books: pathlib.Path) -> None:
    pymarc = pytest.importorskip("pymarc")
    tags = ["245", "100", "500", "700", "050", "ABC", "001", "490", "9X9", "010"]
    for method in ("add_ordered_field", "add_grouped_field"):
        ours, theirs = Record(), pymarc.Record()
        for tag in tags:
            getattr(ours, method)(Field(tag))
            getattr(theirs, method)(pymarc.Field(tag))
        assert [f.tag for f in ours.fields] == [f.tag for f in theirs.fields]


def test_removing_removes_the_very_field() -> None:
    twins = [Field("500", (" ", " "), [Subfield("a", "same")]) for _ in range(2)]
    record = Record(fields=twins)
    record.remove_field(twins[1])
    assert record.fields[0] is twins[0]
    assert len(record.fields) == 1
    with pytest.raises(errors.FieldNotFound):
        record.remove_field(twins[1])
    record = odes()
    record.remove_fields("650", "500")
    assert [f.tag for f in record.fields] == ["001", "008", "020", "100", "245", "260", "880"]


def test_tags_get_their_zeros() -> None:
    assert Field("1", data="x").tag == "001"
    assert Field(8, data="x").tag == "008"  # type: ignore[arg-type]
    assert Field("FMT").tag == "FMT"


def test_a_field_of_more_or_fewer_indicators_reads_as_two() -> None:
    # As pymarc reads them: blanks for missing ones, more than two left out.
    record = Record(iso2709(("245", b"\x1faT"), ("246", b"1\x1faT"), ("247", b"123\x1faT")))
    assert [record[tag].indicators for tag in ("245", "246", "247")] == [
        (" ", " "), ("1", " "), ("1", "2"),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="two indicators"):
        Field("245", ("1", "0", "0"))


def test_linked_fields() -> None:
    record = Record(
        iso2709(("245", "10$6880-01$aT"), ("500", "  $6880-09$aN"), ("880", "10$6245-01/(N/r$aX"))
    )
    assert record["880"].linkage_occurrence_num() == "01"
    assert record.get_linked_fields(record["245"]) == [record["880"]]
    assert record.get_linked_fields(Field("300")) == []
    with pytest.raises(errors.MissingLinkedFields):
        record.get_linked_fields(record["500"])


# ---- what a record says


def test_accessors() -> None:
    record = odes()
    assert record.title() == "Odes : a selection /"
    assert record.author() == "Pindar, author."
    assert record.isbn() == "0152038655"
    assert record.publisher() == "Harcourt,"
    assert record.pubyear() == "c1993."
    assert [field.format_field() for field in record.subjects()] == [
        "Poetry -- Translations -- History.", "Greece.",
    ]  # fmt: skip
    assert [field.tag for field in record.notes()] == ["500"]
    empty = Record()
    for name in (
        "title", "author", "isbn", "issn", "issn_title", "issnl", "sudoc", "uniform_title",
        "publisher", "pubyear",
    ):  # fmt: skip
        assert getattr(empty, name)() is None
    for name in (
        "series",
        "subjects",
        "added_entries",
        "location",
        "notes",
        "physical_description",
    ):
        assert getattr(empty, name)() == []


NAMES = {
    "title": "title", "author": "author", "isbn": "isbn", "issn": "issn", "issnl": "issnl",
    "issn_title": "issn_title", "sudoc": "sudoc", "uniform_title": "uniformtitle",
    "series": "series", "subjects": "subjects", "added_entries": "addedentries",
    "location": "location", "notes": "notes", "physical_description": "physicaldescription",
    "publisher": "publisher", "pubyear": "pubyear",
}  # fmt: skip


@pytest.mark.parametrize("size", ["books", "books_20k"])
def test_accessors_say_what_pymarcs_say(size: str, request: pytest.FixtureRequest) -> None:
    pymarc = pytest.importorskip("pymarc")
    path: pathlib.Path = request.getfixturevalue(size)

    def text(value: Any) -> Any:
        return [str(field) for field in value] if isinstance(value, list) else value

    with path.open("rb") as file:
        for ours, theirs in zip(MARCReader(path), pymarc.MARCReader(file)):
            for name, pymarc_name in NAMES.items():
                assert text(getattr(ours, name)()) == text(getattr(theirs, pymarc_name))
            assert str(ours) == str(theirs)
            for one, other in zip(ours.fields, theirs.fields):
                assert one.value() == other.value()
                assert one.format_field() == other.format_field()


def test_a_record_is_always_true() -> None:
    assert Record()


# ---- records made from nothing


def test_a_record_made_from_nothing_is_what_pymarc_reads() -> None:
    pymarc = pytest.importorskip("pymarc")
    record = Record()
    record.leader.bibliographic_level = "s"
    record.add_field(
        Field("001", data="xyz 1"),
        Field("245", Indicators("1", "0"), [Subfield("a", "Œuvres :"), Subfield("b", "日本 😀")]),
        Field("FMT", None, [Subfield("a", "")]),
    )
    record["245"]["a"] = "Écrits :"
    record.remove_fields("FMT")
    record.add_ordered_field(Field("100", ("1", " "), [Subfield("a", "X")]))
    theirs = next(pymarc.MARCReader(io.BytesIO(record.as_marc())))
    assert theirs.as_dict()["fields"] == [
        {"001": "xyz 1"},
        {"100": {"ind1": "1", "ind2": " ", "subfields": [{"a": "X"}]}},
        {"245": {"ind1": "1", "ind2": "0", "subfields": [{"a": "Écrits :"}, {"b": "日本 😀"}]}},
    ]
    assert theirs.leader.bibliographic_level == "s"
    assert theirs.leader.coding_scheme == "a"
    assert theirs.as_marc() == record.as_marc()


def test_an_empty_record_can_be_written_and_read() -> None:
    data = Record().as_marc()
    assert data == iso2709()
    assert Record(data).fields == []
    assert next(MARCReader(data)).as_marc() == data


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (Field("245", ("1", "0"), [Subfield("a", "x\x1ey")]), errors.DelimiterInData),
        (Field("245", ("1", "0"), [Subfield("a", "x\x1dy")]), errors.DelimiterInData),
        (Field("245", ("1", "0"), [Subfield("a", "x\x1fy")]), errors.DelimiterInData),
        (Field("001", data="x\x1ey"), errors.DelimiterInData),
        (Field("245", ("1", "0"), [Subfield("", "x")]), errors.SubfieldCodeInvalid),
        (Field("245", ("1", "0"), [Subfield("ab", "x")]), errors.SubfieldCodeInvalid),
        (Field("245", ("12", "0"), [Subfield("a", "x")]), errors.IndicatorsInvalid),
        (Field("245", ("", ""), [Subfield("a", "x")]), errors.IndicatorsInvalid),
        (Field("2455"), errors.TagInvalid),
        (Field("é45"), errors.TagInvalid),
        (Field("2 5"), errors.TagInvalid),
        (Field("245", ("1", "0"), [Subfield("a", "\ud800")]), errors.UnmappableCharacter),
    ],
)
def test_what_no_record_can_hold_is_an_error_that_names_the_field(
    field: Field, kind: type[Exception]
) -> None:
    record = Record(fields=[Field("001", data="1"), field])
    for write in (record.as_marc, record.to_xml, record.to_json, record.to_mrk):
        with pytest.raises(kind) as caught:
            write()
        if kind is not errors.UnmappableCharacter:
            assert field.tag in str(caught.value)


def test_damaged_data_is_refused_when_a_record_is_made() -> None:
    with pytest.raises(errors.RecordLengthInvalid):
        Record(b"hello, this is no MARC at all")
    one = iso2709(("001", "1"))
    with pytest.raises(errors.TruncatedRecord):
        Record(one[:-1])
    for data in (one + one, b"\n" + one):
        with pytest.raises(errors.RecordLengthInvalid, match="one record"):
            Record(data)


# ---- the leader


def test_the_leader_can_be_read_and_changed_by_name_and_position() -> None:
    record = odes()
    leader = record.leader
    assert leader.type_of_record == leader[6] == "a"
    assert leader[5:8] == "nam"
    assert len(leader) == 24
    leader.record_status = "c"
    leader[17] = "4"
    leader["cataloging_form"] = "i"
    leader[6:8] = "es"
    assert str(leader)[5:10] == "cesa"[:3] + " a"
    assert Record(record.as_marc()).leader[5:8] == "ces"
    assert str(Record(record.as_marc()).leader)[17:20] == "4i "
    with pytest.raises(errors.BadLeaderValue):
        leader.record_status = "xx"
    with pytest.raises(errors.BadLeaderValue):
        leader[23] = "xx"
    with pytest.raises(IndexError):
        leader[-1] = "x"
    with pytest.raises(errors.RecordLeaderInvalid):
        Leader("short")
    assert leader == str(leader)


def test_a_changed_leader_is_written_though_nothing_else_was_touched() -> None:
    record = next(MARCReader(odes().as_marc()))
    record.leader.record_status = "d"
    assert record.as_marc()[5:6] == b"d"
    assert record.as_marc()[6:] == odes().as_marc()[6:]


def test_a_leader_that_could_not_be_read_back_is_not_written() -> None:
    for character in ("\n", "é"):
        record = odes()
        record.leader[8] = character
        with pytest.raises(errors.RecordLeaderInvalid):
            record.as_marc()


def test_tags_that_add_up_by_chance_are_refused() -> None:
    with pytest.raises(errors.TagInvalid):
        Record(fields=[Field("AB"), Field("1234")]).as_marc()


def test_leader_09_decides_how_a_record_is_written() -> None:
    record = Record(iso2709(("245", b"10\x1fa\xe2e"), leader=LEADER_MARC8))
    record.leader.coding_scheme = "a"
    assert record.as_marc() == iso2709(("245", "10$aé"))
    record = Record(iso2709(("245", "10$aé")))
    record.leader.coding_scheme = " "
    assert record.as_marc() == iso2709(("245", b"10\x1fa\xe2e"), leader=LEADER_MARC8)


def test_asking_for_an_encoding_leaves_the_record_as_it_is() -> None:
    record = odes()
    record.as_marc("marc-8")
    record.to_xml()
    assert str(record.leader) == odes().as_marc()[:24].decode()
    assert record.as_marc() == odes().as_marc()


def test_unknown_encodings_and_options_are_refused() -> None:
    with pytest.raises(LookupError):
        odes().as_marc("utf-9")
    with pytest.raises(ValueError, match="invalid_xml"):
        odes().to_xml(invalid_xml="ignore")


@pytest.mark.parametrize(
    "copied_by", [copy.copy, copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))]
)
@pytest.mark.parametrize("touch", ["nothing", "leader", "fields", "subfields"])
def test_a_record_can_be_copied_whatever_was_looked_into(copied_by: Any, touch: str) -> None:
    for record in (odes(), next(MARCReader(odes().as_marc())), Record(fields=odes().fields)):
        before = record.as_marc()
        if touch == "leader":
            assert record.leader[5] == "n"
        if touch == "fields":
            assert record.title()
        if touch == "subfields":
            assert record["245"].subfields
        copied = copied_by(record)
        assert copied.as_marc() == before
        if copied_by is copy.copy:
            continue
        copied["245"]["a"] = "Songs"
        copied.leader[5] = "c"
        assert copied["245"]["a"] == "Songs"
        assert record.as_marc() == before
        assert Record(copied.as_marc())["245"]["a"] == "Songs"


def test_repr_helps() -> None:
    assert repr(odes()) == "<Record '12883376' 'Odes : a selection /', 10 fields>"
    assert repr(odes()["001"]) == "Field('001', data='12883376')"
    assert repr(odes()["500"]) == "Field('500', (' ', ' '), [Subfield('a', 'One.')])"
    assert repr(Leader(LEADER)) == f"Leader({LEADER!r})"
    assert repr(Record()) == "<Record, 0 fields>"


def test_subfields_that_can_be_gone_through_only_once_are_kept() -> None:
    field = Field("245", Indicators("1", "0"), iter([Subfield("a", "Odes")]))
    record = Record(fields=[field])
    for title in ("Odes", "Songs"):
        assert [str(one["245"]) for one in (Record(record.as_marc()), record)] == [
            f"=245  10$a{title}"
        ] * 2
        assert record.as_marc() == record.as_marc()
        field.subfields = iter([Subfield("a", "Songs")])  # type: ignore[assignment]

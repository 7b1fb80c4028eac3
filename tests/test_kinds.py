"""Records of the three formats, what their leaders say, and links between fields."""

from __future__ import annotations

import pathlib

import pytest
from marc import iso2709

import mrrc_ct
from mrrc_ct import (
    AuthorityRecord,
    Field,
    HoldingsRecord,
    Leader,
    MARCReader,
    Record,
    errors,
    pymarc,
)

TYPES = "acdefgijkmoprtquvwxyz"


def leader(type_of_record: str, level: str = "m") -> str:
    return f"00000n{type_of_record}{level} a2200000   4500"


AUTHORITY = iso2709(
    ("001", "n 79021164"),
    ("100", "1 $aTwain, Mark,$d1835-1910$vIndexes"),
    ("400", "1 $aClemens, Samuel Langhorne,$d1835-1910"),
    ("400", "1 $aConte, Louis de,$d1835-1910"),
    ("500", "1 $aSnodgrass, Quintus Curtius,$d1835-1910"),
    ("670", "  $aHis Adventures of Huckleberry Finn."),
    ("700", "1 $aTwain, Mark"),
    leader=leader("z", " "),
)
HOLDINGS = iso2709(
    ("001", "h1"),
    ("852", "0 $aDLC$bMain"),
    ("853", "20$81$av.$i(year)"),
    ("854", "20$82$asuppl."),
    ("863", "40$81.1$a1-10$i1990-1999"),
    ("863", "40$81.2$a11$i2000"),
    ("864", "40$89.1$a1"),
    ("866", " 0$av.1-11"),
    ("867", " 0$asuppl. 1"),
    ("868", " 0$aindex"),
    leader=leader("y", " "),
)


def test_one_reader_yields_the_right_class() -> None:
    for type_of_record in TYPES:
        data = iso2709(("001", "1"), leader=leader(type_of_record))
        expected = {"z": AuthorityRecord, **dict.fromkeys("uvxy", HoldingsRecord)}
        (record,) = MARCReader(data)
        assert type(record) is expected.get(type_of_record, Record)
        # So do the text formats.
        assert type(mrrc_ct.json_to_record(record.to_json())) is type(record)
        assert record.record_type() == type_of_record


def test_an_authority_record() -> None:
    (record,) = MARCReader(AUTHORITY)
    assert isinstance(record, AuthorityRecord)
    heading = record.heading()
    assert heading is record["100"]
    assert record.heading_text() == "Twain, Mark, 1835-1910 -- Indexes"
    assert [field["a"] for field in record.see_from_tracings()] == [
        "Clemens, Samuel Langhorne,",
        "Conte, Louis de,",
    ]
    assert [field.tag for field in record.see_also_tracings()] == ["500"]
    assert [field.tag for field in record.notes()] == ["670"]
    assert [field.tag for field in record.linking_entries()] == ["700"]
    assert record.title() is None
    assert (
        repr(record)
        == "<AuthorityRecord 'n 79021164' 'Twain, Mark, 1835-1910 -- Indexes', 7 fields>"
    )
    (empty,) = MARCReader(iso2709(("001", "1"), leader=leader("z")))
    assert isinstance(empty, AuthorityRecord)
    assert empty.heading() is empty.heading_text() is None


def test_a_holdings_record() -> None:
    (record,) = MARCReader(HOLDINGS)
    assert isinstance(record, HoldingsRecord)
    found = {
        name: [field.tag for field in getattr(record, name)()]
        for name in dir(HoldingsRecord)
        if name.startswith(("locations", "captions_", "enumeration_", "textual_"))
    }
    assert found == {
        "locations": ["852"],
        "captions_basic": ["853"],
        "captions_supplements": ["854"],
        "captions_indexes": [],
        "enumeration_basic": ["863", "863"],
        "enumeration_supplements": ["864"],
        "enumeration_indexes": [],
        "textual_holdings_basic": ["866"],
        "textual_holdings_supplements": ["867"],
        "textual_holdings_indexes": ["868"],
    }
    pairs = record.captioned_enumeration()
    assert [(field["8"], caption and caption["8"]) for field, caption in pairs] == [
        ("1.1", "1"),
        ("1.2", "1"),
        ("9.1", None),
    ]
    assert repr(record) == "<HoldingsRecord 'h1' 'DLC Main', 10 fields>"


@pytest.mark.parametrize("data", [AUTHORITY, HOLDINGS])
def test_a_record_of_any_format_can_be_made_of_its_bytes(data: bytes) -> None:
    (read,) = MARCReader(data)
    tags = [field.tag for field in read]
    for tag in tags:
        record = Record(data)
        assert record[tag].value() == read[tag].value()
        assert tag in record
        assert record.as_marc() == data
        record.add_field(Field("999"))
        record.remove_fields("999")
        assert record.as_marc() == data
        old = pymarc.Record(data)
        old[tag]
        old.add_field(pymarc.Field("999"))
        assert [field.tag for field in old] == [*tags, "999"]


def test_the_leader_tells_the_kind_of_material() -> None:
    def types(name: str, level: str = "m") -> str:
        return "".join([t for t in TYPES if getattr(Record(leader=leader(t, level)), name)()])

    # MARC 21 Format for Bibliographic Data, leader/06 and 008 by type of material.
    assert types("is_book") == "at"
    assert types("is_book", "s") == ""
    assert types("is_music") == "cdj"
    assert types("is_sound_recording") == "ij"
    assert types("is_map") == "ef"
    assert types("is_audiovisual") == "g"
    assert types("is_visual_material") == "gkor"
    assert types("is_computer_file") == "m"
    assert types("is_mixed_material") == "p"
    assert types("is_manuscript") == "dft"
    assert types("is_bibliographic") == "acdefgijkmoprt"
    assert types("is_authority") == "z"
    assert types("is_holdings") == "uvxy"
    assert types("is_continuing_resource", "i") == "a"
    assert types("is_serial", "i") == ""
    assert types("is_serial", "s") == TYPES


def test_the_leader_describes_its_values() -> None:
    one = Leader("00475cas a2200169 i 4500")
    assert one.describe("record_status") == "Corrected or revised"
    assert one.describe("type_of_record") == one.describe(6) == "Language material"
    assert one.describe("bibliographic_level") == "Serial"
    assert one.describe("coding_scheme") == "UCS/Unicode"
    assert one.describe("encoding_level") == "Full level"
    assert one.describe("cataloging_form") == "ISBD punctuation included"
    assert one.describe("record_length") is None
    assert one.problems() == []
    one.encoding_level = "9"
    assert one.describe("encoding_level") is None
    assert one.problems() == [
        "leader/17 is '9', not one of ' ', '1', '2', '3', '4', '5', '7', '8', 'u', 'z'"
    ]
    one.record_length = "0047x"
    assert one.problems()[0] == "leader/04 is 'x', not a digit"
    assert Leader("00475nz  a2200169n  4500").describe("encoding_level") == (
        "Complete authority record"
    )
    assert Leader("00475ny  a22001694  4500").describe(17) == "Holdings level 4"
    assert set(one.valid_values("type_of_record")) == set("acdefgijkmoprtuvxyz")
    with pytest.raises(IndexError, match="positions 0 to 23"):
        one.valid_values(24)
    with pytest.raises(AttributeError):
        one.describe("typo")


def test_leader_values_are_mrrcs_where_both_have_them() -> None:
    mrrc = pytest.importorskip("mrrc", reason="mrrc needs Python 3.10")
    for position in range(24):
        theirs = mrrc.Leader.get_valid_values(position)
        if theirs and position != 6:
            own = Leader().valid_values(position)
            assert set(own) == {" " if value == "#" else value for value in theirs}, position


def test_leaders_of_real_records_have_no_problems(books: pathlib.Path) -> None:
    for record in MARCReader(books):
        assert record.leader.problems() == []


# ---- links


LINKED = iso2709(
    ("100", "1 $6880-01$aHarrison, Lou"),
    ("245", "10$6880-02$aRu Harison"),
    ("260", "  $6880-09$aTokyo"),
    ("500", "  $aNote"),
    ("880", "1 $6100-01/$1$aハリソン"),
    ("880", "10$6245-02/$1$aルー"),
    ("880", "10$6245-02$aLou"),
    ("880", "  $6500-00$aUnlinked"),
)


def test_a_field_880_and_its_original() -> None:
    record = Record(LINKED)
    author, title, imprint, note = record.fields[:4]
    first, second, third, unlinked = record.get_fields("880")
    assert record.get_linked_fields(author) == [first]
    assert record.get_linked_fields(title) == [second, third]
    assert record.get_linked_field(title) is second
    assert record.get_linked_fields(note) == []
    with pytest.raises(errors.MissingLinkedFields, match="field 260") as caught:
        record.get_linked_fields(imprint)
    assert caught.value.tag == "260"
    assert record.get_linked_field(imprint) is None
    assert record.get_original_field(first) is author
    assert record.get_original_field(third) is title
    assert record.get_original_field(unlinked) is None
    assert record.get_original_field(Field("880", ("1", "0"))) is None
    assert record.get_field_pairs("245") == [(title, second)]
    assert record.get_field_pairs("260") == [(imprint, None)]

"""`Validator`: the rules of the bibliographic format, and a library's own."""

from __future__ import annotations

import json
import pathlib
import random
import re
import sys
import threading
from collections import Counter
from typing import Any, Callable

import pytest
from conftest import SHARED
from marc import LEADER, iso2709

import mrrc_ct
from mrrc_ct import Field, MARCReader, Record, Subfield, errors, pymarc
from mrrc_ct.leader_values import BIBLIOGRAPHIC
from mrrc_ct.validation import FAULTS, Fault, Validator

DOCS = pathlib.Path(__file__).parents[1] / "docs"
OWN_FACTS = pathlib.Path(mrrc_ct.__file__).with_name("marc21.tsv")
#: Books: one date, one place, one language.
F008 = "990101s1999    nyua          000 0 eng  "
#: What every record here has.
SOUND = [("001", "42"), ("008", F008), ("245", "10$aOdes")]


def record_of(*fields: tuple[str, str], leader: str = LEADER, with_sound: bool = True) -> Record:
    """A record of these fields, each a tag and its content, and what has to be there."""
    mine = {tag for tag, _ in fields}
    rest = [one for one in SOUND if one[0] not in mine] if with_sound else []
    return Record(iso2709(*sorted([*rest, *fields], key=lambda one: one[0]), leader=leader))


def told(validator: Validator, *fields: tuple[str, str], **options: Any) -> list[str]:
    return [
        f"{fault.place} {fault.code}" for fault in validator.check(record_of(*fields, **options))
    ]


@pytest.fixture(scope="module")
def marc21() -> Validator:
    return Validator.marc21()


# ---- one fault at a time


FIELDS = {
    "sound": ([("020", "  $a0836932722 (pbk.)"), ("650", " 0$aOdes$vTexts$xHistory$9local")], []),
    "another tag": ([("245", "10$aOdes"), ("246", "30$aOdes"), ("2A5", "  $ax")], ["2A5[0] field-unknown"]),
    "a local tag": ([("590", "ab$c"), ("949", "  $Z"), ("9XY", "  $a")], []),
    "an embedded field of holdings": ([("853", "29$q$q")], []),
    "an obsolete tag": ([("440", " 0$aSeries"), ("350", "  $a$2.00")], ["350[0] field-obsolete", "440[0] field-obsolete"]),
    "an obsolete control field": ([("009", "x")], ["009[0] field-obsolete"]),
    "an unknown control field": ([("002", "x")], ["002[0] field-unknown"]),
    "a repeated field": ([("245", "10$aOdes"), ("245", "10$aOdes"), ("245", "10$aOdes")], ["245[1] field-repeated", "245[2] field-repeated"]),
    "a repeated control field": ([("003", "DLC"), ("003", "DLC")], ["003[1] field-repeated"]),
    "two main entries": ([("100", "1 $aHorace"), ("110", "2 $aRome"), ("700", "1 $aPindar")], ["110[0] main-entry-repeated"]),
    "the same main entry twice": ([("100", "1 $aHorace"), ("100", "1 $aPindar")], ["100[1] field-repeated"]),
    "a first indicator": ([("245", "20$aOdes")], ["245[0] indicator-invalid"]),
    "both indicators": ([("650", "99$aOdes")], ["650[0] indicator-invalid", "650[0] indicator-invalid"]),
    "one indicator": ([("500", " $aNote")], ["500[0] indicator-invalid"]),
    "no indicators": ([("500", "$aNote")], ["500[0] indicator-invalid"]),
    "another subfield": ([("245", "10$aOdes$y$z")], ["245[0] subfield-unknown", "245[0] subfield-unknown"]),
    "a subfield of no code": ([("245", "10$aOdes$")], ["245[0] subfield-unknown"]),
    "a code that is not ASCII": ([("245", "10$aOdes$\u00e9\u00e8")], ["245[0] subfield-unknown"]),
    "an obsolete subfield": ([("245", "10$aOdes$dd")], ["245[0] subfield-obsolete"]),
    "a repeated subfield": ([("245", "10$aOdes$nI$bb$nII$bc$bd")], ["245[0] subfield-repeated"]),
    "no subfields": ([("500", "  ")], ["500[0] subfield-missing"]),
    "subfields of a control field": ([("003", "a$bc")], ["003[0] control-subfields"]),
    "subfields of a fixed-length field": ([("008", F008[:-1] + "$")], ["008[0] control-subfields"]),
    "which field it is": ([("650", " 0$aA"), ("650", "x0$aB"), ("651", " 0$aC")], ["650[1] indicator-invalid"]),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), FIELDS.values(), ids=FIELDS)
def test_tags_indicators_and_subfields(
    fields: list[tuple[str, str]], expected: list[str], marc21: Validator
) -> None:
    assert told(marc21, *fields) == expected


def test_what_has_to_be_there(marc21: Validator) -> None:
    missing = ["001 field-missing", "008 field-missing", "245 field-missing"]
    assert told(marc21, ("500", "  $aNote"), with_sound=False) == missing
    assert told(marc21, with_sound=False) == missing
    assert told(marc21, ("001", "1"), ("245", "10$aOdes"), with_sound=False) == missing[1:2]


@pytest.mark.parametrize("kind", "zuvxywq")
def test_records_of_other_formats_are_told_and_left_alone(kind: str, marc21: Validator) -> None:
    leader = f"{LEADER[:6]}{kind}{LEADER[7:]}"
    faults = marc21.check(record_of(("100", "zz$&"), leader=leader, with_sound=False))
    assert [(fault.code, fault.place, fault.position, fault.found) for fault in faults] == [
        ("record-type", "LDR", 6, kind)
    ]


# ---- fixed-length fields

FIXED = {
    "005": ([("005", "20161126041759.0")], []),
    "005, month 13": ([("005", "20161326041759.0")], ["005[0] fixed-value /04-05"]),
    "005, an hour and a dot": ([("005", "20161126241759,0")], ["005[0] fixed-value /08-09", "005[0] fixed-value /14"]),
    "005, short": ([("005", "2016112604175")], ["005[0] fixed-length"]),
    "006, books": ([("006", "aa     b    001 0b")], []),
    "006, books, an unknown biography": ([("006", "aa     b    001 0e")], ["006[0] fixed-value /17"]),
    "006, a serial": ([("006", "sar p       0   a0")], []),
    "006, a computer file": ([("006", "m     o  d        ")], []),
    "006, a map, of a projection": ([("006", "ea   bd a     0   ")], []),
    "006, a map, of none": ([("006", "ea   xx a     0   ")], ["006[0] fixed-value /05-06"]),
    "006, unknown": ([("006", "x                 ")], ["006[0] fixed-value /00"]),
    "006, long": ([("006", "m     o  d         ")], ["006[0] fixed-length"]),
    "006, empty": ([("006", "")], ["006[0] fixed-length"]),
    "007, text": ([("007", "ta")], []),
    "007, electronic": ([("007", "cr |||||||||||"), ("007", "cr cna001aaaaa")], []),
    "007, electronic, bit depth": ([("007", "cr cna1a1aaaaa")], ["007[0] fixed-value /06-08"]),
    "007, electronic, short": ([("007", "cr cna")], ["007[0] fixed-length"]),
    "007, a map": ([("007", "aj canzn")], []),
    "007, obsolete": ([("007", "ao bhfzn")], ["007[0] fixed-obsolete /01", "007[0] fixed-obsolete /03", "007[0] fixed-value /04"]),
    "007, unknown": ([("007", "yyy")], ["007[0] fixed-value /00"]),
    "007, empty": ([("007", "")], ["007[0] fixed-length"]),
    "007, a fill character for the category": ([("007", "|a")], ["007[0] fixed-value /00"]),
    "008, filled": ([("008", "990101" + 34 * "|")], []),
    "008, a day": ([("008", "990132" + F008[6:])], ["008[0] fixed-value /04-05"]),
    "008, a date filled": ([("008", "||||||" + F008[6:])], [f"008[0] fixed-value /{at}" for at in ("00", "01", "02-03", "04-05")]),
    "008, country": ([("008", F008[:15] + "zzz" + F008[18:])], ["008[0] fixed-value /15-17"]),
    "008, a country of old": ([("008", F008[:15] + "us " + F008[18:])], ["008[0] fixed-obsolete /15-17"]),
    "008, language": ([("008", F008[:35] + "xyz" + F008[38:])], ["008[0] fixed-value /35-37"]),
    "008, a language of old": ([("008", F008[:35] + "scr" + F008[38:])], ["008[0] fixed-obsolete /35-37"]),
    "008, no language": ([("008", F008[:35] + "   " + F008[38:])], []),
    "008, illustrations": ([("008", F008[:18] + "anbx" + F008[22:])], ["008[0] fixed-value /19", "008[0] fixed-value /21"]),
    "008, short": ([("008", F008[:39])], ["008[0] fixed-length"]),
    "008, long": ([("008", F008 + " ")], ["008[0] fixed-length"]),
    "008, not ASCII": ([("008", F008[:22] + "\u00e9" + F008[23:])], ["008[0] fixed-value /22"]),
}  # fmt: skip


def places(validator: Validator, *fields: tuple[str, str], **options: Any) -> list[str]:
    """Where faults are, and at which positions, as the messages tell it."""
    found = []
    for fault in validator.check(record_of(*fields, **options)):
        match = re.match(r"/([0-9]+)(-[0-9]+)?", fault.message)
        assert (match is None) == (fault.position is None)
        if match is not None:
            assert int(match[1]) == fault.position
        found.append(f"{fault.place} {fault.code}{f' {match[0]}' if match else ''}")
    return found


@pytest.mark.parametrize(("fields", "expected"), FIXED.values(), ids=FIXED)
def test_fixed_length_fields(
    fields: list[tuple[str, str]], expected: list[str], marc21: Validator
) -> None:
    assert places(marc21, *fields) == expected


MATERIALS = {
    "books": ("am", "a     b    001 0b"),
    "books, manuscripts": ("tm", "a     b    001 0b"),
    "continuing resources": ("as", "ar p       0   a0"),
    "integrating resources": ("ai", "kr d o     0   a2"),
    "computer files": ("mm", "     o  d        "),
    "maps": ("em", "a   bd a     0 e "),
    "music": ("jm", "jzn   ef    d  n "),
    "notated music": ("cm", "sya  oc        c "),
    "visual materials": ("gm", "090 e          vl"),
    "mixed materials": ("pc", "     o           "),
}


@pytest.mark.parametrize(("kind", "elements"), MATERIALS.values(), ids=MATERIALS)
def test_what_008_has_depends_on_the_leader(kind: str, elements: str, marc21: Validator) -> None:
    assert len(elements) == 17
    leader = f"{LEADER[:6]}{kind}{LEADER[8:]}"
    text = F008[:18] + elements + F008[35:]
    assert places(marc21, ("008", text), leader=leader) == []
    # Of another kind it would not do.
    other = "em" if kind[0] != "e" else "am"
    assert places(marc21, ("008", text), leader=f"{LEADER[:6]}{other}{LEADER[8:]}") != []
    # The same elements in 006, but for their positions.
    form = "s" if kind in ("as", "ai") else kind[0]
    assert places(marc21, ("006", form + elements)) == []


def test_a_leader_that_does_not_tell_what_the_record_is_of(marc21: Validator) -> None:
    leader = f"{LEADER[:6]}b{LEADER[7:]}"
    assert places(marc21, leader=f"{LEADER[:6]}s{LEADER[7:]}") == ["LDR fixed-value /06"]
    assert places(marc21, ("008", F008[:18] + " " * 17 + F008[35:]), leader=leader) == [
        "LDR fixed-obsolete /06"
    ]


def test_the_leader_is_held_to_what_describes_it(marc21: Validator) -> None:
    for position, values in BIBLIOGRAPHIC.items():
        for code in map(chr, range(32, 127)):
            leader = f"{LEADER[:position]}{code}{LEADER[position + 1 :]}"
            if position == 6 and code in "zuvxywq":
                continue
            record = Record(leader=leader)
            found = [one for one in marc21.check(record) if one.tag == "LDR"]
            assert (found == []) == (code in values), (position, code, found)
            assert {one.position for one in found} <= {position}
    # What is computed when the record is written is not looked at.
    assert not [
        one
        for one in marc21.check(Record(leader=f"xxxxx{LEADER[5:12]}yyyyy{LEADER[17:]}"))
        if one.tag == "LDR"
    ]


# ---- numbers and links


ISBNS = {
    "0836932722": "", "013801762X": "", "013801762x": "", "9781580233705": "",
    "9790000000001": "", "978-1-58023-370-5": "", "2-89031-350-6 (pbk.)": "",
    "0674002725(pbk.)": "", "0439210577 : v. 1 (pbk.)": "", "7805046107:": "",
    "0836932723": "isbn-check-digit", "9781580233706": "isbn-check-digit",
    "978-1-58023-370-6 (v. 2)": "isbn-check-digit", "157324510": "isbn-invalid",
    "09939791838": "isbn-invalid", "0415162181y": "isbn-invalid", "X123456789": "isbn-invalid",
    "9771580233705": "isbn-invalid", "978158023370X": "isbn-invalid", "(pbk.)": "isbn-invalid",
    "": "isbn-invalid", "*": "isbn-invalid", "$4.95": "isbn-invalid",
}  # fmt: skip
ISSNS = {
    "0272-9172": "", "0392-971X": "", "0392-971x (print)": "", "0272-9173": "issn-check-digit",
    "03935620": "issn-invalid", "0272-91720": "issn-invalid", "9780877146179": "issn-invalid",
    "": "issn-invalid",
}  # fmt: skip
LCCNS = {
    "   00000002 ": "", "   00000294 //r882": "", "   00001080 /MN/r943": "", "gm 71005810 ": "",
    "  2001045944": "", "sn2001058201": "", "agr25000003 ": "", "   00031886  ": "",
    "   00008026": "lccn-invalid", "00000002": "lccn-invalid", "   009975591 x": "lccn-invalid",
    "   00503204 (pbk)": "lccn-invalid", " n 00000002 ": "lccn-invalid", "  1999045944": "lccn-invalid",
    "2001-36783": "lccn-invalid", "": "lccn-invalid",
}  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "value", "code"),
    [
        (tag, value, code)
        for tag, values in (("020", ISBNS), ("022", ISSNS), ("010", LCCNS))
        for value, code in values.items()
    ],
)
def test_numbers(tag: str, value: str, code: str, marc21: Validator) -> None:
    record = Record(fields=[Field(tag, (" ", " "), [Subfield("z", "?"), Subfield("a", value)])])
    found = [one for one in marc21.check(record) if one.tag == tag]
    assert [(one.code, one.subfield, one.found) for one in found] == [
        (code, "a", value) for code in [code] if code
    ]


def test_check_digits_are_those_of_stdnum(marc21: Validator) -> None:
    isbn = pytest.importorskip("stdnum.isbn", reason="python-stdnum is not installed")
    issn = pytest.importorskip("stdnum.issn")
    rng = random.Random(8)
    outcomes = Counter[bool]()
    for _ in range(3000):
        digits = "".join(rng.choices("0123456789", k=9))
        bookland = f"{rng.choice(['978', '979', '977'])}{digits}"
        for tag, number, is_valid in (
            ("020", digits + rng.choice("0123456789Xx"), isbn.is_valid),
            ("020", bookland + rng.choice("0123456789"), isbn.is_valid),
            ("020", bookland + isbn.ean.calc_check_digit(bookland), isbn.is_valid),
            ("022", f"{digits[:4]}-{digits[4:7]}{rng.choice('0123456789X')}", issn.is_valid),
        ):
            record = Record(fields=[Field(tag, (" ", " "), [Subfield("a", number)])])
            is_sound = not [one for one in marc21.check(record) if one.tag == tag]
            assert is_sound == is_valid(number), number
            outcomes[is_sound] += 1
    assert min(outcomes.values()) > 300


LINKS = {
    "sound": ([("245", "10$6880-01$aOdes"), ("880", "10$6245-01/(3/r$aOdes")], []),
    "to nothing, and none": ([("880", "10$6245-00$aOdes")], []),
    "to no field": ([("880", "10$6245-01$aOdes")], ["880[0] link-missing"]),
    "from no field": ([("245", "10$6880-01$aOdes")], ["245[0] link-missing"]),
    "of another number": ([("245", "10$6880-01$aOdes"), ("880", "10$6245-02$aOdes")], ["245[0] link-missing", "880[0] link-missing"]),
    "of another tag": ([("245", "10$6880-01$aOdes"), ("880", "10$6246-01$aOdes")], ["245[0] link-missing", "880[0] link-missing"]),
    "to each other": ([("245", "10$6246-01$aOdes"), ("246", "30$6245-01$aOdes")], ["245[0] link-invalid", "246[0] link-invalid"]),
    "no link": ([("245", "10$6880$aOdes")], ["245[0] link-invalid"]),
    "a number too long": ([("245", "10$6880-001$aOdes"), ("880", "10$6245-001$aOdes")], ["245[0] link-invalid", "880[0] link-invalid"]),
    "no $6": ([("880", "10$aOdes")], ["880[0] subfield-missing"]),
    "many": ([("500", "  $6880-01$aA"), ("500", "  $6880-02$aB"), ("880", "  $6500-02$aB"), ("880", "  $6500-01$aA")], []),
    "the indicators of what it stands for": ([("880", "20$6245-00$aOdes"), ("880", " 7$6650-00$aOdes")], ["880[0] indicator-invalid"]),
    "the subfields of what it stands for": ([("880", "10$6245-00$aOdes$aOdes$x")], ["880[0] subfield-repeated", "880[0] subfield-unknown"]),
    "for a field without $6": ([("880", "  $6853-00$x"), ("880", "  $6010-00$a1")], []),
    "for an unknown field": ([("880", "zz$62A5-00$x")], []),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "expected"), LINKS.values(), ids=LINKS)
def test_links(fields: list[tuple[str, str]], expected: list[str], marc21: Validator) -> None:
    assert told(marc21, *fields) == expected


# ---- what a fault tells


def test_a_fault_tells_where_and_what(marc21: Validator) -> None:
    record = record_of(("245", "13$aOdes$cH.$cP."), ("650", " 0$aA"), ("650", "9 $aB"))
    faults = marc21.check(record)
    assert [str(fault) for fault in faults] == [
        "245[0] subfield-repeated: $c stands 2 times, should stand once",
        '650[1] indicator-invalid: indicator 1 is "9", should be one of " 012"',
        '650[1] indicator-invalid: indicator 2 is " ", should be one of "01234567"',
    ]
    assert faults[1] == Fault(
        "indicator-invalid", "error", "650", 1, None, 0, "9", faults[1].message
    )
    assert record.field_at(faults[1].tag, faults[1].occurrence or 0) is record.fields[-1]
    assert (faults[0].subfield, faults[0].position, faults[0].found) == ("c", None, "$c")


def test_faults_come_in_the_order_of_the_fields(marc21: Validator) -> None:
    fields = [("880", "10$6245-01$a"), ("245", "20$aOdes"), ("020", "  $a1"), ("245", "10$aOdes")]
    record = Record(iso2709(*fields))
    assert [fault.place for fault in marc21.check(record)] == [
        "880[0]", "245[0]", "020[0]", "245[1]", "001", "008",
    ]  # fmt: skip


def test_every_fault_is_documented_as_it_is() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (error|warning) \|", (DOCS / "validation.md").read_text(), re.M
    )
    assert rows == [(code, severity) for code, (severity, _) in FAULTS.items()]


def test_long_values_are_cut_in_messages(marc21: Validator) -> None:
    (fault,) = marc21.check(record_of(("020", f"  $a{'1' * 900}")))
    assert len(fault.found) == 900 and len(fault.message) < 100


def test_records_in_memory_are_checked_as_they_are(marc21: Validator) -> None:
    record = record_of()
    assert marc21.check(record) == []
    record["245"].indicators = ("1", "x")
    record.add_field(Field("500", (" ", " "), [Subfield("b", "?")]))
    record.leader.type_of_record = "t"
    assert [fault.code for fault in marc21.check(record)] == [
        "indicator-invalid",
        "subfield-unknown",
    ]
    assert [fault.code for fault in marc21.check(Record(record.as_marc()))] == [
        "indicator-invalid",
        "subfield-unknown",
    ]
    assert len(marc21.check(pymarc.Record(record.as_marc()))) == 2


def test_what_could_not_be_written_is_an_error(marc21: Validator) -> None:
    record = record_of()
    record.add_field(Field("500", (" ", " "), [Subfield("a", "x\x1ey")]))
    with pytest.raises(errors.DelimiterInData):
        marc21.check(record)
    record = record_of()
    record["245"].tag = "001"
    with pytest.raises(errors.TagInvalid):
        marc21.check(record)


def test_text_that_is_no_utf8_is_nothing_to_it(marc21: Validator) -> None:
    bad = Record(iso2709(*SOUND, ("500", b"  \x1faOd\xe9s\x1f\xe9b"), ("020", b"  \x1fa\xff")))
    assert {fault.code for fault in marc21.check(bad)} == {"isbn-invalid", "subfield-unknown"}


def test_marc8_and_other_encodings(marc21: Validator) -> None:
    leader = f"{LEADER[:9]} {LEADER[10:]}"
    assert marc21.check(record_of(("500", "  $aOd\u02b9"), leader=LEADER)) == []
    record = Record(iso2709(*SOUND, ("500", b"  \x1faOd\xe2es\x1fc"), leader=leader))
    assert [fault.code for fault in marc21.check(record)] == ["subfield-unknown"]
    record = Record(
        iso2709(*SOUND, ("500", b"  \x1faOd\xe9s"), leader=leader), from_encoding="latin-1"
    )
    assert marc21.check(record) == []


def test_a_record_larger_than_iso_2709_allows(marc21: Validator) -> None:
    fields = [
        Field(tag, data=data)
        if tag < "010"
        else Field(tag, (data[0], data[1]), [Subfield("a", data[4:])])
        for tag, data in SOUND
    ]
    fields += [Field("500", (" ", " "), [Subfield("a", "x" * 9000)]) for _ in range(50)]
    fields.append(Field("500", (" ", "9"), [Subfield("a", "x")]))
    assert [fault.place for fault in marc21.check(Record(fields=fields))] == ["500[50]"]


def test_many_different_shapes_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrrc_ct.validation._KNOWN_MAX", 10)
    validator = Validator.marc21()
    for tag in range(500, 600):
        told(validator, (str(tag), "  $a"), ("880", f"  $6{tag}-00$a"))
        assert len(validator._known) <= 10 and len(validator._alternates) <= 10
    long = "a" * 9000
    assert told(validator, ("500", "  " + "$a" * 3000)) == ["500[0] subfield-repeated"]
    assert told(validator, ("500", long)) == ["500[0] indicator-invalid", "500[0] subfield-missing"]
    assert max(map(len, validator._known)) < 1000


def test_one_validator_serves_threads(books: pathlib.Path) -> None:
    expected = [Validator.marc21().check(record) for record in MARCReader(books)]
    validator = Validator.marc21()
    found: list[Any] = [None] * 4

    def work(number: int) -> None:
        found[number] = [validator.check(record) for record in MARCReader(books)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


# ---- a library's own rules


def told_by(rules: dict[str, Any], *fields: tuple[str, str], **options: Any) -> list[str]:
    return told(Validator.from_mapping(rules), *fields, **options)


def fields_of(**fields: dict[str, Any]) -> dict[str, Any]:
    return {"fields": {tag.lstrip("f"): settings for tag, settings in fields.items()}}


OWN = {
    "a field of its own": (fields_of(f123={}), [("123", "xy$Z$Z")], []),
    "its subfields": (fields_of(f123={"subfields": "a b+"}), [("123", "xy$a$a$b$b$c$9")], ["123[0] subfield-repeated", "123[0] subfield-unknown"]),
    "its indicators": (fields_of(f123={"indicator1": "#1", "indicator2": "0"}), [("123", " 1$a"), ("123", "10$a"), ("123", "00$a")], ["123[0] indicator-invalid", "123[2] indicator-invalid"]),
    "once": (fields_of(f123={"repeatable": False}), [("123", "  $a"), ("123", "  $a")], ["123[1] field-repeated"]),
    "a field of the format, more than once": (fields_of(f245={"repeatable": True}), [("245", "10$aA"), ("245", "10$aB")], []),
    "a subfield more": (fields_of(f245={"subfields": "y+"}), [("245", "10$aOdes$y$y$z")], ["245[0] subfield-unknown"]),
    "a subfield that repeats now": (fields_of(f245={"subfields": "a+"}), [("245", "10$aOdes$aOdes$b$b")], ["245[0] subfield-repeated"]),
    "a subfield of old": (fields_of(f245={"subfields": "d"}), [("245", "10$aOdes$dd")], []),
    "other indicators": (fields_of(f650={"indicator2": "07"}), [("650", " 0$aA"), ("650", " 2$aA")], ["650[1] indicator-invalid"]),
    "an obsolete field": (fields_of(f440={}), [("440", " 0$aSeries")], []),
    "an obsolete field, by its block": (fields_of(f4XX={}), [("440", " 0$aSeries")], ["440[0] field-obsolete"]),
    "forbidden": (fields_of(f653={"forbidden": True}), [("653", "  $a"), ("654", "  $a")], ["653[0] field-forbidden"]),
    "a block forbidden, but for one": ({"fields": {"9XX": {"forbidden": True}, "949": {"forbidden": False}}}, [("949", "  $a"), ("950", "  $a")], ["950[0] field-forbidden"]),
    "one allowed, but for its block": ({"fields": {"949": {"forbidden": False}, "94.": {"forbidden": True}}}, [("949", "  $a")], ["949[0] field-forbidden"]),
    "a subfield of a block": ({"fields": {"5..": {"subfields": "y"}}}, [("500", "  $a$y"), ("520", "  $a$y"), ("600", "10$aA$y$z$w")], ["600[0] subfield-unknown"]),
    "a block is no definition": ({"fields": {"1..": {"subfields": "y"}}}, [("123", "  $a")], ["123[0] field-unknown"]),
    "subfields forbidden and required": (fields_of(f245={"forbidden_subfields": "h", "required_subfields": "a c"}), [("245", "10$h")], ["245[0] subfield-forbidden", "245[0] subfield-missing", "245[0] subfield-missing"]),
    "a field required": (fields_of(f040={"required": True}), [("020", "  $a0836932722")], ["040 field-missing"]),
    "a field required that is there": (fields_of(f040={"required": True}), [("040", "  $aDLC")], []),
    "a repeatable field required": (fields_of(f650={"required": True}), [("650", " 0$aA"), ("650", " 0$aB")], []),
    "a block required": (fields_of(f6XX={"required": True}), [("651", " 0$aA")], []),
    "a block required, and missing": (fields_of(f6XX={"required": True}), [("851", "  $a")], ["851[0] field-obsolete", "6XX field-missing"]),
    "a field required no more": (fields_of(f001={"required": False}, f008={"required": False}), [], []),
    "of 880, by what it stands for": (fields_of(f245={"subfields": "y", "forbidden_subfields": "c"}), [("880", "10$6245-00$a$y$c$z")], ["880[0] subfield-forbidden", "880[0] subfield-unknown"]),
    "of 880": (fields_of(f880={"forbidden": True}), [("880", "10$6245-00$a")], ["880[0] field-forbidden"]),
    "a severity": ({"severity": {"field-obsolete": "error", "lccn-invalid": "off"}}, [("440", " 0$aA"), ("010", "  $a1")], ["440[0] field-obsolete"]),
    "nothing missing": ({"severity": {"field-missing": "off"}}, [], []),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "fields", "expected"), OWN.values(), ids=OWN)
def test_own_rules(
    rules: dict[str, Any], fields: list[tuple[str, str]], expected: list[str]
) -> None:
    mine = {tag for tag, _ in fields}
    if not fields:  # it is about what is missing
        mine = set(rules["fields"]) if "fields" in rules else {tag for tag, _ in SOUND}
    sound = [one for one in SOUND if one[0] not in mine]
    assert told_by(rules, *sound, *fields, with_sound=False) == expected


def test_severities_are_told() -> None:
    rules = {"severity": {"field-obsolete": "error", "isbn-invalid": "warning"}}
    record = record_of(("020", "  $a1"), ("440", " 0$aA"))
    faults = Validator.from_mapping(rules).check(record)
    assert [(fault.code, fault.severity) for fault in faults] == [
        ("isbn-invalid", "warning"),
        ("field-obsolete", "error"),
    ]
    assert (
        told(
            Validator.marc21(["isbn-invalid", "field-obsolete"]), ("020", "  $a1"), ("440", " 0$aA")
        )
        == []
    )


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([], "rules: this should be a table"),
        ({"field": {}}, "rules: there is no setting 'field'; did you mean 'fields'?"),
        ({"fields": []}, "rules: fields should be a table, not []"),
        ({"fields": {"24": {}}}, "fields.24: a tag is three digits or letters"),
        ({"fields": {"24*": {}}}, "fields.24*: a tag is three digits or letters"),
        ({"fields": {"245": []}}, "fields.245: this should be a table"),
        ({"fields": {"245": {"repeatible": True}}}, "did you mean 'repeatable'?"),
        (
            {"fields": {"245": {"repeatable": "yes"}}},
            "repeatable should be true or false, not 'yes'",
        ),
        ({"fields": {"245": {"subfields": "ab"}}}, "subfields should be codes like 'a b+'"),
        ({"fields": {"245": {"subfields": ["a"]}}}, "subfields should be a text"),
        ({"fields": {"245": {"indicator1": "0|"}}}, "indicator1 should be the values"),
        ({"severity": {"isbn": "off"}}, "severity: there is no fault 'isbn'; did you mean 'isbn-"),
        (
            {"severity": {"isbn-invalid": "none"}},
            "severity.isbn-invalid: there is no severity 'none'",
        ),
        ({"severity": {"isbn-invalid": []}}, "severity.isbn-invalid: there is no severity []"),
    ],
)
def test_what_is_written_wrong_is_told(rules: Any, said: str) -> None:
    with pytest.raises(errors.RulesInvalid, match=re.escape(said)):
        Validator.from_mapping(rules)


def test_a_fault_that_there_is_not_cannot_be_ignored() -> None:
    with pytest.raises(
        errors.RulesInvalid, match="no fault 'isbn-checkdigit'; did you mean 'isbn-check-digit'"
    ):
        Validator.marc21(["isbn-checkdigit"])


@pytest.fixture
def documented(tmp_path: pathlib.Path) -> Callable[[str], pathlib.Path]:
    """A file with the example that docs/validation.md has of a language."""

    def path_of(language: str) -> pathlib.Path:
        text = (DOCS / "validation.md").read_text()
        path = tmp_path / f"ours.{language}"
        path.write_text(re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)[0])
        return path

    return path_of


def test_the_documented_rules_do_what_they_say(documented: Callable[[str], pathlib.Path]) -> None:
    if sys.version_info < (3, 11):
        pytest.importorskip("tomli", reason="Python before 3.11 reads TOML with tomli")
    validator = Validator.from_file(documented("toml"))
    sound = [
        ("008", F008),
        ("010", "  $a1"),
        ("040", "  $aDLC"),
        ("245", "10$aOdes$9x"),
        ("590", "1 $aA$bB$bC$5D"),
    ]
    assert told(validator, *sound, with_sound=False) == []
    assert told(validator, ("245", "10$h"), ("590", "2 $c"), ("590", "  $a$a"), ("949", "zz$z"), ("952", "  $a")) == [
        "245[0] subfield-forbidden", "245[0] subfield-missing",
        "590[0] indicator-invalid", "590[0] subfield-unknown", "590[1] indicator-invalid",
        "590[1] subfield-repeated", "952[0] field-forbidden", "040 field-missing",
    ]  # fmt: skip
    faults = validator.check(record_of(("020", "  $a0836932723"), ("040", "  $aDLC")))
    assert [(fault.code, fault.severity) for fault in faults] == [("isbn-check-digit", "warning")]


def test_the_same_rules_as_json(documented: Callable[[str], pathlib.Path]) -> None:
    path = documented("json")
    fields = [("010", "  $a1"), ("590", "zz$a$c")]
    expected = ["590[0] subfield-unknown", "040 field-missing"]
    assert told(Validator.from_file(path), *fields) == expected
    assert told(Validator.from_mapping(json.loads(path.read_text())), *fields) == expected


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", b"{", "a.json: the file cannot be read: Expecting"),
        ("a.json", b"\xff", "a.json: "),
        ("a.json", b"[" * 100_000, "a.json: "),
        ("a.json", b"[1]", "a.json: rules: this should be a table"),
        ("a.json", b'{"fields": {"245": {"x": 1}}}', "a.json: fields.245: there is no setting 'x'"),
        ("a.toml", b"[fields", "a.toml: "),
        ("a.toml", b"\xff", "a.toml: "),
        (
            "a.toml",
            b"[fields.245]\nsubfields = 1",
            "a.toml: fields.245: subfields should be a text",
        ),
    ],
)
def test_a_file_that_is_none_is_told(
    tmp_path: pathlib.Path, name: str, text: bytes, said: str
) -> None:
    if name.endswith("toml") and sys.version_info < (3, 11):
        pytest.importorskip("tomli", reason="Python before 3.11 reads TOML with tomli")
    path = tmp_path / name
    path.write_bytes(text)
    with pytest.raises(errors.RulesInvalid, match=re.escape(str(tmp_path / said))):
        Validator.from_file(path)


def test_the_same_rules_as_yaml(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("yaml", reason="YAML is read with PyYAML")
    path = tmp_path / "ours.yaml"
    path.write_text(
        "fields:\n  590:\n    subfields: a b+ 5\n    repeatable: false\n"
        "  040:\n    required: true\n  001:\n    required: no\n"
    )
    with pytest.raises(errors.RulesInvalid, match="required should be true or false, not 'no'"):
        Validator.from_file(path)
    path.write_text(path.read_text().replace("no\n", "false\n"))
    fields = [("590", "zz$a$c"), ("590", "zz$a")]
    expected = ["590[0] subfield-unknown", "590[1] field-repeated", "040 field-missing"]
    assert told(Validator.from_file(path), *fields) == expected


def test_a_file_that_is_not_there_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.SourceNotFound, match=r"none\.toml: cannot open"):
        Validator.from_file(tmp_path / "none.toml")
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(errors.SourceIsDirectory):
        Validator.from_file(tmp_path / "folder.json")


def test_without_what_reads_toml_it_is_told(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.toml"
    path.write_text("")
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    with pytest.raises(errors.RulesInvalid, match=r"mrrc-ct\[cli\]"):
        Validator.from_file(path)


# ---- many records


def test_validate_gives_the_records_with_faults(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    expected = [
        (number, str(fault))
        for number, record in enumerate(MARCReader(books), 1)
        for fault in Validator.marc21().check(record)
    ]
    xml = tmp_path / "books.xml"
    mrrc_ct.convert(books, xml)
    for path in (books, xml):
        found = mrrc_ct.validate(path)
        told = [(one.number, str(fault)) for one in found for fault in one.faults]
        assert told == expected != []
        assert found.records_checked == 150
        assert found.records_faulty == len({number for number, _ in expected})
    checked = next(iter(mrrc_ct.validate([books, xml])))
    assert checked.source == str(books)
    record = list(MARCReader(books))[checked.number - 1]
    assert checked.control_number == record["001"].value().strip()
    few = mrrc_ct.validate(books, Validator.marc21(["field-obsolete"]), where="440")
    codes = {fault.code for one in few for fault in one.faults}
    assert 0 < few.records_checked < 150 and "field-obsolete" not in codes


def test_records_that_cannot_be_decoded_are_told(books: pathlib.Path) -> None:
    bad = iso2709(*SOUND, ("500", b"  \x1faOd\xe9s"), leader=f"{LEADER[:9]} {LEADER[10:]}")
    data = bad + books.read_bytes()
    with pytest.raises(errors.TextError):
        list(mrrc_ct.validate(data, from_encoding="ascii"))
    lost: list[mrrc_ct.MarcError] = []
    found = mrrc_ct.validate(data, from_encoding="ascii", on_error=lost.append)
    assert list(found) and lost[0].record_number == 1
    assert found.records_checked == 151 - len(lost)


# ---- a slow validator that shares no code with this one


class Slow:
    """Field by field, straight from the table: the shared one where it is, or else the package's."""

    def __init__(self) -> None:
        shared = SHARED / "marc21-bibliographic.tsv"
        mine = OWN_FACTS.read_text()
        text = (
            shared.read_text() if shared.exists() else mine[mine.index("tag\t") :].split("\n\n")[0]
        )
        rows = [line.split("\t") for line in text.splitlines()[1:]]
        # What the shared one leaves out has no indicators and subfields told.
        more = re.findall(r"^([0-9]{3})\t(\w+)\tR\t-\t-\t-\t-$", mine, re.M)
        self.rows = {tag: [tag, status, "R", "-", "-", "-", "-"] for tag, status in more}
        self.rows.update({row[0]: row for row in rows})
        fixed = mine[mine.index("field\tmaterial") :].split("\n\n")[0]
        self.elements = [line.split("\t") for line in fixed.splitlines()[1:]]
        lists = mine[mine.index("list\tcodes") :]
        self.lists = {line.split("\t")[0]: line.split("\t")[1:] for line in lists.splitlines()[1:]}

    def faults(self, leader: str, fields: list[tuple[str, str]]) -> Counter[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        before = Counter[str]()
        for tag, content in fields:
            at = before[tag]
            before[tag] += 1
            if tag in self.rows:
                row = self.rows[tag]
                if row[1] == "obsolete":
                    found.append((tag, at, "field-obsolete"))
                if row[2] == "NR" and at:
                    found.append((tag, at, "field-repeated"))
                if tag > "009" and tag != "880" and row[5] != "-":
                    found += [(tag, at, *one) for one in self.content(row, content)]
            elif "9" not in tag:
                found.append((tag, at, "field-unknown"))
            if tag in ("005", "006", "007", "008"):
                found += [(tag, at, *one) for one in self.fixed(tag, content, leader)]
        return Counter(found)

    def content(self, row: list[str], content: str) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for position, values in enumerate(row[3:5]):
            if content[position : position + 1] not in list(values.replace("#", " ")):
                found.append(("indicator-invalid", position))
        codes = [part[:1] for part in content.split("\x1f")[1:]]
        for code in set(codes):
            if f"{code}+" in row[5].split() or (code == "9" and code not in row[5]):
                continue
            if code in row[5].split():
                found += [("subfield-repeated", code)] if codes.count(code) > 1 else []
            else:
                is_old = code in row[6].split()
                found.append(("subfield-obsolete" if is_old else "subfield-unknown", code))
        return found

    def fixed(self, tag: str, text: str, leader: str) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        kind = {"006": text[:1], "007": text[:1]}.get(tag, leader[6])
        if kind == "a" and tag == "008" and leader[7] in "bis":
            kind = "s"
        groups = "at:books m:computer s:continuing ef:maps p:mixed cdij:music gkor:visual"
        names = [one.split(":")[1] for one in groups.split() if kind in one.split(":")[0]]
        name = names[0] if names and kind else "nothing"
        end = 0
        for field, material, positions, _, values, obsolete in self.elements:
            start, last = (int(one) for one in (positions.split("-") * 2)[:2])
            if field == "008" and tag == "006" and material.startswith(name):
                start, last = start - 17, last - 17
            elif field != tag or not (material in ("*", kind) or material.startswith(name)):
                continue
            end = max(end, last + 1)
            may_fill = tag != "005" and start >= (6 if tag == "008" else 1)
            width = 1 if values[0] == "[" else last + 1 - start
            for at in range(start, last + 1, width):
                value = text[at : at + width]
                if len(value) < width or (may_fill and value == "|" * width):
                    continue
                if not self.allows(values, value, 0):
                    code = "fixed-obsolete" if self.allows(obsolete, value, 1) else "fixed-value"
                    found.append((code, at))
        length = {"005": 16, "006": 18, "008": 40}.get(tag, end)
        if len(text) != length and end > 1:
            found.append(("fixed-length", None))
        return found

    def allows(self, values: str, value: str, which: int) -> bool:
        if values == "-":
            return False
        if values[0] == "[":
            return re.fullmatch(values.replace("#", " "), value) is not None
        for one in values.replace("#", " ").split(" " if "##" not in values else None) or [values]:
            if one.startswith("@"):
                if value.rstrip() in self.lists[one[1:]][which].split():
                    return True
            elif re.fullmatch("[0-9]+-[0-9]+", one):
                low, high = one.split("-")
                if value.isdigit() and int(low) <= int(value) <= int(high):
                    return True
            elif value == one:
                return True
        return value.strip() == "" and "##" in values


#: What the slow one knows of.
KNOWN = {
    "field-unknown", "field-obsolete", "field-repeated", "indicator-invalid", "subfield-repeated",
    "subfield-obsolete", "subfield-unknown", "fixed-length", "fixed-value", "fixed-obsolete",
}  # fmt: skip


def fast(validator: Validator, record: Record) -> Counter[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for fault in validator.check(record):
        if fault.code not in KNOWN or fault.tag in ("LDR", "880"):
            continue
        place: tuple[Any, ...] = fault.tag, fault.occurrence, fault.code
        if fault.code.startswith("fixed"):
            place += (fault.position,)
        elif not fault.code.startswith("field"):
            place += (fault.position if fault.subfield is None else fault.subfield,)
        found.append(place)
    return Counter(found)


def plain(data: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Leader and fields of a sound record, by its directory."""
    base = int(data[12:17])
    fields = []
    for at in range(24, base - 1, 12):
        tag, length, start = (
            data[at : at + 3],
            int(data[at + 3 : at + 7]),
            int(data[at + 7 : at + 12]),
        )
        fields.append((tag.decode(), data[base + start : base + start + length - 1].decode()))
    return data[:24].decode(), fields


def agree_on(path: pathlib.Path, validator: Validator) -> Counter[str]:
    """How often each fault is found, by both."""
    slow, total = Slow(), Counter[str]()
    for record in MARCReader(path):
        found = fast(validator, record)
        assert found == slow.faults(*plain(record.as_marc())), record
        total.update(one[2] for one in found)
    return total


def test_the_slow_one_agrees_on_real_records(books: pathlib.Path, marc21: Validator) -> None:
    assert len(agree_on(books, marc21)) > 1


def test_the_slow_one_agrees_on_many_records(books_20k: pathlib.Path, marc21: Validator) -> None:
    assert len(agree_on(books_20k, marc21)) > 5


def damaged(rng: random.Random, tag: str, content: str, tags: list[str]) -> tuple[str, str]:
    """A field with something else in it: a tag, an indicator, a code, a character, a subfield."""
    choice = rng.randrange(5)
    if tag < "010":
        at = rng.randrange(len(content) + 1)
        return tag, content[:at] + rng.choice(["", "|", "x", "0", " ", "ab"]) + content[at + 1 :]
    if choice == 0:
        return rng.choice([one for one in tags if one > "009" and one != "880"]), content
    if choice == 1:
        at = rng.randrange(2)
        return tag, content[:at] + rng.choice(" 0123456789") + content[at + 1 :]
    head, *parts = content.split("\x1f")
    if choice == 2:
        parts.append(rng.choice("abcdefghijklmnopqrstuvwxyz01234578") + "x")
    elif choice == 3:
        parts.append(rng.choice(parts))
    else:
        at = rng.randrange(len(parts))
        parts[at] = rng.choice("abcdefghijklmnopqrstuvwxyz01234578") + parts[at][1:]
    return tag, "\x1f".join([head, *parts])


def test_the_slow_one_agrees_on_records_made_faulty(books: pathlib.Path, marc21: Validator) -> None:
    slow, total, rng = Slow(), Counter[str](), random.Random(21)
    tags = [*slow.rows, "2A5", "000", "123", "599", "9Z9"]
    sound = [plain(record.as_marc()) for record in MARCReader(books)]
    forms = ["aa     b    001 0b", "sar p       0   a0", "m     o  d        ", "ea   bd a     0   "]
    physical = [
        "cr |||||||||||",
        "aj canzn",
        "sd fsngnnmmned",
        "vf cbahos",
        "he amb024bbap",
        "ta",
        "fb a anaa|n",
    ]
    for _ in range(20):
        for leader, fields in sound:
            kind = rng.choice(["am", "tm", "as", "ai", "mm", "em", "jm", "gm", "pc", "om"])
            leader = f"{leader[:6]}{kind}{leader[8:]}"
            changed = [*fields, ("006", rng.choice(forms)), ("007", rng.choice(physical))]
            for _ in range(rng.randrange(1, 5)):
                at = rng.randrange(len(changed))
                changed[at] = damaged(rng, *changed[at], tags)
            if rng.random() < 0.1:
                changed.append(rng.choice(changed))
            record = Record(
                iso2709(*[(tag, text.encode()) for tag, text in changed], leader=leader)
            )
            found = fast(marc21, record)
            assert found == slow.faults(leader, changed), changed
            total.update(one[2] for one in found)
    assert set(total) == KNOWN

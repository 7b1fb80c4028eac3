"""Rules that change records, against the same edits made by hand with pymarc."""

from __future__ import annotations

import copy
import json
import pathlib
import re
import sys
from typing import Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marc import iso2709, split

import mrrc_ct
from mrrc_ct import MARCReader, Record, errors
from mrrc_ct._asking import Condition
from mrrc_ct.editing import Rules, changes

try:
    import pymarc
except ImportError:
    pymarc = None
by_hand_only = pytest.mark.skipif(pymarc is None, reason="pymarc 5.4 needs Python 3.10")

TIME = "20260102030405.6"


def edited(data: bytes, *rules: dict[str, Any]) -> bytes:
    """What the rules make of records, written."""
    made = Rules(rules)
    found = []
    for record in MARCReader(data):
        made.apply(record)
        found.append(record.as_marc())
    return b"".join(found)


def mrk(data: bytes) -> list[str]:
    """The fields of one record as MRK, without the leader."""
    return Record(data).to_mrk().splitlines()[1:-1]


# ---- the same by hand


def delete_9xx(record: Any) -> None:
    for field in list(record.fields):
        if field.tag[0] == "9":
            record.remove_field(field)


def delete_subfields(record: Any) -> None:
    for field in list(record.get_fields("650")):
        field.subfields = [one for one in field.subfields if one.code not in "xz"]
        if not field.subfields:
            record.remove_field(field)


def delete_by_indicator(record: Any) -> None:
    for field in list(record.get_fields("650")):
        if field.indicator2 == "0":
            record.remove_field(field)


def delete_if(record: Any) -> None:
    for field in list(record.get_fields("020")):
        if any("pbk" in value for value in field.get_subfields("a")):
            record.remove_field(field)


def replace_title(record: Any) -> None:
    for field in record.get_fields("245"):
        field.subfields = [
            one._replace(value=re.sub(" (:|/)$", r" [\1]", one.value)) if one.code in "ab" else one
            for one in field.subfields
        ]


def replace_in_all_subfields(record: Any) -> None:
    for field in record.fields:
        if field.tag[0] == "6":
            field.subfields = [
                one._replace(value=re.sub(r"\.$", "", one.value)) for one in field.subfields
            ]


def replace_characters(record: Any) -> None:
    for field in record.get_fields("008"):
        field.data = field.data[:35] + field.data[35:38].replace("eng", "ENG") + field.data[38:]


def set_characters(record: Any) -> None:
    for field in record.get_fields("008"):
        field.data = field.data[:39] + "d" + field.data[40:]
    record.leader = record.leader[:17] + "3" + record.leader[18:]


def add_field(record: Any) -> None:
    note = [pymarc.Subfield("a", "A note $5"), pymarc.Subfield("5", "DLC")]
    record.add_ordered_field(pymarc.Field("520", pymarc.Indicators("2", " "), note))


def add_subfield(record: Any) -> None:
    for field in record.get_fields("500"):
        field.add_subfield("5", "DLC")


def copy_field(record: Any) -> None:
    for field in list(record.get_fields("020")):
        new = copy.deepcopy(field)
        new.tag = "920"
        record.add_ordered_field(new)


def move_field(record: Any) -> None:
    for field in list(record.get_fields("260")):
        record.remove_field(field)
        record.add_ordered_field(pymarc.Field("264", pymarc.Indicators(" ", "1"), field.subfields))


def move_subfields(record: Any) -> None:
    for field in list(record.get_fields("260")):
        found = [one for one in field.subfields if one.code in "ab"]
        field.subfields = [one for one in field.subfields if one.code not in "ab"]
        if not field.subfields:
            record.remove_field(field)
        if found:
            record.add_ordered_field(pymarc.Field("264", field.indicators, found))


def rename_code(record: Any) -> None:
    for field in record.fields:
        if field.tag[0] == "6":
            field.subfields = [
                one._replace(code="v") if one.code == "x" else one for one in field.subfields
            ]


def copy_control_number(record: Any) -> None:
    for field in record.get_fields("001"):
        new = [pymarc.Subfield("a", field.data)]
        record.add_ordered_field(pymarc.Field("035", pymarc.Indicators(" ", " "), new))


def copy_language(record: Any) -> None:
    for field in record.get_fields("008"):
        new = [pymarc.Subfield("a", field.data[35:38])]
        record.add_ordered_field(pymarc.Field("041", pymarc.Indicators("0", " "), new))


def set_indicators(record: Any) -> None:
    for field in record.get_fields("245"):
        field.indicators = pymarc.Indicators(field.indicator1, "0")


def sort_fields(record: Any) -> None:
    record.fields.sort(key=lambda field: field.tag)


def stamp_changed(record: Any) -> None:
    if record.get_fields("651"):
        record.remove_fields("651")
        record["005"].data = TIME


def only_where(record: Any) -> None:
    if record["008"].data[35:38] == "eng" and "650" in record:
        record.remove_fields("100")


BY_HAND: list[tuple[list[dict[str, Any]], Callable[[Any], None]]] = [
    ([{"delete": "9XX"}], delete_9xx),
    ([{"delete": "650$xz"}], delete_subfields),
    ([{"delete": "650[*0]"}], delete_by_indicator),
    ([{"delete": '020 if $a =~ "pbk"'}], delete_if),
    ([{"replace": "245$ab", "pattern": " (:|/)$", "with": r" [\1]"}], replace_title),
    ([{"replace": "6XX", "pattern": r"\.$", "with": ""}], replace_in_all_subfields),
    ([{"replace": "008[35:38]", "pattern": "eng", "with": "ENG"}], replace_characters),
    ([{"set": "008[39]", "to": "d"}, {"set": "leader[17]", "to": "3"}], set_characters),
    ([{"add": "520 2_ $aA note {dollar}5$5DLC"}], add_field),
    ([{"add-subfield": "$5DLC", "to": "500"}], add_subfield),
    ([{"copy": "020", "to": "920"}], copy_field),
    ([{"move": "260", "to": "264[_1]"}], move_field),
    ([{"move": "260$ab", "to": "264"}], move_subfields),
    ([{"move": "6XX$x", "to": "6XX$v"}], rename_code),
    ([{"copy": "001", "to": "035$a"}], copy_control_number),
    ([{"copy": "008[35:38]", "to": "041[0_]$a"}], copy_language),
    ([{"indicators": "245", "to": "*0"}], set_indicators),
    ([{"sort": True}], sort_fields),
    ([{"delete": "651"}, {"stamp": TIME}], stamp_changed),
    ([{"delete": "100", "where": '008[35:38] == "eng" and 650'}], only_where),
]


def _compare(data: bytes, rules: list[dict[str, Any]], by_hand: Callable[[Any], None]) -> int:
    """See that rules do what is done by hand; to how many records."""
    made = Rules(rules)
    changed = 0
    theirs = pymarc.MARCReader(data, to_unicode=True)
    for raw, record, other in zip(split(data), MARCReader(data), theirs):
        numbers = made.apply(record)
        before = other.as_dict()
        by_hand(other)
        assert bool(numbers) is (other.as_dict() != before)
        if numbers:
            changed += 1
            assert record.as_marc() == other.as_marc()
        else:
            assert record.as_marc() == raw
    return changed


@by_hand_only
@pytest.mark.parametrize(("rules", "by_hand"), BY_HAND)
def test_rules_do_what_is_done_by_hand(
    books: pathlib.Path, rules: list[dict[str, Any]], by_hand: Callable[[Any], None]
) -> None:
    data = books.read_bytes()
    # None of these has a field of 9XX.
    assert (_compare(data, rules, by_hand) > 0) is (by_hand is not delete_9xx)


@by_hand_only
def test_all_rules_one_after_the_other(books: pathlib.Path) -> None:
    rules = [rule for found, _ in BY_HAND[:-2] for rule in found]

    def by_hand(record: Any) -> None:
        for _, function in BY_HAND[:-2]:
            function(record)

    assert _compare(books.read_bytes(), rules, by_hand) == 150


@by_hand_only
def test_all_rules_on_a_large_file(books_20k: pathlib.Path) -> None:
    data = books_20k.read_bytes()
    for rules, by_hand in BY_HAND[0], BY_HAND[3], BY_HAND[7], BY_HAND[-1]:
        assert _compare(data, rules, by_hand) > 0


# ---- what each verb does, field by field

RECORD = iso2709(
    ("001", "42"),
    ("005", "20240229123456.0"),
    ("008", "240101s1999    gw     000 0 ger d"),
    ("020", "  $a111$q(pbk.)$a222"),
    ("245", "10$6880-01$aFabeln /$cÄsop."),
    ("500", "  $aZ"),
    ("500", "  $aA"),
    ("650", " 0$aFables$xGreek$0(x)1"),
    ("650", " 7$aFabeln$2gnd$0(y)2"),
    ("880", "10$6245-01/(S$aαβ"),
    ("880", "  $6500-01$aother"),
)
WHOLE = mrk(RECORD)


def _line(tag: str, number: int = 0) -> int:
    """Where in WHOLE a field is."""
    return [index for index, line in enumerate(WHOLE) if line.startswith(f"={tag}")][number]


def expected(
    changed: dict[int, str | None] | None = None, before: dict[int, list[str]] | None = None
) -> list[str]:
    """WHOLE with some lines in the place of others, None for none, and new ones before some."""
    lines = []
    for index in range(len(WHOLE) + 1):
        lines += (before or {}).get(index, [])
        line = (changed or {}).get(index, WHOLE[index] if index < len(WHOLE) else None)
        lines += [] if line is None else [line]
    return lines


ISBN, TITLE, NOTE, FIRST, SECOND, END = 3, 4, 5, 7, 8, 11
DETAILS: list[tuple[dict[str, Any], list[str]]] = [
    # add: a field as people write it, behind those with the same tag
    ({"add": "500 __ $aB"}, expected(before={FIRST: [r"=500  \\$aB"]})),
    ({"add": "500 ## $aB"}, expected(before={FIRST: [r"=500  \\$aB"]})),
    ({"add": r"=500  \\$aB"}, expected(before={FIRST: [r"=500  \\$aB"]})),
    ({"add": "500 $aB"}, expected(before={FIRST: [r"=500  \\$aB"]})),
    ({"add": "500    $aB"}, expected(before={FIRST: [r"=500  \\$aB"]})),
    ({"add": "50000$aB"}, expected(before={FIRST: [r"=500  00$aB"]})),
    ({"add": "500 _1 $aB$b C "}, expected(before={FIRST: [r"=500  \1$aB$b C "]})),
    ({"add": "006 a b"}, expected(before={2: [r"=006  a\b"]})),
    ({"add": r"=006  \a"}, expected(before={2: [r"=006  \a"]})),
    ({"add": "LKR __ $ax"}, expected(before={END: [r"=LKR  \\$ax"]})),
    ({"add": "500 __ $a{lcub}1{rcub}"}, expected(before={FIRST: [r"=500  \\$a{lcub}1{rcub}"]})),
    # add-subfield
    (
        {"add-subfield": "$2x$5y", "to": "650[_0]"},
        expected({FIRST: r"=650  \0$aFables$xGreek$0(x)1$2x$5y"}),
    ),
    (
        {"add-subfield": "$5y", "to": '500, 650 if $a == "Z"'},
        expected({NOTE: r"=500  \\$aZ$5y"}),
    ),
    ({"add-subfield": "$5y", "to": "0XX"}, expected({ISBN: r"=020  \\$a111$q(pbk.)$a222$5y"})),
    # delete
    ({"delete": "6XX, 88X, 500"}, WHOLE[:5]),
    ({"delete": "650[_7], 245"}, expected({SECOND: None, TITLE: None})),
    ({"delete": "650[__]"}, WHOLE),
    ({"delete": "020$a"}, expected({ISBN: r"=020  \\$q(pbk.)"})),
    ({"delete": "500$a"}, expected({NOTE: None, NOTE + 1: None})),
    ({"delete": '650 if $2 == "gnd" and not $x'}, expected({SECOND: None})),
    ({"delete": '650$0 if $2 == "gnd"'}, expected({SECOND: r"=650  \7$aFabeln$2gnd"})),
    ({"delete": "XXX"}, WHOLE),
    ({"delete": "00X$a"}, []),
    # replace
    (
        {"replace": "650$0", "pattern": r"\(x\).*", "with": ""},
        expected({FIRST: r"=650  \0$aFables$xGreek"}),
    ),
    ({"replace": "500", "pattern": "Z", "with": ""}, expected({NOTE: None})),
    (
        {"replace": "020$a", "pattern": "1|2$", "with": "3"},
        expected({ISBN: r"=020  \\$a333$q(pbk.)$a223"}),
    ),
    (
        {"replace": "020$a[1:]", "pattern": "1", "with": "xy"},
        expected({ISBN: r"=020  \\$a1xyxy$q(pbk.)$a222"}),
    ),
    ({"replace": "020$a[1:9]", "pattern": "1", "with": "x"}, WHOLE),
    ({"replace": "001", "pattern": "^", "with": "ocm"}, expected({0: "=001  ocm42"})),
    ({"replace": "001", "pattern": ".", "with": ""}, expected({0: None})),
    ({"replace": "008[35:]", "pattern": "g", "with": "x"}, WHOLE),
    (
        {"replace": "008[:2]", "pattern": "(.)(.)", "with": r"\2\1"},
        expected({2: WHOLE[2].replace("240101", "420101")}),
    ),
    # set
    ({"set": "650[_7]$2", "to": "x"}, expected({SECOND: r"=650  \7$aFabeln$2x$0(y)2"})),
    ({"set": "500$a", "to": ""}, expected({NOTE: None, NOTE + 1: None})),
    ({"set": "008[0:6]", "to": "999999"}, expected({2: WHOLE[2].replace("240101", "999999")})),
    ({"set": "003", "to": "x"}, WHOLE),
    # copy
    ({"copy": "020", "to": "024[8*]"}, expected(before={TITLE: [r"=024  8\$a111$q(pbk.)$a222"]})),
    ({"copy": "020$a", "to": "024"}, expected(before={TITLE: [r"=024  \\$a111$a222"]})),
    ({"copy": "020$a", "to": "024$z"}, expected(before={TITLE: [r"=024  \\$z111$z222"]})),
    ({"copy": "020$aq", "to": "024$z"}, expected(before={TITLE: [r"=024  \\$z111 (pbk.) 222"]})),
    ({"copy": "020$a[0:2]", "to": "024$z"}, expected(before={TITLE: [r"=024  \\$z11$z22"]})),
    (
        {"copy": "245", "to": "500$a"},
        expected(before={FIRST: [r"=500  10$a880-01 Fabeln / Äsop."]}),
    ),
    (
        {"copy": "650$a", "to": "650$b"},
        expected({FIRST: WHOLE[FIRST] + "$bFables", SECOND: WHOLE[SECOND] + "$bFabeln"}),
    ),
    ({"copy": "001", "to": "003"}, expected(before={1: ["=003  42"]})),
    ({"copy": "020$a", "to": "001"}, expected({0: "=001  111"})),
    ({"copy": "020$a", "to": "006"}, expected(before={2: ["=006  111", "=006  222"]})),
    ({"copy": "leader[6:8]", "to": "900$a"}, expected(before={END: [r"=900  \\$aam"]})),
    ({"copy": "leader[6]", "to": "003"}, expected(before={1: ["=003  a"]})),
    ({"copy": "005[0:8]", "to": "900[12]$a"}, expected(before={END: [r"=900  12$a20240229"]})),
    (
        {"copy": "65X", "to": "69X"},
        expected(before={9: [r"=690  \0$aFables$xGreek$0(x)1", r"=690  \7$aFabeln$2gnd$0(y)2"]}),
    ),
    ({"copy": "650$z", "to": "690$z"}, WHOLE),
    # move
    (
        {"move": "500", "to": "590"},
        expected({NOTE: None, NOTE + 1: None}, {FIRST: [r"=590  \\$aZ", r"=590  \\$aA"]}),
    ),
    ({"move": "020$q", "to": "020$z"}, expected({ISBN: r"=020  \\$a111$z(pbk.)$a222"})),
    ({"move": "020$aq", "to": "020$z"}, expected({ISBN: r"=020  \\$z111 (pbk.) 222"})),
    ({"move": "001", "to": "035$a"}, expected({0: None}, {TITLE: [r"=035  \\$a42"]})),
    (
        {"move": "245$c", "to": "003"},
        expected({TITLE: "=245  10$6880-01$aFabeln /"}, {1: ["=003  Äsop."]}),
    ),
    (
        {"move": "650$0", "to": "650[11]$1"},
        expected(
            {FIRST: r"=650  \0$aFables$xGreek", SECOND: r"=650  \7$aFabeln$2gnd"},
            {9: ["=650  11$1(x)1", "=650  11$1(y)2"]},
        ),
    ),
    (
        {"move": "500, 500$a", "to": "590"},
        expected({NOTE: None, NOTE + 1: None}, {FIRST: [r"=590  \\$aZ", r"=590  \\$aA"]}),
    ),
    # … and the field 880 that is linked to a field goes along
    (
        {"move": "245", "to": "246"},
        expected({TITLE: "=246  10$6880-01$aFabeln /$cÄsop.", 9: "=880  10$6246-01/(S$aαβ"}),
    ),
    # indicators
    (
        {"indicators": "650", "to": "1_"},
        expected(
            {n: WHOLE[n].replace(r"\0", "1\\").replace(r"\7", "1\\") for n in (FIRST, SECOND)}
        ),
    ),
    ({"indicators": "650[*0]", "to": "*4"}, expected({FIRST: WHOLE[FIRST].replace(r"\0", r"\4")})),
    ({"indicators": "00X", "to": "11"}, []),
    # sort, stamp
    ({"sort": True}, WHOLE),
    ({"stamp": TIME}, expected({1: f"=005  {TIME}"})),
]


@pytest.mark.parametrize(("rule", "lines"), [one for one in DETAILS if one[1]])
def test_a_rule_field_by_field(rule: dict[str, Any], lines: list[str]) -> None:
    record = next(MARCReader(RECORD))
    assert Rules([rule]).apply(record) == ((1,) if lines != WHOLE else ())
    assert mrk(record.as_marc()) == lines
    # It is the same for a record that is already being edited, and for one without bytes.
    for other in (Record(RECORD), mrrc_ct.mrk_to_record(Record(RECORD).to_mrk())):
        assert other.fields and other.leader
        Rules([rule]).apply(other)
        assert mrk(other.as_marc()) == lines


def test_fields_are_sorted_by_tag_and_stay_in_order_otherwise() -> None:
    tags = ["650", "245", "LKR", "500", "245", "001", "9XX", "100"]
    data = iso2709(*((tag, "42" if tag == "001" else f"  $a{n}") for n, tag in enumerate(tags)))
    assert [line[1:4] + line[-1] for line in mrk(edited(data, {"sort": True}))] == [
        *("0012", "1007", "2451", "2454", "5003", "6500", "9XX6", "LKR2"),
    ]


def test_later_rules_see_what_earlier_ones_did() -> None:
    lines = mrk(
        edited(
            RECORD,
            {"copy": "001", "to": "035$a"},
            {"replace": "035$a", "pattern": "^", "with": "(X)"},
            {"delete": "500", "where": '035$a == "(X)42"'},
            {"add": "900 __ $ano", "where": "500"},
            {"stamp": TIME, "where": "245"},
        )
    )
    assert lines == expected(
        {1: f"=005  {TIME}", NOTE: None, NOTE + 1: None}, {TITLE: [r"=035  \\$a(X)42"]}
    )


def test_only_what_has_changed_is_stamped() -> None:
    stamp = {"stamp": TIME}
    assert edited(RECORD, {"delete": "999"}, stamp) == RECORD
    assert mrk(edited(RECORD, {"delete": "500$a"}, stamp))[1] == f"=005  {TIME}"
    assert mrk(edited(RECORD, stamp))[1] == f"=005  {TIME}"
    without = edited(RECORD, {"delete": "005"})
    assert mrk(edited(without, stamp)) == mrk(edited(RECORD, stamp))
    # Of two sets of rules the second does not begin anew.
    both = Rules([{"delete": "999"}]) + Rules([stamp])
    assert both.apply(Record(RECORD)) == ()


def test_now_is_the_time_in_utc() -> None:
    from datetime import datetime, timezone

    before = datetime.now(timezone.utc)
    found = mrk(edited(RECORD, {"stamp": "now"}))[1][6:]
    assert re.fullmatch(r"\d{14}\.\d", found)
    assert f"{before:%Y%m%d%H%M%S}" <= found <= f"{datetime.now(timezone.utc):%Y%m%d%H%M%S}.9"


# ---- records that stay what they are


@pytest.mark.parametrize("name", ["books", "awkward"])
@pytest.mark.parametrize(
    "rules",
    [
        [{"delete": "999"}],
        # These look into each record, and change nothing.
        [{"replace": "...$a", "pattern": "no such thing", "with": ""}],
        [{"delete": '... if $a == "no such thing"'}],
        [{"add": "500 __ $ax", "where": "not 001 and 001"}],
    ],
)
def test_untouched_records_are_written_as_they_came(
    name: str, rules: list[dict[str, Any]], request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(name).read_bytes()
    assert edited(data, *rules) == data


def test_untouched_records_in_marc8(books: pathlib.Path) -> None:
    data = b"".join(record.as_marc("marc-8", unmappable="ncr") for record in MARCReader(books))
    rules = Rules([{"replace": "...", "pattern": "[äöü]", "with": ""}])
    changed = 0
    for raw, record in zip(split(data), MARCReader(data)):
        if rules.apply(record):
            changed += 1
        else:
            assert record.as_marc() == raw
    assert 0 < changed < 20


def test_a_rule_that_fails_leaves_the_record_as_it_was() -> None:
    rules = Rules(
        [{"delete": "500"}, {"replace": "008[35:38]", "pattern": "ger", "with": "german"}]
    )
    for make in (lambda: next(MARCReader(RECORD)), lambda: Record(RECORD)):
        record = make()
        # 008 is too short for the slice.
        assert rules.apply(record) == (1,)
    data = RECORD.replace(b"gw     000 0 ger d", b"gw  d  000 0 gXr d")
    rules = Rules([{"delete": "500"}, {"replace": "008[19]", "pattern": "d", "with": "de"}])
    reader = MARCReader(data * 2)
    with pytest.raises(errors.RuleFailed, match=r"record 1, .*rule 2, replace 008\[19\]: 'd'") as e:
        rules.apply(reader.read_record())
    assert e.value.rule == 2
    assert e.value.tag == "008"
    record = next(reader)
    record["245"]["c"] = "Aesop."
    written = record.as_marc()
    with pytest.raises(errors.RuleFailed, match="record 2"):
        rules.apply(record)
    assert record.as_marc() == written
    with pytest.raises(errors.RuleFailed, match="2 values cannot be moved"):
        Rules([{"move": "020$a", "to": "001"}]).apply(Record(RECORD))
    with pytest.raises(errors.RuleFailed, match="no subfields"):
        Rules([{"copy": "0XX", "to": "0XX$a"}]).apply(Record(RECORD))
    with pytest.raises(errors.RuleFailed, match="a text needs a code"):
        Rules([{"copy": "0XX", "to": "9XX"}]).apply(Record(RECORD))


def test_text_that_cannot_be_read_leaves_the_record_as_it_was() -> None:
    bad = iso2709(("001", "1"), ("245", b"00\x1fa\xff"), ("500", "  $ax"))
    for rule in (
        {"delete": "500 if $a"},
        {"delete": "500", "where": "001"},
    ):
        record = next(MARCReader(bad))
        assert Rules([rule]).apply(record) == (1,)
    # A filter is asked of what can be read.
    unread = next(MARCReader(bad))
    assert Rules([{"delete": "500", "where": '245$a == "x"'}]).apply(unread) == ()
    assert unread.as_marc() == bad
    record = next(MARCReader(bad))
    with pytest.raises(errors.Utf8Invalid, match="field 245"):
        Rules([{"replace": "245$a", "pattern": "x", "with": "y"}]).apply(record)
    assert record.as_marc() == bad


def test_records_by_their_number(books: pathlib.Path) -> None:
    rules = Rules([{"add": "500 __ $ax", "where": "number > 3 and number <= 5"}])
    assert [n for n, one in enumerate(MARCReader(books), 1) if rules.apply(one)] == [4, 5]


# ---- laws

CODES = st.sampled_from("ab02")
TEXT = st.text(st.sampled_from("xyZ .é"), max_size=4)
SUBFIELDS = st.lists(st.tuples(CODES, TEXT), min_size=1, max_size=4)
TAGS = st.sampled_from(["020", "245", "500", "650", "651", "9AB"])
DATA_FIELDS = st.tuples(TAGS, st.sampled_from(["  ", "10", " 0", " 7"]), SUBFIELDS)
CONTROL_FIELDS = st.tuples(
    st.sampled_from(["001", "005", "006", "008"]), st.text("abz", max_size=6)
)
RECORDS = st.builds(
    lambda control, data: Record.from_fields([*control, *data]).as_marc(),
    st.lists(CONTROL_FIELDS, max_size=3),
    st.lists(DATA_FIELDS, min_size=1, max_size=6),
)
DATA_PATHS = st.sampled_from(
    ["020", "245[10]", "6XX", "650[_7]", "651, 500", '650 if $2 == "x"', "... if not $a"]
)
CODE_PATHS = st.sampled_from(["020$a", "245$ab", "6XX$0", "650[*0]$2", "651$a, 500$b", "...$a"])
TEXT_PATHS = st.sampled_from(["001", "00X", "008[1:3]", "020$a", "245$ab", "...$a", "650$a[1:]"])
WHERES = st.sampled_from(
    [None, "650", "not 245", '...$a =~ "x"', "500:count > 1", 'leader[5] == "c"']
)


def rule(**keys: Any) -> st.SearchStrategy[dict[str, Any]]:
    """A rule with values for these keys, and a condition or none."""
    fixed = {name.replace("_", "-"): one for name, one in keys.items()}
    return st.builds(
        lambda found, where: found if where is None else {**found, "where": where},
        st.fixed_dictionaries(fixed),
        WHERES,
    )


RULES = st.one_of(
    rule(add=st.sampled_from(["500 __ $ax", "651 _0 $by$0z", "006 ab"])),
    rule(add_subfield=st.just("$2x"), to=DATA_PATHS),
    rule(delete=DATA_PATHS | CODE_PATHS | st.sampled_from(["001", "00X"])),
    rule(
        replace=TEXT_PATHS,
        pattern=st.sampled_from(["x", "^.", "(.)(.)", " *$"]),
        **{"with": st.sampled_from(["", "y", "x"])},
    ),
    rule(set=st.sampled_from(["020$a", "...$0", "001", "leader[5]"]), to=st.sampled_from("cx")),
    rule(copy=DATA_PATHS | CODE_PATHS, to=st.sampled_from(["651", "900[1*]"])),
    rule(copy=CODE_PATHS | TEXT_PATHS, to=st.sampled_from(["651$a", "900$x", "001"])),
    rule(move=DATA_PATHS | CODE_PATHS, to=st.sampled_from(["651", "900[1*]", "6XX"])),
    rule(move=CODE_PATHS, to=st.sampled_from(["651$a", "...$x"])),
    rule(indicators=DATA_PATHS, to=st.sampled_from(["__", "1*", "*0"])),
    rule(sort=st.just(True)),
    rule(stamp=st.just(TIME)),
)


def holds(where: str, record: Record) -> bool:
    return Condition(where).holds(record)


@given(RECORDS, st.lists(RULES, max_size=4))
@settings(deadline=None)
def test_rules_do_no_more_than_they_say(data: bytes, rules: list[dict[str, Any]]) -> None:
    made, slow = Rules(rules), Rules(rules)
    slow._concerned = None  # every rule looks at every record
    record, other, read = (next(MARCReader(data)) for _ in range(3))
    try:
        numbers = made.apply(record)
    except errors.RuleFailed:
        assert record.as_marc() == data
        with pytest.raises(errors.RuleFailed):
            slow.apply(other)
        with pytest.raises(errors.RuleFailed):
            made.preview(read)
        return
    assert slow.apply(other) == numbers
    written = other.as_marc()
    assert record.as_marc() == written
    if not numbers:
        assert written == data
    # What is shown is the difference, and nothing is done.
    shown = made.preview(read)
    assert read.as_marc() == data
    before, after = Record(data).to_mrk().splitlines(), Record(written).to_mrk().splitlines()
    gone, come = ([line[1:] for line in shown if line[0] == sign] for sign in "-+")
    # Of the leader only the lengths may be others.
    assert sorted(before[1:] + [one for one in come if one[:4] != "=LDR"]) == sorted(
        after[1:] + [one for one in gone if one[:4] != "=LDR"]
    )
    # One rule that has changed something has made a difference.
    if len(numbers) == len(rules) == 1:
        assert shown


@given(RECORDS, DATA_PATHS | CODE_PATHS | TEXT_PATHS)
@settings(deadline=None)
def test_what_is_deleted_is_gone_and_nothing_else(data: bytes, path: str) -> None:
    record = Record(data)
    if "[1:" in path:
        return
    (changed,) = [Rules([{"delete": path}]).apply(record)]
    places, _, condition = path.partition(" if ")
    if not condition:
        alternatives = " or ".join(places.replace("6XX", "6..").replace("00X", "00.").split(","))
        assert not holds(alternatives, record)
        assert bool(changed) == holds(alternatives, Record(data))
    # What is left stands there as before, in the same order.
    left = iter([line for field in Record(data).fields for line in _parts(field)])
    assert all(part in left for field in record.fields for part in _parts(field))


def _parts(field: Any) -> list[tuple[str, ...]]:
    if field.control_field:
        return [(field.tag, field.data)]
    return [(field.tag, *field.indicators, code, value) for code, value in field.subfields]


@given(RECORDS, st.sampled_from(["020", "650", "500", "9AB"]), st.sampled_from(["", "$a", "$b0"]))
@settings(deadline=None)
def test_what_is_moved_arrives(data: bytes, tag: str, codes: str) -> None:
    record = Record(data)
    Rules([{"move": tag + codes, "to": "999"}]).apply(record)
    wanted = codes[1:] or "ab02"

    def values(found: Record, tags: str) -> list[tuple[str, ...]]:
        fields = [field for field in found.fields if field.tag == tags]
        return [part[1:] for field in fields for part in _parts(field) if part[3] in wanted]

    assert values(record, "999") == values(Record(data), tag)
    assert values(record, tag) == []


# ---- rules that are not written as they should be


@pytest.mark.parametrize(
    ("rule", "key", "said"),
    [
        ({}, None, "there should be one of add, add-subfield"),
        ({"delet": "9XX"}, None, "did you mean delete?"),
        ({"delete": "9XX", "add": "500 $ax"}, None, "delete and add"),
        ("delete 9XX", None, "keys with values"),
        ({"delete": "9XX", "wher": "650"}, "wher", "only delete and where"),
        ({"delete": "9XX", "to": "650"}, "to", "only delete and where"),
        ({"delete": 9}, "delete", "in quotation marks, not 9"),
        ({"delete": "65"}, "delete", "'65' is no place"),
        ({"delete": "650|651"}, "delete", "should end before this\n  650|651\n     ^"),
        ({"delete": "650 if"}, "delete", "a place is missing"),
        ({"delete": '650 if $2 = "x"'}, "delete", "a comparison is written =="),
        ({"delete": '650 if $2 =~ "("'}, "delete", "regular expression"),
        ({"delete": "650 if leader[5]"}, "delete", "the field by itself"),
        ({"delete": "008[3]"}, "delete", "only fields and subfields"),
        ({"delete": "leader[5]"}, "delete", "only fields and subfields"),
        ({"delete": "number"}, "delete", "are what they are"),
        ({"delete": "650", "where": "offset == 3"}, "where", "not known here"),
        ({"delete": "650", "where": "245$a =~ '('"}, "where", "regular expression"),
        ({"replace": "245$a", "pattern": "("}, "with", "replace needs it"),
        ({"replace": "245$a", "pattern": "(", "with": ""}, "pattern", "unterminated subpattern"),
        ({"replace": "245$a", "pattern": ".", "with": r"\1"}, "with", "invalid group reference"),
        ({"replace": "leader", "pattern": ".", "with": "x"}, "replace", "as leader[5]"),
        ({"set": "leader[9:13]", "to": "aaaa"}, "set", "are computed"),
        ({"set": "leader[23:30]", "to": "a"}, "set", "24 characters"),
        ({"set": "008[35:38]", "to": "en"}, "to", "not as many characters as the place: 'en'"),
        ({"set": "245", "to": "x"}, "set", "which subfield, as 245$a"),
        ({"set": "245$a", "to": "a\x1fb"}, "to", "a control character"),
        ({"set": "245$a", "to": "\ud800"}, "to", "a control character"),
        ({"add": "500"}, "add", "has no subfield"),
        ({"add": "500 1 $ax"}, "add", "two indicators"),
        ({"add": "500 1! $ax"}, "add", "two indicators"),
        ({"add": "500 __ $ax$ y"}, "add", "{dollar}"),
        ({"add": "500 __ $"}, "add", "{dollar}"),
        ({"add": "001"}, "add", "the data should stand behind 001"),
        ({"add": "LDR x"}, "add", "begins with its tag"),
        ({"add": "$ax"}, "add", "begins with its tag"),
        ({"add": "500 __ $ax\n=501  $ay"}, "add", "a control character"),
        ({"add-subfield": "5DLC", "to": "500"}, "add-subfield", "begins with $"),
        ({"add-subfield": "$5DLC"}, "to", "add-subfield needs it"),
        ({"add-subfield": "$5DLC", "to": "500$a"}, "to", "without $"),
        ({"copy": "001", "to": "035"}, "to", "as 035$a"),
        ({"copy": "leader", "to": "035$a"}, "copy", "as leader[6]"),
        ({"copy": "leader[6]", "to": "9XX$a"}, "to", "no tag that an X"),
        ({"copy": "245", "to": "246, 247"}, "to", "one field or subfield"),
        ({"copy": "245", "to": "246 if $a"}, "to", "one field or subfield"),
        ({"copy": "245", "to": "246$ab"}, "to", "one field or one code"),
        ({"copy": "245", "to": "leader[5]"}, "to", "one field or subfield"),
        ({"move": "008[0:3]", "to": "035$a"}, "move", "characters cannot be moved"),
        ({"indicators": "245", "to": "1"}, "to", "two indicators"),
        ({"indicators": "245$a", "to": "11"}, "indicators", "without $"),
        ({"indicators": "001", "to": "11"}, "indicators", "fields with indicators"),
        ({"sort": "tag"}, "sort", "only true"),
        ({"stamp": "2026"}, "stamp", "yyyymmddhhmmss.f"),
        ({"stamp": "20261331120000.0"}, "stamp", "yyyymmddhhmmss.f"),
    ],
)
def test_a_wrong_rule_is_named(rule: Any, key: str | None, said: str) -> None:
    with pytest.raises(errors.RulesInvalid) as caught:
        Rules([{"delete": "9XX"}, rule])
    error = caught.value
    assert said in str(error)
    assert str(error).startswith("rule 2, " + key if key else "rule 2: ")
    assert (error.rule, error.key) == (2, key)


# ---- files

TOML = r"""
# What our loads need.
[[rules]]
delete = "9XX, 029"

[[rules]]
replace = "245$a"
pattern = ' (:|/)$'
with = ''
where = 'leader[6] == "a"'

[[rules]]
copy = "020"
to = "920"

[[rules]]
sort = true
"""
YAML = r"""
# What our loads need.
rules:
- delete: 9XX, 029
- replace: 245$a
  pattern: ' (:|/)$'
  with: ''
  where: leader[6] == "a"
- copy: 020
  to: 920
- sort: true
"""
SAME = [
    {"delete": "9XX, 029"},
    {"replace": "245$a", "pattern": " (:|/)$", "with": "", "where": 'leader[6] == "a"'},
    {"copy": "020", "to": "920"},
    {"sort": True},
]


@pytest.mark.parametrize(
    ("name", "text", "needs"),
    [
        ("rules.toml", TOML, "tomllib" if sys.version_info >= (3, 11) else "tomli"),
        ("rules.yaml", YAML, "yaml"),
        ("RULES.YML", YAML, "yaml"),
        ("rules.json", json.dumps({"rules": SAME}), "json"),
    ],
)
def test_rules_from_a_file(
    books: pathlib.Path, tmp_path: pathlib.Path, name: str, text: str, needs: str
) -> None:
    pytest.importorskip(needs)
    path = tmp_path / name
    path.write_text(text)
    rules, same = Rules.load(path), Rules(SAME)
    assert [one.name for one in rules.rules] == [
        *("delete 9XX, 029", "replace 245$a", "copy 020 to 920", "sort"),
    ]
    changed = 0
    for record, other in zip(MARCReader(books), MARCReader(books)):
        numbers = rules.apply(record)
        assert numbers == same.apply(other)
        assert record.as_marc() == other.as_marc()
        changed += bool(numbers)
    assert changed > 100


@pytest.mark.parametrize(
    ("name", "text", "said", "needs"),
    [
        ("a.toml", "[[rules]]\ndelete = 020\n", "line 2", "tomllib"),
        ("a.toml", "[[rules]]\ndelete = 900\n", "rule 1, delete: .*not 900", "tomllib"),
        ("a.yaml", "rules:\n- add: 500 ## $aNote\n", "rule 1, add: .*is # a comment", "yaml"),
        ("a.yaml", "rules: [\n", "line 2", "yaml"),
        ("a.yaml", "rules:\n- delete: 9XX\n  delete: 029\n", "delete stands twice", "yaml"),
        ("a.yaml", "- delete: 9XX\n", "one key, rules", "yaml"),
        (
            "a.json",
            '{"rules": [{"delete": "9XX", "delete": "029"}]}',
            "delete stands twice",
            "json",
        ),
        ("a.json", '{"rules": ', "line 1", "json"),
        ("a.json", '{"rule": []}', "one key, rules", "json"),
        ("a.json", '{"rules": {}}', "one key, rules", "json"),
        ("a.json", '{"rules": [], "where": "x"}', "one key, rules", "json"),
        ("a.json", '["x"]', "one key, rules", "json"),
        ("a.json", "\xff", "cannot be read", "json"),
        ("a.txt", "", "should end in .toml, .yaml, .yml or .json", "json"),
    ],
)
def test_a_wrong_file_is_named(
    tmp_path: pathlib.Path, name: str, text: str, said: str, needs: str
) -> None:
    pytest.importorskip(needs)
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(errors.RulesInvalid, match=f"(?s)^{re.escape(str(path))}: .*{said}"):
        Rules.load(path)


def test_a_file_that_is_not_there(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.SourceNotFound, match=r"none\.json"):
        Rules.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("name", "modules", "said"),
    [
        ("a.yaml", ["yaml"], "module yaml is missing"),
        ("a.toml", ["tomllib", "tomli"], "module tomli is missing"),
    ],
)
def test_a_library_that_is_missing_is_named(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    modules: list[str],
    said: str,
) -> None:
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / name).write_text("")
    with pytest.raises(errors.RulesInvalid, match=rf"{said}.*mrrc-ct\[cli\].*JSON"):
        Rules.load(tmp_path / name)


def test_differences_of_two_records() -> None:
    one, other = Record(RECORD), Record(RECORD)
    assert changes(one, other) == []
    other["245"]["a"] = "Fables /"
    other.remove_fields("020")
    other.add_ordered_field(mrrc_ct.Field("651", (" ", "0"), [mrrc_ct.Subfield("a", "Greece")]))
    assert changes(one, other) == [
        r"-=020  \\$a111$q(pbk.)$a222",
        "-=245  10$6880-01$aFabeln /$cÄsop.",
        "+=245  10$6880-01$aFables /$cÄsop.",
        r"+=651  \0$aGreece",
    ]


def test_the_same_rules_in_threads(books: pathlib.Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    rules = Rules([{"replace": "245$a", "pattern": " :$", "with": "", "where": "650"}])

    def work(_: int) -> bytes:
        found = list(MARCReader(books))
        for record in found:
            rules.apply(record)
        return b"".join(record.as_marc() for record in found)

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(8)))) == 1

"""The language of paths and filters: what is understood, and where what is not is pointed at."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marc import iso2709

import mrrc_ct
from mrrc_ct import errors, paths

WHOLE = (0, (1 << 32) - 1)
RECORD = iso2709(
    ("001", "42"),
    ("005", "20240229123456.0"),
    ("008", "240101s1999    gw     000 0 ger d"),
    ("020", "  $a111$q(pbk.)$a222"),
    ("100", "1 $aÄsop,$d620-564"),
    ("245", "10$aFabeln /$cÄsop."),
    ("650", " 0$aFables$xGreek"),
    ("650", " 7$aFabeln$2gnd"),
    ("9XX", "  $alocal"),
)


def column(path: str) -> paths.Column:
    found = paths.parse_columns({"x": path})
    assert [one.name for one in found] == ["x"]
    return found[0]


def place(path: str) -> tuple[str, str, str, tuple[int, int]]:
    """Tag, indicators (`*` any), codes and slice of a path that is one field."""
    (found,) = column(path).places
    assert found.kind == 1
    indicators = found.indicators.replace("\0", "*")
    return found.tag, indicators, found.codes, (found.start, found.end)


def value(path: str, data: bytes = RECORD) -> Any:
    """What a path leads to in the one record that there is."""
    (row,) = mrrc_ct.select(data, {"x": path})
    return row["x"]


def holds(where: str, data: bytes = RECORD) -> bool:
    """Whether a filter wants the one record that there is."""
    rows = list(mrrc_ct.select(data, {"x": "number"}, where))
    assert rows in ([], [{"x": 1}])
    return bool(rows)


# ---- paths


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("001", ("001", "**", "", WHOLE)),
        ("245", ("245", "**", "", WHOLE)),
        ("245$a", ("245", "**", "a", WHOLE)),
        ("245$abc", ("245", "**", "abc", WHOLE)),
        ("245$a9Z", ("245", "**", "a9Z", WHOLE)),
        ("245[10]$a", ("245", "10", "a", WHOLE)),
        ("650[_0]", ("650", " 0", "", WHOLE)),
        ("650[*7]$a2", ("650", "*7", "a2", WHOLE)),
        ("650[**]", ("650", "**", "", WHOLE)),
        ("650[__]", ("650", "  ", "", WHOLE)),
        ("6..", ("6..", "**", "", WHOLE)),
        ("...$a", ("...", "**", "a", WHOLE)),
        ("9XX$a", ("9XX", "**", "a", WHOLE)),
        ("008[0]", ("008", "**", "", (0, 1))),
        ("008[35:38]", ("008", "**", "", (35, 38))),
        ("008[:6]", ("008", "**", "", (0, 6))),
        ("008[35:]", ("008", "**", "", (35, WHOLE[1]))),
        ("008[:]", ("008", "**", "", WHOLE)),
        ("008[3:3]", ("008", "**", "", (3, 3))),
        ("00.[0]", ("00.", "**", "", (0, 1))),
        ("260$c[0:4]", ("260", "**", "c", (0, 4))),
        ("245[10]$a[999999999]", ("245", "10", "a", (999_999_999, 1_000_000_000))),
    ],
)
def test_a_place_is_a_tag_indicators_codes_and_a_slice(path: str, expected: object) -> None:
    assert place(path) == expected


@pytest.mark.parametrize(("path", "kind"), [("leader", 0), ("number", 2), ("offset", 3)])
def test_places_that_are_no_fields(path: str, kind: int) -> None:
    (found,) = column(path).places
    assert (found.kind, found.codes, (found.start, found.end)) == (kind, "", WHOLE)


def test_a_place_takes_the_codes_of_the_next_that_has_some() -> None:
    def codes(path: str) -> list[str]:
        return [one.codes for one in column(path).places]

    assert codes("100|110|111$a") == ["a", "a", "a"]
    assert codes("100$b|110|111$a") == ["b", "a", "a"]
    assert codes("100$a|110") == ["a", ""]
    assert codes("100|110$a|111|130$t") == ["a", "a", "t", "t"]
    assert codes("100|110") == ["", ""]
    # A control field has none to take.
    assert codes("001|100|leader|110$a") == ["", "a", "", "a"]


def test_the_first_place_that_has_a_value_gives_all_of_them() -> None:
    assert value("100|650$a") == ["Äsop,"]
    assert value("110|650$a") == ["Fables", "Fabeln"]
    assert value("110|111$a") is None
    # A place whose field is there but not the subfield, or not what is sliced, gives no value.
    assert value("100$d[10]|245$a") == "Fabeln /"
    assert value("100$u|245$a") == "Fabeln /"
    assert value("245$a[100]|001") == "42"
    assert value("leader[100]|001") == "42"
    assert value("110$a|leader[6]") == "a"
    assert value("leader[6]|001") == "a"


def test_values_of_every_kind_of_place() -> None:
    assert value("001") == "42"
    assert value("003") is None
    assert value("002") == []  # which nobody knows
    assert value("leader") == RECORD[:24].decode()
    assert value("leader[5:8]") == "nam"
    assert value("245") == "Fabeln / Äsop."
    assert value("245$ac") == value("245$ca") == "Fabeln / Äsop."
    assert value("020$a") == ["111", "222"]
    assert value("020$aq") == ["111 (pbk.) 222"]
    assert value("020$z") == value("020$zy") == []
    assert value("650[_7]$a") == ["Fabeln"]
    assert value("650[_*]$2") == ["gnd"]
    assert value("650[17]$a") == []
    assert value("6..$a") == ["Fables", "Fabeln"]
    assert value("9XX") == ["local"]
    assert value("9.X$a") == ["local"]
    assert value("00.") == ["42", "20240229123456.0", "240101s1999    gw     000 0 ger d"]
    assert value("number") == 1
    assert value("offset") == 0


def test_slices_count_characters_as_pythons_do() -> None:
    record = iso2709(("001", "äöü😀x"), ("500", "  $aé1$aé2$a"))
    for start in range(7):
        single = value(f"001[{start}]", record)
        assert single == ("äöü😀x"[start] if start < 5 else None)
        for end in range(start, 8):
            expected = "äöü😀x"[start:end] if start < 5 else None
            # All of it is all of it, also when it ends behind the end.
            assert value(f"001[{start}:{end}]", record) == expected
        assert value(f"001[{start}:]", record) == ("äöü😀x"[start:] if start < 5 else None)
    # What begins behind a value's end is no value, not an empty one.
    assert value("500$a[1:]", record) == ["1", "2"]
    assert value("500$a[0:0]", record) == ["", ""]
    assert value("500$a", record) == ["é1", "é2", ""]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("020$a:list", ["111", "222"]),
        ("020$a:first", "111"),
        ("020$a:last", "222"),
        ("020$a:join", "111; 222"),
        ("020$a:join(' | ')", "111 | 222"),
        ('020$a:join( "")', "111222"),
        ("020$a:count", 2),
        ("020$a:int", 111),
        ("020$a:first:int", 111),
        ("020$a:int:last", 222),
        ("020$q:int", None),
        ("005[:8]:date", "2024-02-29"),
        ("005:time", "2024-02-29T12:34:56"),
        ("008[0:6]:date", "2024-01-01"),
        ("021$a:list", []),
        ("021$a:first", None),
        ("021$a:last", None),
        ("021$a:join", None),
        ("021$a:count", 0),
        ("021$a:int", None),
    ],
)
def test_what_becomes_of_the_values(path: str, expected: object) -> None:
    assert value(path) == expected


def test_what_can_repeat_by_the_rules_of_marc_21_is_a_list() -> None:
    for path in ("001", "008[0:6]", "leader", "245$a", "245", "100|110|111$a", "100$a|leader"):
        assert column(path).mode == "only", path
    for path in (
        "020$a",
        "020$z",
        "245$n",
        "650$a",
        "650",
        "6..$a",
        "...",
        "00.",
        "9XX$a",
        "590",
        "100|700$a",
        "006",
        "007",
    ):
        assert column(path).mode == "list", path
    # With a type it is the first.
    assert (column("650$a:int").mode, column("245$a:int").mode) == ("first", "only")


# ---- columns


def test_columns_are_a_text_or_paths_or_paths_by_name() -> None:
    expected = ["id", "245$a", "all of them"]
    for columns in (
        "id=001,245$a,all of them=650$a:list",
        " id = 001 ,\n 245$a ,  all of them= 650$a:list ",
    ):
        found = paths.parse_columns(columns)
        assert [one.name for one in found] == expected
        assert [one.places[0].tag for one in found] == ["001", "245", "650"]
    found = paths.parse_columns(["id=001", "245$a", "all of them=650$a:list"])
    assert [one.name for one in found] == expected
    found = paths.parse_columns({"id": "001", "245$a": " 245$a ", "all of them": "650$a:list"})
    assert [one.name for one in found] == expected
    assert mrrc_ct.select(RECORD, iter(["001"])).columns == ["001"]


def test_a_column_is_named_as_its_path_is_written() -> None:
    names = [one.name for one in paths.parse_columns("245[1*]$a[0:3]:first, 100|110$a:join('; ')")]
    assert names == ["245[1*]$a[0:3]", "100|110$a"]


def test_names_may_be_anything_where_they_are_keys() -> None:
    names = ["", "a,b", 'a"b', "=", "ä😀", "a\nb", "x" * 65_535]
    selection = mrrc_ct.select(RECORD, dict.fromkeys(names, "001"))
    assert selection.columns == names
    assert list(selection) == [dict.fromkeys(names, "42")]


@pytest.mark.parametrize("name", ["a\0b", "x" * 65_536])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(errors.PathInvalid, match="no name of a column"):
        mrrc_ct.select(RECORD, {name: "001"})


def test_a_name_with_half_of_a_surrogate_pair_is_none() -> None:
    with pytest.raises(errors.PathInvalid):
        mrrc_ct.select(RECORD, {"a\ud800": "001"})


def test_two_columns_have_two_names() -> None:
    for columns in ("001,001", "a=001,a=245", ["001", "001:first"], ["a=001", "245$a", "a=002"]):
        with pytest.raises(errors.PathInvalid, match="two columns are named"):
            paths.parse_columns(columns)


def test_there_are_4096_columns_and_no_more() -> None:
    columns = {str(number): "001" for number in range(4096)}
    (row,) = mrrc_ct.select(RECORD, columns)
    assert row == dict.fromkeys(columns, "42")
    with pytest.raises(errors.PathInvalid, match="more than 4096 columns"):
        paths.parse_columns({**columns, "one more": "001"})


def test_there_are_255_alternatives_and_no_more() -> None:
    many = "|".join(["110$a"] * 254 + ["001"])
    assert value(many) == "42"
    with pytest.raises(errors.PathInvalid, match="more than 255") as caught:
        value("110$a|" + many)
    assert caught.value.position == 0
    assert holds(f"{many} == '42'")
    with pytest.raises(errors.PathInvalid, match="more than 255") as caught:
        holds(f"001 and 110$a|{many}")
    assert caught.value.position == 8


def test_codes_may_be_many() -> None:
    assert value("245$" + "bc" * 30_000) == "Äsop."


def test_codes_are_not_more_than_the_core_takes() -> None:
    with pytest.raises(errors.PathInvalid):
        mrrc_ct.select(RECORD, {"x": "245$" + "bc" * 40_000})


def test_codes_of_filters_are_not_more_than_the_core_takes() -> None:
    with pytest.raises(errors.PathInvalid):
        mrrc_ct.select(RECORD, "001", "245$" + "bc" * 40_000)


COLUMNS_WRONG = [
    ("", 0, "a place is missing"),
    ("   ", 3, "a place is missing"),
    ("24", 0, "'24' is no place"),
    ("2455", 0, "'2455' is no place"),
    ("titles", 0, "'titles' is no place"),
    ("Leader", 0, "'Leader' is no place"),
    ("24ä", 0, "'24' is no place"),
    ("24_", 0, "'24' is no place"),
    ("t=24", 2, "'24' is no place"),
    ("t=", 2, "a place is missing"),
    ("=245", 0, "a place is missing"),
    ("t==245", 2, "a place is missing"),
    ("a/b=245", 0, "'a' is no place"),
    ("245$", 4, "codes of subfields"),
    ("245$ä", 4, "codes of subfields"),
    ("245$a$b", 5, "should end before this"),
    ("245 $a", 4, "should end before this"),
    ("245$a;", 5, "should end before this"),
    ("245$a 246", 6, "should end before this"),
    ("001$a", 3, "001 has no subfields"),
    ("00.$a", 3, "00. has no subfields"),
    ("leader$a", 6, "leader has no subfields"),
    ("number$a", 6, "should end before this"),
    ("number[0]", 6, "should end before this"),
    ("offset[0:1]", 6, "should end before this"),
    ("number:first", 0, "are what they are"),
    ("n = offset:int", 4, "are what they are"),
    ("number|001", 0, "have no alternatives"),
    ("001|number", 0, "have no alternatives"),
    ("a=001, b=100|offset", 9, "have no alternatives"),
    ("100|", 4, "a place is missing"),
    ("100||110", 4, "a place is missing"),
    ("|100", 0, "a place is missing"),
    ("100 |110", 4, "should end before this"),
    ("100| 110", 4, "a place is missing"),
    ("245[1]", 4, "two indicators"),
    ("245[]", 4, "two indicators"),
    ("245[123]", 4, "two indicators"),
    ("245[1 ]", 4, "two indicators"),
    ("245[1#]", 4, "two indicators"),
    ("245[0:4]", 4, "two indicators"),
    ("245[10", 6, "should have ']' here"),
    ("245[10$a", 6, "should have ']' here"),
    ("245[ää]", 4, "two indicators"),
    ("008[]", 4, "a position should stand here"),
    ("008[x]", 4, "a position should stand here"),
    ("008[-1]", 4, "a position should stand here"),
    ("008[1", 5, "should have ']' here"),
    ("008[1:", 6, "should have ']' here"),
    ("008[1:2", 7, "should have ']' here"),
    ("008[1:2:3]", 7, "should have ']' here"),
    ("008[2:1]", 4, "not end before it begins"),
    ("008[1234567890]", 4, "no field is as long as that"),
    ("008[0:1234567890]", 4, "no field is as long as that"),
    ("008[٣]", 4, "no field is as long as that"),
    ("008[0][1]", 6, "should end before this"),
    ("245$a[0][1]", 8, "should end before this"),
    ("245$a:", 6, "behind : should be one of"),
    ("245$a:only", 6, "behind : should be one of"),
    ("245$a:text", 6, "behind : should be one of"),
    ("245$a:List", 6, "behind : should be one of"),
    ("245$a :list", 6, "should end before this"),
    ("245$a: list", 6, "behind : should be one of"),
    ("245$a:first:last", 12, "cannot be first and last"),
    ("245$a:list:list", 11, "cannot be list and list"),
    ("245$a:int:date", 10, "one type"),
    ("245$a:count:int", 12, "one type"),
    ("245$a:int:count", 10, "one type"),
    ("245$a:list:int", 0, "a list has texts, not int"),
    ("x=245$a:join:date", 2, "a join has texts, not date"),
    ("245$a:join(", 11, "a text in quotation marks"),
    ("245$a:join()", 11, "a text in quotation marks"),
    ("245$a:join('x", 11, "this text has no end"),
    ("245$a:join('x'", 14, "should have ')' here"),
    ("245$a:first('x')", 11, "should end before this"),
    ("245$a,", 6, "a place is missing"),
    (",245$a", 0, "a place is missing"),
    ("245$a,,001", 6, "a place is missing"),
    ("001, 24", 5, "'24' is no place"),
]


@pytest.mark.parametrize(("text", "position", "message"), COLUMNS_WRONG)
def test_what_is_wrong_with_columns_is_pointed_at(text: str, position: int, message: str) -> None:
    with pytest.raises(errors.PathInvalid) as caught:
        mrrc_ct.select(RECORD, text)
    error = caught.value
    assert message in error.message
    assert (error.text, error.position) == (text, position)
    assert isinstance(error, ValueError) and error.code == "path-invalid"


def test_a_path_of_several_is_pointed_at_alone() -> None:
    for columns in (["001", "24"], {"a": "001", "b": "24"}):
        with pytest.raises(errors.PathInvalid) as caught:
            paths.parse_columns(columns)
        assert (caught.value.text, caught.value.position) == ("24", 0)
    # A path by itself has no comma.
    with pytest.raises(errors.PathInvalid, match="should end before this"):
        paths.parse_columns(["001,002"])


def test_an_error_shows_the_line_and_the_place() -> None:
    with pytest.raises(errors.PathInvalid) as caught:
        mrrc_ct.select(RECORD, "id=001,\n  t=24,\n245$a")
    assert str(caught.value).split("\n")[1:] == ["    t=24,", "      ^"]
    with pytest.raises(errors.PathInvalid) as caught:
        mrrc_ct.select(RECORD, "a=001,a=002")
    assert "\n" not in str(caught.value)


# ---- filters

TRUE = [
    "001",
    "not 002",
    "245$a",
    "001 == '42'",
    '001 == "42"',
    "001=='42'",
    "001 == 42",
    "001 != 41",
    "001 != '41'",
    "001 > 41 and 001 >= 42 and 001 < 43 and 001 <= 42",
    "001 > -1",
    "001 > '4' and 001 < '43' and 001 >= '42' and 001 <= '42'",
    "001 =~ '^4'",
    "001 !~ '^5'",
    "001 in ('1', '42')",
    "001 in('42')",
    "001 in ( '42' , \"x\" )",
    "650$a == 'Fabeln'",
    "650$a == 'Fables'",
    "650[_0]$a != 'Fabeln'",
    "not 650$a != 'Fabeln'",
    "020$a:count == 2",
    "020$a:count > 1 and 020$a:count != 3",
    "021$a:count == 0",
    "001:count == 1",
    "leader[6] == 'a'",
    "leader[100] or 001",
    "not leader[100]",
    "number == 1 and offset == 0 and number",
    "number < 2 and number >= 1 and not number > 1 and number != 2",
    "110|100$a =~ 'Äsop'",
    "not (002 or 003) and (001 or 002)",
    "not not 001",
    "002 or 001",
    "002 and 003 or 001",
    "001 or 002 and 003",
    "(001 or 002) and not (001 and 002)",
    "001\nand\t001",
    "  001  ",
    "((((001))))",
    "245$a =~ 'fabeln|FABELN' or 245$a =~ '(?i)FABELN'",
    "not(002)",
    "008[7:11] == 1999 and 008[7:11] > 1900",
    "008[0:1000] and not 008[1000]",
    "245$a != 'x' and 999$a != 'x'",
]
FALSE = [
    "002",
    "not 001",
    "245$z",
    "001 == '4'",
    "001 == 41",
    "001 != 42",
    "001 =~ '^5'",
    "001 !~ '4'",
    "001 in ('1', '2')",
    "650$a != 'Fabeln'",
    "650$a !~ 'Fabeln'",
    "999$a == ''",
    "999$a < 'x'",
    "999$a > 0 or 999$a <= 0",
    "245$a > 0 or 245$a <= 0",
    "020$a:count < 2",
    "leader[6] == 'b'",
    "number == 2",
    "offset > 0",
    "001 and 002",
    "(001 or 002) and 002",
    "not 001 or 002",
    "not (001 or 002)",
]


@pytest.mark.parametrize("where", TRUE)
def test_filters_that_are_true(where: str) -> None:
    assert holds(where)
    assert not holds(f"not ({where})")


@pytest.mark.parametrize("where", FALSE)
def test_filters_that_are_false(where: str) -> None:
    assert not holds(where)
    assert holds(f"not ({where})")


def test_numbers_are_what_is_a_number_but_for_blanks_around_it() -> None:
    for text, number in (
        ("7", 7),
        (" 7 ", 7),
        ("007", 7),
        ("-7", -7),
        ("+7", 7),
        ("9" * 18, int("9" * 18)),
    ):
        record = iso2709(("001", text))
        assert holds(f"001 == {number}", record)
        assert value("001:int", record) == number
    assert value("001:int", iso2709(("001", "-9223372036854775808"))) == -(1 << 63)
    for text in (
        "",
        " ",
        "7x",
        "7 7",
        "7_7",
        "7.0",
        "1e3",
        "٣",
        "--7",
        "0x7",
        "9223372036854775808",
    ):
        record = iso2709(("001", text))
        assert not holds("001 > -1 or 001 < 0", record)
        selection = mrrc_ct.select(record, {"x": "001:int"})
        assert list(selection) == [{"x": None}]
        assert selection.report is not None and selection.report.unread == {"x": 1}


def test_texts_may_have_any_character_and_both_marks() -> None:
    text = 'it\'s "a" \\ (b) or\n, ä😀 and]'
    record = iso2709(("001", text))
    for mark in "'\"":
        quoted = mark + text.replace("\\", "\\\\").replace(mark, "\\" + mark) + mark
        assert holds(f"001 == {quoted}", record)
        assert holds(f"001 in ('x', {quoted})", record)
    # A backslash before anything else is itself.
    assert holds(r"001 == 'a\d'", iso2709(("001", r"a\d")))
    assert holds(r"001 == 'a\\d'", iso2709(("001", r"a\d")))
    assert value(r"020$a:join('\'\\\"')") == "111'\\\\\"222"


def test_backslashes_of_expressions_are_written_once() -> None:
    assert holds(r"001 =~ '^\d\d$'")
    assert holds(r"020$q =~ '\(pbk\.\)'")
    record = iso2709(("001", "a\\b'c"))
    assert holds(r"001 =~ 'a\\b'", record)
    assert holds(r"001 =~ '\'c$'", record)
    assert not holds(r"001 =~ 'a\\\\b'", record)


FILTERS_WRONG = [
    ("", 0, "a place is missing"),
    ("  ", 2, "a place is missing"),
    ("not", 3, "a place is missing"),
    ("not001", 0, "'not001' is no place"),
    ("001 and", 7, "a place is missing"),
    ("001 or", 6, "a place is missing"),
    ("and 001", 4, "should end before this"),
    ("or 001", 0, "'or' is no place"),
    ("001 AND 002", 4, "should end before this"),
    ("001 && 002", 4, "should end before this"),
    ("001 AND 002", 4, "and, or, not are written in small letters"),
    ("001 002", 4, "should end before this"),
    ("001 or002", 4, "should end before this"),
    ("001, 002", 3, "should end before this"),
    ("(001", 4, "should have ')' here"),
    ("(001 002)", 5, "should have ')' here"),
    ("001)", 3, "should end before this"),
    ("()", 1, "a place is missing"),
    ("24 == 'x'", 0, "'24' is no place"),
    ("001 = '42'", 4, "a comparison is written =="),
    ("001 ==", 6, "a number or a text"),
    ("001 == x", 7, "a number or a text"),
    ("001 == -", 7, "a number or a text"),
    ("001 == +1", 7, "a number or a text"),
    ("001 == 1234567890123456789", 7, "a number or a text"),
    ("001 == 1.5", 8, "should end before this"),
    ("001 == ٣", 7, "a number or a text"),
    ("001 == 'x", 7, "this text has no end"),
    ("001 == 'x\\'", 7, "this text has no end"),
    ("001 == 'x\\", 7, "this text has no end"),
    ("001 == 'x\"", 7, "this text has no end"),
    ("001 =~ 5", 7, "a text in quotation marks"),
    ("001 =~", 6, "a text in quotation marks"),
    ("001 == '\ud800'", 7, "half of a surrogate pair"),
    ("001 in", 6, "should have '(' here"),
    ("001 in 'x'", 7, "should have '(' here"),
    ("001 in ()", 8, "a text in quotation marks"),
    ("001 in ('x',)", 12, "a text in quotation marks"),
    ("001 in (5)", 8, "a text in quotation marks"),
    ("001 in ('x' 'y')", 12, "should have ')' here"),
    ("001 in ('x'", 11, "should have ')' here"),
    ("001:first == 'x'", 4, "only count"),
    ("001: count == 1", 4, "only count"),
    ("001:counts == 1", 4, "only count"),
    ("001:count", 9, "should be compared with a number"),
    ("001:count == '1'", 13, "a number or a text"),
    ("001:count = 1", 10, "should be compared with a number"),
    ("001:count in ('1')", 12, "is compared with"),
    ("001:count =~ '1'", 10, "a number matches no expression"),
    ("number in ('1')", 9, "is compared with"),
    ("number =~ '1'", 7, "a number matches no expression"),
    ("offset !~ '1'", 7, "a number matches no expression"),
    ("number == '1'", 10, "a number or a text"),
    ("number|001 == 1", 0, "have no alternatives"),
    ("001 and 245$ == 'x'", 12, "codes of subfields"),
    ("001 =~ '('", 8, "cannot be read"),
    ("001 =~ '*'", 8, "cannot be read"),
    ("001 =~ 'a' and (002 or 003 !~ 'bc[d')", 33, "cannot be read"),
    ("001 =~ 'a' and 001 == '(' and 001 =~ 'a)'", 39, "cannot be read"),
    (r"001 =~ '\1'", 8, "cannot be read"),
    (r"001 =~ '(?=a)'", 8, "cannot be read"),
    (f"001 =~ '{'a' * 1001}'", 1008, "longer than 1,000 bytes"),
    (f"001 == '{'a' * 65_536}'", 7, "this text is too long"),
]


@pytest.mark.parametrize(("text", "position", "message"), FILTERS_WRONG)
def test_what_is_wrong_with_a_filter_is_pointed_at(text: str, position: int, message: str) -> None:
    with pytest.raises(errors.PathInvalid) as caught:
        mrrc_ct.select(RECORD, "001", text)
    error = caught.value
    assert message in error.message
    assert (error.text, error.position) == (text, position)


@pytest.mark.parametrize(
    "text",
    [
        "001 =~ 'äöü('",
        "001 =~ '😀' and 001 =~ 'ä*+'",
        r"001 =~ '\'\'\'('",
        r'001 =~ "\"a[z-a]"',
    ],
)
def test_a_wrong_expression_is_pointed_at_in_characters(text: str) -> None:
    with pytest.raises(errors.PathInvalid) as caught:
        mrrc_ct.select(RECORD, "001", text)
    assert caught.value.position == max(text.rfind(one) for one in ("(", "+", "z-a"))


def test_texts_of_filters_may_be_as_long_as_the_core_takes() -> None:
    assert holds(f"001 != '{'a' * 65_535}'")
    assert holds(f"001 =~ '{'4?' * 499}42'")
    texts = ", ".join(f"'{number}'" for number in range(5000))
    assert holds(f"001 in ({texts})")
    assert not holds(f"002 in ({texts})")
    many = " or ".join(f"001 == '{number}'" for number in range(5000))
    assert holds(many)
    assert not holds(" and ".join(["001"] * 5000 + ["002"]))


def test_a_filter_is_nested_90_deep_and_no_deeper() -> None:
    assert holds("(" * 90 + "001" + ")" * 90)
    assert holds("not " * 90 + "001")
    assert not holds("not " * 91 + "001")
    for text, position in (("(" * 91 + "001" + ")" * 91, 91), ("not " * 92 + "001", 4 * 92 - 1)):
        with pytest.raises(errors.PathInvalid, match="nested no deeper than 90") as caught:
            holds(text)
        assert caught.value.position == position


@pytest.mark.parametrize("depth", [67, 90])
def test_chains_in_what_is_nested_are_read_or_refused(depth: int) -> None:
    text = "(002 or 001 and 001 and 001 and " * depth + "001" + ")" * depth
    try:
        assert holds(text)
    except errors.PathInvalid as error:
        assert "nested" in error.message  # noqa: PT017


def parsed(text: str) -> bool:
    """Whether columns and filters can be read; nothing but PathInvalid is raised."""
    is_good = False
    for read in (lambda: mrrc_ct.select(RECORD, text), lambda: mrrc_ct.select(RECORD, "001", text)):
        try:
            list(read())
            is_good = True
        except errors.PathInvalid as error:
            check_message(error)
    return is_good


def check_message(error: errors.PathInvalid) -> None:
    assert 0 <= error.position <= len(error.text)
    assert error.message
    str(error)


@settings(max_examples=500, deadline=None)
@given(st.text(st.characters()))
@example("001 =~ '\\")
@example("\0")
@example("001:\0")
@example("a=b=001")
@example("001 == '\0'")
def test_odd_input_never_raises_anything_else(text: str) -> None:
    parsed(text)


TOKENS = [
    *(
        "001",
        "245",
        "6..",
        "leader",
        "number",
        "offset",
        "$a",
        "$abc",
        "[10]",
        "[_*]",
        "[0]",
        "[1:]",
    ),
    *("[:2]", "[", "]", "|", ",", "=", ":", ":list", ":first", ":join", "('; ')", ":count", ":int"),
    *(":date", ":time", "==", "!=", "<", "<=", ">", ">=", "=~", "!~", "in", "(", ")", "and", "or"),
    *(
        "not",
        "'a'",
        '"b"',
        "'",
        '"',
        "\\",
        "5",
        "-",
        " ",
        " ",
        "\n",
        "ä",
        "'[a-z]+'",
        "'('",
        "\ud800",
    ),
]


@settings(max_examples=2000, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=14).map("".join))
def test_pieces_of_the_language_in_any_order_are_read_or_refused(text: str) -> None:
    parsed(text)


@settings(max_examples=500, deadline=None)
@given(st.text(st.sampled_from("ab01 \\()[]{}|*+?^$.,-:=!<>&dwsbBAZxuU\nä😀\ud800\0")))
def test_expressions_are_read_or_refused(pattern: str) -> None:
    text = "001 =~ '" + pattern.replace("'", "") + "'"
    try:
        list(mrrc_ct.select(RECORD, "001", text))
    except errors.PathInvalid as error:
        check_message(error)

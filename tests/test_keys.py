"""What makes two records the same: identifiers, and keys of several values."""

from __future__ import annotations

from typing import Any

import pytest
from marc import iso2709

from mrrc_ct import errors, keys
from mrrc_ct.keys import Key, SortKey

pytest.importorskip("hypothesis", reason="hypothesis makes the values")

from hypothesis import given
from hypothesis import strategies as st

digits = st.text("0123456789", min_size=9, max_size=9)


def isbn_10(nine: str) -> str:
    """An ISBN of 10: the one whose digits, 10 times the first and so on, make a multiple of 11."""
    return next(
        nine + last
        for last in "0123456789X"
        if sum((10 - at) * (10 if one == "X" else int(one)) for at, one in enumerate(nine + last))
        % 11
        == 0
    )


def isbn_13(nine: str, prefix: str = "978") -> str:
    twelve = prefix + nine
    return next(
        twelve + last
        for last in "0123456789"
        if sum(int(one) * (1, 3)[at % 2] for at, one in enumerate(twelve + last)) % 10 == 0
    )


@given(digits)
def test_an_isbn_of_10_and_one_of_13_are_the_same(nine: str) -> None:
    assert keys.isbn(isbn_10(nine)) == keys.isbn(isbn_13(nine)) == isbn_13(nine)
    assert keys.isbn(isbn_13(nine, "979")) == isbn_13(nine, "979")


@given(digits, st.sampled_from("0123456789X"))
def test_an_isbn_with_another_check_digit_is_none(nine: str, last: str) -> None:
    assert (keys.isbn(nine + last) is None) == (nine + last != isbn_10(nine))


# The ISBN of ISO's own manual, and one that ends in X.
@pytest.mark.parametrize(
    "text",
    [
        "0-306-40615-2",
        "0306406152 (pbk.) :",
        "0 306 40615 2",
        "978-0-306-40615-7",
        " 9780306406157(v. 1)",
        "9780306406157 $24.95",
        "9780306406157 25",
        "ISBN 0-306-40615-2",
        "ISBN-13: 978-0-306-40615-7",
        "978\u20100\u2010306\u201040615\u20107",
    ],
)
def test_hyphens_and_qualifiers_of_an_isbn_do_not_count(text: str) -> None:
    assert keys.isbn(text) == "9780306406157"


@pytest.mark.parametrize(
    "text", ["", "0306406153", "9770306406157", "030640615", "ISBN", "(pbk.)", "x" * 99]
)
def test_what_is_no_isbn(text: str) -> None:
    assert keys.isbn(text) is None


def test_an_isbn_in_lower_case() -> None:
    assert keys.isbn("0-8044-2957-x") == keys.isbn("080442957X") == "9780804429573"


# Examples of the ISSN manual.
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0378-5955", "03785955"),
        ("03785955", "03785955"),
        ("ISSN 0317-8471", "03178471"),
        ("2434-561x (online)", "2434561X"),
        ("0378-5954", None),
        ("0378-59555", None),
        ("378-5955", None),
    ],
)
def test_issn(text: str, found: str | None) -> None:
    assert keys.issn(text) == found


# The examples of the Library of Congress's page on the LCCN namespace.
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("n78-890351", "n78890351"),
        ("n78-89035", "n78089035"),
        ("n 78890351 ", "n78890351"),
        (" 85000002 ", "85000002"),
        ("85-2 ", "85000002"),
        ("2001-000002", "2001000002"),
        ("75-425165//r75", "75425165"),
        (" 79139101 /AC/r932", "79139101"),
        ("sn 83031896", "sn83031896"),
        ("85-2000001", None),
        ("85-", None),
        ("1234567", None),
        ("text", None),
    ],
)
def test_lccn(text: str, found: str | None) -> None:
    assert keys.lccn(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(OCoLC)814782", "(OCoLC)814782"),
        ("(OCoLC)ocm00814782 ", "(OCoLC)814782"),
        ("ocm00814782 ", "(OCoLC)814782"),
        ("ocn123456789", "(OCoLC)123456789"),
        ("on1234567890", "(OCoLC)1234567890"),
        ("(OCoLC)on1234567890", "(OCoLC)1234567890"),
        ("(ocolc)0", "(OCoLC)0"),
        ("814782", None),
        ("(DLC)814782", None),
        ("(OCoLC)fst00814782", None),
        ("one2", None),
    ],
)
def test_oclc(text: str, found: str | None) -> None:
    assert keys.oclc(text) == found


# ---- keys of records


def of(paths: str, *fields: tuple[str, str]) -> set[bytes]:
    """The keys of a record: by the rows that Key asks the core for."""
    from mrrc_ct._passes import Records, Rows

    key = Key(paths)
    data = iso2709(*fields)
    (row,) = Rows(key.columns).of(Records(data, [0, len(data)]))
    return set(key.of(row.values()))


def same(paths: str, one: list[tuple[str, str]], other: list[tuple[str, str]]) -> bool:
    return bool(of(paths, *one) & of(paths, *other))


@pytest.mark.parametrize(
    ("paths", "one", "other"),
    [
        ("020$a", "0306406152 (pbk.)", "978-0-306-40615-7"),
        ("020$z", "0306406152", "9780306406157"),
        ("020$a:first", "0306406152", "9780306406157"),
        ("022$l", "0378-5955", "03785955"),
        ("010$a", "   85000002 //r86", "85-2"),
        ("035$a", "(OCoLC)ocm00814782", "(OCoLC)814782"),
        ("776$w", "(OCoLC)ocm00814782", "ocm814782"),
        ("785$x", "0378-5955", "03785955"),
        ("830$x", "0378-5955", "03785955"),
        ("773$z", "0306406152", "9780306406157"),
        ("245$a", " Odes", "Odes  "),
        ("245$a", "Come\u0301die", "Com\u00e9die"),
        ("020|022$a", "0378-5955", "03785955"),
    ],
)
def test_values_are_the_same_by_what_they_are(paths: str, one: str, other: str) -> None:
    tag, code = paths[paths.index("$") - 3 :].split("$")
    code = code[0]
    records = [[(tag, f"  ${code}{text}")] for text in (one, other)]
    assert same(paths, *records)


@pytest.mark.parametrize(
    ("paths", "tag", "one", "other"),
    [
        # No ISBN: their texts are compared.
        ("020$a", "020", "0306406153 (pbk.)", "0306406153"),
        # Not what 020 has, nor the whole of it.
        ("245$a", "245", "0306406152", "9780306406157"),
        ("020$a[0:10]", "020", "0306406152", "9780306406157"),
        ("245$a", "245", "Odes", "odes"),
        ("035$a", "035", "(OCoLC)814782", "(DLC)814782"),
        # What is no text is the same as nothing, not even as itself.
        ("245$a", "245", "A\ufffd", "A\ufffd"),
    ],
)
def test_values_are_not_the_same_by_accident(paths: str, tag: str, one: str, other: str) -> None:
    assert not same(paths, [(tag, f"  $a{one}")], [(tag, f"  $a{other}")])


def test_001_of_oclc_is_the_same_as_its_035() -> None:
    assert same("001|035$a", [("001", "ocm00814782 ")], [("035", "  $a(OCoLC)814782")])
    assert not same("001", [("001", "ocm00814782 ")], [("001", "814782")])


def test_of_several_values_any_will_do() -> None:
    one = [("020", "  $a0306406152"), ("020", "  $a080442957X")]
    other = [("020", "  $a9780804429573")]
    assert same("020$a", one, other)
    assert not same("020$a:first", one, other)
    assert same("020$a:last", one, other)
    assert not same("020$a:join", one, other)
    assert same("020$a:join", one, [("020", "  $a9780306406157"), ("020", "  $a9780804429573")])
    assert not same("020$a:join", one, one[::-1])


def test_a_field_that_should_not_repeat_and_does_counts_as_often() -> None:
    assert same("010$a", [("010", "  $a85000001"), ("010", "  $a85000002")], [("010", "  $a85-2")])


def test_several_paths_have_to_agree() -> None:
    one = [("010", "  $a85000001"), ("245", "10$aOdes")]
    assert same("010$a, 245$a", one, one)
    assert not same("010$a, 245$a", one, [one[0], ("245", "10$aSongs")])
    assert not of("010$a, 245$a", one[0])
    # Parts do not run into each other.
    assert not same("245$a, 245$b", [("245", "10$aab$bc")], [("245", "10$aa$bbc")])
    assert not same("245$a, 245$b", [("245", "10$aa\0$bc")], [("245", "10$aa$b\0c")])


def test_003_may_be_missing_beside_001() -> None:
    assert same("003, 001", [("001", "1")], [("001", " 1")])
    assert not same("003, 001", [("001", "1")], [("001", "1"), ("003", "DLC")])
    assert not of("003, 001", ("003", "DLC"))
    assert not of("003, 245$a", ("245", "10$aOdes"))


@pytest.mark.parametrize("field", [("245", "10$a  "), ("245", "10$bb"), ("100", "1 $aA")])
def test_nothing_is_no_key(field: tuple[str, str]) -> None:
    assert not of("245$a", field)


def test_of_too_many_keys_none_is_made() -> None:
    fields = [(tag, f"  $a{tag}-{at}") for tag in ("500", "650", "700") for at in range(17)]
    with pytest.raises(errors.LimitError, match="4,096 keys"):
        of("500$a, 650$a, 700$a", *fields)
    assert len(of("500$a, 650$a, 700$a", *fields[:16], *fields[17:33], *fields[34:50])) == 4096


def test_a_key_is_shown() -> None:
    key = Key("003, id=001, 020$a, number")
    assert (
        key.shown(["DLC", " 12 ", ["0306406152", "x"], 7])
        == "003 DLC, id 12, 020$a 9780306406157; x"
    )
    assert Key().shown([None, "12"]) == "001 12"


def test_a_path_that_is_none_is_an_error_that_shows_where() -> None:
    with pytest.raises(errors.PathInvalid, match="a tag of three characters"):
        Key("20$a")
    with pytest.raises(errors.PathInvalid):
        SortKey("")


# ---- order

texts = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.one_of(st.none(), texts)


@given(st.lists(st.tuples(values, values), max_size=20), st.booleans())
def test_keys_are_in_the_order_of_the_values(pairs: list[tuple[Any, Any]], reverse: bool) -> None:
    key = SortKey("245$a, 260$b", reverse=reverse)
    stripped = [tuple((one or "").strip() or None for one in pair) for pair in pairs]
    # Last what is missing, whichever the direction: with two stable sorts for each part.
    wanted = list(range(len(pairs)))
    for part in (1, 0):
        has = [at for at in wanted if stripped[at][part] is not None]
        has.sort(key=lambda at: stripped[at][part].encode(), reverse=reverse)
        wanted = has + [at for at in wanted if stripped[at][part] is None]
    made = [key.of(pair) for pair in pairs]
    assert sorted(range(len(pairs)), key=made.__getitem__) == wanted


@given(
    st.lists(
        st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False, places=3)),
        max_size=20,
    ),
    st.booleans(),
)
def test_numbers_are_in_their_order(numbers: list[Any], reverse: bool) -> None:
    key = SortKey("001", numeric=True, reverse=reverse)
    made = [
        key.of([f"{number:f}" if not isinstance(number, int) else str(number)])
        for number in numbers
    ]
    order = range(len(numbers))
    assert sorted(order, key=made.__getitem__) == sorted(
        order, key=numbers.__getitem__, reverse=reverse
    )


@pytest.mark.parametrize(
    ("text", "other"), [("007", "7"), ("7 p.", "7"), ("+7", "7.0"), ("-0", "0"), ("-0.50", "-0.5")]
)
def test_numbers_that_are_the_same(text: str, other: str) -> None:
    key = SortKey("300$a", numeric=True)
    assert key.of([text]) == key.of([other])


def test_what_is_no_number_comes_last() -> None:
    for reverse in (False, True):
        key = SortKey("300$a", numeric=True, reverse=reverse)
        assert key.of(["99999999999999999999"]) < key.of(["xii p."]) == key.of([None])


def test_a_type_makes_a_number() -> None:
    key = SortKey("008[7:11]:int, 245$a")
    made = [key.of([year, "x"]) for year in (998, 1200, None)]
    assert made == sorted(made)


def test_sorting_looks_at_the_first_value() -> None:
    from mrrc_ct._passes import Records, Rows

    key = SortKey("020$a")
    data = iso2709(("020", "  $a080442957X"), ("020", "  $a0306406152"))
    (row,) = Rows(key.columns).of(Records(data, [0, len(data)]))
    assert list(row.values()) == ["080442957X"]
    assert key.of(row.values()) == key.of(["9780804429573"])

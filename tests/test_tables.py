"""Columns of records, against an oracle in plain Python with pymarc (columns.py)."""

from __future__ import annotations

import csv
import ctypes
import datetime
import gc
import gzip
import io
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Any

import pytest
from marc import LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import errors, select
from mrrc_ct.tables import Selection

pytest.importorskip("hypothesis", reason="hypothesis makes the paths and records")

import columns
from columns import Column, Logic, Path, Place, Test, path, plain
from hypothesis import given, settings
from hypothesis import strategies as st

capsules = pytest.mark.skipif(
    not hasattr(ctypes, "pythonapi"), reason="this Python has no capsules"
)


@pytest.fixture(scope="session")
def pa() -> Any:
    return pytest.importorskip("pyarrow", reason="pyarrow is not installed")


@pytest.fixture(scope="session")
def pl() -> Any:
    return pytest.importorskip("polars", reason="polars is not installed")


@pytest.fixture(scope="session")
def duckdb() -> Any:
    pytest.importorskip("pyarrow", reason="duckdb reads streams by way of pyarrow")
    return pytest.importorskip("duckdb", reason="duckdb is not installed")


@pytest.fixture(scope="session")
def pd() -> Any:
    pytest.importorskip("pyarrow", reason="pandas reads streams by way of pyarrow")
    found = pytest.importorskip("pandas", reason="pandas is not installed")
    if not hasattr(found.DataFrame, "from_arrow"):
        pytest.skip("this pandas has no DataFrame.from_arrow")
    return found


def column(text: str, mode: str = "", kind: str = "text", separator: str = "; ") -> Column:
    """A column whose mode is written; one that begins with `=` is what it should be unwritten."""
    return Column(path(text), mode.lstrip("="), kind, separator, is_written=mode[0] != "=")


#: By name, of every kind that there is.
COLUMNS = {
    "id": column("001", "=only"),
    "changed": column("005", "=only", "time"),
    "entered": column("008[0:6]", "=only", "date"),
    "year": column("008[7:11]", "=only", "int"),
    "language": column("008[35:38]", "=only"),
    "leader": column("leader", "=only"),
    "kind": column("leader[6]", "=only"),
    "length": column("leader[0:5]", "=only", "int"),
    "isbn": column("020$a", "=list"),
    "lccn": column("010$a", "=only"),
    "classes": column("050$ab", "=list"),
    "author": column("100|110|111", "=only"),
    "author a": column("100$a|110$a|111$a", "=only"),
    "title": column("245$a", "=only"),
    "whole title": column("245", "=only"),
    "titles": column("245$abc", "=only"),
    "publishers": column("260$b|264$b", "list"),
    "published": column("260$c|264$c", "first"),
    "last date": column("260$c|264$c", "last"),
    "pages": column("300$a", "join", separator=" + "),
    "LCSH": column("650[_0]$a", "=list"),
    "all subjects": column("6..", "=list"),
    "subjects": column("650$a", "join"),
    "subdivisions": column("650$xyzv", "=list"),
    "how many": column("650$x", "count"),
    "fields": column("...", "count"),
    "control": column("00.", "=list"),
    "parts": column("245$a[4:12]", "=only"),
    "end": column("245$a[20:]", "=only"),
    "letter": column("650$a[30]", "=list"),
    "cutter": column("050$b[1:5]", "first", "int"),
    "nothing": column("999$a", "=list"),
    "none": column("999$a", "first"),
    "notes": column("5..$a", "last"),
    "indicator": column("245[1*]$a", "=only"),
    "added": column("7..[1_]$a", "=list"),
    "sized": column("300$c[0:2]", "last", "int"),
    "linked": column("880", "=list"),
    "odd": column("500$a|leader[5:8]", "=list"),
}


def expected_rows(wanted: dict[str, Column], records: list[Any]) -> list[dict[str, Any]]:
    return [{name: one.value(record) for name, one in wanted.items()} for record in records]


def as_text(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: plain(value) for name, value in row.items()} for row in rows]


def written(wanted: dict[str, Column]) -> dict[str, str]:
    return {name: str(one) for name, one in wanted.items()}


@pytest.fixture(scope="session")
def book_records(books: pathlib.Path) -> list[Any]:
    return columns.records(books.read_bytes())


@pytest.fixture(scope="session")
def book_rows(book_records: list[Any]) -> list[dict[str, Any]]:
    return expected_rows(COLUMNS, book_records)


# ---- values


def test_columns_hold_what_pymarc_has(books: pathlib.Path, book_rows: list[dict[str, Any]]) -> None:
    selection = select(books, written(COLUMNS))
    assert selection.columns == list(COLUMNS)
    assert selection.report is None
    assert list(selection) == as_text(book_rows)
    # The oracle is not empty where it matters.
    filled = {name for row in book_rows for name, value in row.items() if value}
    assert set(COLUMNS) - filled == {"nothing", "none", "linked"}


def test_columns_of_20000_records_hold_what_pymarc_has(
    books_20k: pathlib.Path, twenty: list[Any]
) -> None:
    selections = [select(books_20k, written(COLUMNS), threads=threads) for threads in (1, 2, 4)]
    count = 0
    for record, *rows in zip(twenty, *selections):
        (expected,) = as_text(expected_rows(COLUMNS, [record]))
        assert rows == [expected] * 3
        count += 1
    assert [selection.report.records_written for selection in selections] == [count] * 3  # type: ignore[union-attr]
    assert count == 20_000


def test_columns_of_marc8_hold_what_pymarc_has(books_20k_marc8: pathlib.Path) -> None:
    data = books_20k_marc8.read_bytes()
    count = 0
    for record, *rows in zip(
        split(data),
        *(select(books_20k_marc8, written(COLUMNS), threads=threads) for threads in (1, 2)),
    ):
        (expected,) = as_text(expected_rows(COLUMNS, columns.records(record)))
        assert rows == [expected] * 2
        count += 1
    assert count == 20_000


def test_dates_times_and_numbers_are_read_as_python_reads_them() -> None:
    texts = [
        *("240229", "230229", "680101", "671231", "000101", "991231", "20240229", "19000229"),
        *("20000229", "00010101", "99991231", "20241301", "20240001", "20240100", "20240132"),
        *("2024022", "2024 229", "      ", "", "２４０２２９", "+40229", "-00101", "1_0101"),
        *("20240229123456", "20240229123456.0", "20240229123456.", "20240229235959.9"),
        *("20240229240000", "20240229126000", "20240229120060", "20240229123456 ", "2024022912345"),
        *(
            "20230229123456.0",
            "19691231235959",
            "00010101000000",
            "99991231235959",
            "20240229+13456",
        ),
        *(
            "7",
            "-7",
            "+7",
            "007",
            " 7 ",
            "7 7",
            "7.5",
            "9223372036854775807",
            "9223372036854775808",
        ),
        *("-9223372036854775808", "-9223372036854775809", "\t7", "7\n", "1_000", "٣", "0x10", "-"),
    ]
    wanted = {kind: column("001", "=only", kind) for kind in ("int", "date", "time")}
    data = b"".join(iso2709(("001", text)) for text in texts)
    expected = expected_rows(wanted, columns.records(data))
    selection = select(data, written(wanted))
    assert list(selection) == as_text(expected)
    assert selection.report is not None
    assert selection.report.unread == {
        name: sum(row[name] is None for row in expected) for name in wanted
    }
    assert selection.report.repeated == dict.fromkeys(wanted, 0)


def test_every_day_of_four_hundred_years() -> None:
    first = datetime.date(1799, 12, 25)
    days = [first + datetime.timedelta(number) for number in range(0, 146_097 + 20, 1)]
    texts = [f"{day:%Y%m%d}" for day in days]
    data = b"".join(iso2709(("001", text)) for text in texts)
    rows = select(data, {"day": "001:date"})
    assert [row["day"] for row in rows] == [day.isoformat() for day in days]


def test_a_value_that_is_repeated_is_the_first_and_counted() -> None:
    data = iso2709(
        ("001", "1"), ("245", "00$aA$aB"), ("245", "00$aC"), ("650", " 0$aD"), ("650", " 0$aE")
    )
    selection = select(
        data * 3 + iso2709(("245", "00$aF")), "245$a,all=245$a:list,650$a,n=245$a:count"
    )
    row = {"245$a": "A", "all": ["A", "B", "C"], "650$a": ["D", "E"], "n": 3}
    assert list(selection) == [row] * 3 + [{"245$a": "F", "all": ["F"], "650$a": [], "n": 1}]
    assert selection.report is not None
    assert selection.report.repeated == {"245$a": 3, "all": 0, "650$a": 0, "n": 0}


@pytest.mark.parametrize("how", ["rows", "csv", "jsonl"])
def test_strict_refuses_a_repeated_value_in_rows_and_text(how: str) -> None:
    data = iso2709(("001", "1"), ("245", "00$aA")) + iso2709(("001", "2"), ("245", "00$aA$aB"))
    selection = select(data, "001,245$a", strict=True)
    read = list if how == "rows" else getattr(Selection, f"to_{how}")
    more = () if how == "rows" else (io.BytesIO(),)
    with pytest.raises(errors.ValueRepeated, match=r"245\$a") as caught:
        read(selection, *more)
    assert (caught.value.record_number, caught.value.byte_offset) == (2, len(data) // 2 - 1)


def test_a_field_without_indicators_has_not_those_that_are_wanted() -> None:
    data = iso2709(("001", "1"), ("245", "00$aA"), ("650", " 0$aB"))
    assert list(select(data, {"x": "...[00]"})) == [{"x": ["A"]}]


# ---- random paths, filters and records

TAGS = [
    "001",
    "005",
    "008",
    "020",
    "050",
    "100",
    "245",
    "260",
    "300",
    "500",
    "650",
    "700",
    "880",
    "9XX",
]
PATTERNS = ["6..", "2.0", ".00", "...", "00.", "0..", "..5", "9.."]
SLICES = st.one_of(
    st.just(""),
    st.integers(0, 12).map("[{}]".format),
    st.integers(0, 12).map("[{}:]".format),
    st.integers(0, 12).map("[:{}]".format),
    st.tuples(st.integers(0, 12), st.integers(0, 12))
    .map(sorted)
    .map(lambda two: "[{}:{}]".format(*two)),
)
CODES = st.text(st.sampled_from("abcdxz029"), min_size=1, max_size=3)


@st.composite
def places(draw: Any, has_codes: bool) -> Place:
    word = draw(st.sampled_from([*TAGS, *PATTERNS, "leader"]))
    cut = draw(SLICES)
    if word == "leader" or re.fullmatch(r"00[0-9.]", word):
        return Place(word, slice=cut)
    # What indicators a control field has is another test's question.
    may_have = word not in ("0..", "...", "..5")
    indicators = (
        draw(st.sampled_from(["", "", "**", "1*", "*0", "_0", "__", "10"])) if may_have else ""
    )
    if not has_codes:
        # An indicator and a position are told apart by the place only.
        return Place(word, indicators, "", cut if indicators or cut == "" else "")
    return Place(word, indicators, draw(CODES), cut)


paths = st.booleans().flatmap(
    lambda has_codes: st.lists(places(has_codes), min_size=1, max_size=3).map(
        lambda found: Path(tuple(found))
    )
)


@st.composite
def random_columns(draw: Any) -> Column:
    mode = draw(st.sampled_from(["list", "first", "last", "join", "count"]))
    kind = (
        draw(st.sampled_from(["text", "int", "date", "time"]))
        if mode in ("first", "last")
        else "text"
    )
    separator = (
        draw(st.sampled_from(["; ", "", "'", "\\", "\n", "é", ',"'])) if mode == "join" else "; "
    )
    return Column(draw(paths), mode, kind, separator)


TEXTS = st.text(st.sampled_from("aAbz019 .,;\"'\\\n\tÄé😀\u0301\u3000\xa0[]()$"), max_size=6)
PATTERNS_RE = st.recursive(
    st.sampled_from(
        [
            *"aAbz019 ",
            "Ä",
            "é",
            "😀",
            ".",
            r"\d",
            r"\w",
            r"\s",
            r"\W",
            r"\.",
            "[a-z]",
            "[^a1]",
            r"[\dÄ]",
            "^",
            "$",
            r"\b",
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map("|".join).map("(?:{})".format),
        st.tuples(
            inner.map("(?:{})".format),
            st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "*?"]),
        ).map("".join),
    ),
    max_leaves=6,
)
NUMBERS = st.one_of(st.integers(-3, 12), st.integers(1900, 2030))


@st.composite
def terms(draw: Any) -> Test:
    where = draw(paths)
    kind = draw(st.sampled_from(["exists", "text", "number", "count", "match", "in"]))
    compare = draw(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
    if kind == "exists":
        return Test(where)
    if kind == "text":
        return Test(where, compare, draw(TEXTS))
    if kind in ("number", "count"):
        return Test(where, compare, draw(NUMBERS), kind == "count")
    if kind == "in":
        return Test(where, "in", tuple(draw(st.lists(TEXTS, min_size=1, max_size=3))))
    return Test(where, draw(st.sampled_from(["=~", "!~"])), draw(PATTERNS_RE))


filters = st.recursive(
    terms(),
    lambda inner: st.one_of(
        inner.map(lambda one: Logic("not", (one,))),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)).map(
            lambda two: Logic(two[0], tuple(two[1]))
        ),
    ),
    max_leaves=5,
)


@st.composite
def small_records(draw: Any) -> bytes:
    fields: list[tuple[str, str]] = []
    for tag in sorted(draw(st.lists(st.sampled_from(TAGS), max_size=6))) or ["001"]:
        if tag < "010":
            fields.append(
                (
                    tag,
                    draw(
                        st.one_of(TEXTS, st.sampled_from(["20240229123456.0", "240229", " 7 "]))
                    ).replace("$", ""),
                )
            )
            continue
        indicators = draw(st.sampled_from(["  ", "10", "1 ", " 0", "00", "ab"]))
        subfields = draw(st.lists(st.tuples(st.sampled_from("abcdxz029"), TEXTS), max_size=4))
        content = "".join(f"\x1f{code}{value.replace('$', '')}" for code, value in subfields)
        fields.append((tag, indicators + content))
    return iso2709(*fields)


@settings(max_examples=150, deadline=None)
@given(wanted=st.lists(random_columns(), min_size=1, max_size=5), where=st.none() | filters)
def test_random_paths_and_filters_of_books(
    books: pathlib.Path, book_records: list[Any], wanted: list[Column], where: Any
) -> None:
    data = b"".join(split(books.read_bytes())[::5])
    check(data, book_records[::5], wanted, where)


@settings(max_examples=1000, deadline=None)
@given(
    data=st.lists(small_records(), max_size=4),
    wanted=st.lists(random_columns(), min_size=1, max_size=5),
    where=st.none() | filters,
)
def test_random_paths_and_filters_of_random_records(
    data: list[bytes], wanted: list[Column], where: Any
) -> None:
    check(
        b"".join(data), [one for record in data for one in columns.records(record)], wanted, where
    )


def check(data: bytes, records: list[Any], wanted: list[Column], where: Any) -> None:
    named = {f"{index}: {one}": one for index, one in enumerate(wanted)}
    kept = [record for record in records if where is None or where.holds(record)]
    selection = select(data, written(named), None if where is None else str(where))
    assert list(selection) == as_text(expected_rows(named, kept))
    assert selection.report is not None
    assert selection.report.records_read == len(records)
    assert selection.report.records_written == len(kept)
    assert selection.report.records_left_out == len(records) - len(kept)


@pytest.mark.parametrize(
    "where",
    [
        Test(path("leader[17]"), "==", "7"),
        Test(path("008[7:11]"), ">", 1990),
        Test(path("650$a"), "=~", "(?i)hist"),
        Test(path("650$a"), "!~", "(?i)hist"),
        Test(path("650$a"), "!=", "History"),
        Test(path("650"), ">", 2, is_count=True),
        Logic(
            "and", (Test(path("100")), Logic("not", (Test(path("650[_0]$x"), "=~", r"\bfict"),)))
        ),
        Logic(
            "or",
            (
                Test(path("008[35:38]"), "in", ("ger", "fre", "rus")),
                Test(path("5..$a"), "=~", "^Includes"),
            ),
        ),
        Test(path("245$a"), "<", "B"),
        Test(path("245"), "=~", r"[^\x00-\x7f]"),
    ],
    ids=str,
)
@pytest.mark.parametrize("threads", [1, 2])
def test_filters_of_20000_records(
    books_20k: pathlib.Path, twenty: list[Any], where: Any, threads: int
) -> None:
    expected = [record["001"].data for record in twenty if where.holds(record)]
    assert 0 < len(expected) < 20_000
    selection = select(books_20k, "id=001", str(where), threads=threads)
    assert [row["id"] for row in selection] == expected


@pytest.fixture(scope="session")
def twenty(books_20k: pathlib.Path) -> list[Any]:
    return columns.records(books_20k.read_bytes())


def test_records_left_out_are_counted_also_behind_the_last_row(books: pathlib.Path) -> None:
    for where, kept in (("002", 0), ("number == 1", 1), ("number == 150", 1)):
        for threads in (1, 2):
            selection = select(books, "001", where, threads=threads)
            assert len(list(selection)) == kept
            report = selection.report
            assert report is not None
            assert (report.records_read, report.records_written, report.records_left_out) == (
                150,
                kept,
                150 - kept,
            )


# ---- batches of Arrow

#: Arrow's types by what a column is, and whether they may be null.
FORMATS = {"list": "+l", "text": "u", "int": "l", "date": "tdD", "time": "tss:"}


def test_a_batch_is_sound_and_has_the_types_that_are_told(
    pa: Any, books: pathlib.Path, book_rows: list[dict[str, Any]]
) -> None:
    selection = select(books, {**written(COLUMNS), "number": "number", "offset": "offset"})
    table = pa.table(selection)
    table.validate(full=True)
    types = {"text": pa.string(), "int": pa.int64(), "date": pa.date32(), "time": pa.timestamp("s")}
    fields = []
    for name, one in COLUMNS.items():
        if one.mode == "list":
            item = pa.field("item", pa.string(), nullable=False)
            fields.append(pa.field(name, pa.list_(item), nullable=False))
        else:
            kind = "int" if one.mode == "count" else one.type
            fields.append(pa.field(name, types[kind], nullable=one.mode != "count"))
    fields += [pa.field(name, pa.int64(), nullable=False) for name in ("number", "offset")]
    assert table.schema == pa.schema(fields)
    assert pa.schema(selection) == table.schema
    lengths = [len(one) for one in split(books.read_bytes())]
    offsets = [sum(lengths[:index]) for index in range(150)]
    assert table.to_pylist() == [
        {**row, "number": index + 1, "offset": offsets[index]}
        for index, row in enumerate(book_rows)
    ]
    assert table.column("none").null_count == 150


@pytest.mark.parametrize("size", [1, 7, 8, 9, 50, 149, 150, 151, (1 << 31) - 1])
def test_batches_are_no_larger_than_they_should_be(
    pa: Any, books: pathlib.Path, book_rows: list[dict[str, Any]], size: int
) -> None:
    selection = select(books, written(COLUMNS), batch_size=size)
    batches = list(pa.RecordBatchReader.from_stream(selection))
    sizes = [batch.num_rows for batch in batches]
    assert sizes == [min(size, 150 - at) for at in range(0, 150, size)]
    for batch in batches:
        batch.validate(full=True)
    assert pa.Table.from_batches(batches).to_pylist() == book_rows


@pytest.mark.parametrize("size", [0, -1, 1 << 31])
def test_sizes_that_batches_cannot_have(size: int) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        select(b"", "001", batch_size=size)


@pytest.mark.parametrize("threads", [1, 2])
def test_batches_go_over_pieces_of_the_source(
    pa: Any, books: pathlib.Path, book_rows: list[dict[str, Any]], threads: int
) -> None:
    data = books.read_bytes() * 20
    selection = select(data, written(COLUMNS), batch_size=1000, threads=threads)
    batches = list(pa.RecordBatchReader.from_stream(selection))
    assert [batch.num_rows for batch in batches] == [1000, 1000, 1000]
    table = pa.Table.from_batches(batches)
    table.validate(full=True)
    assert table.to_pylist() == book_rows * 20


def test_nothing_at_all_is_a_table_without_rows(pa: Any, books: pathlib.Path) -> None:
    for source, where in ((b"", None), (books, "002"), (books.read_bytes(), "number > 1000")):
        selection = select(source, written(COLUMNS), where, from_="marc")
        table = pa.table(selection)
        table.validate(full=True)
        assert table.num_rows == 0
        assert table.schema == pa.schema(selection)
        assert list(selection) == []


def test_nulls_and_empty_texts_are_told_apart_in_every_place(pa: Any) -> None:
    texts = [None, "", "a", None, None, "ä😀", "", None, "x" * 1000]
    for step in range(1, 20):
        values = [texts[(index * step) % 9] for index in range(step + 30)]
        data = b"".join(
            iso2709(("001", "1"), *([] if one is None else [("500", "  $a" + one)]))
            for one in values
        )
        wanted = "a=500$a:first, b=500$a, c=500$a:join, d=500$a:last:int, e=500$a:count"
        for size in (4, 65_536):
            table = pa.table(select(data, wanted, batch_size=size))
            table.validate(full=True)
            assert table.to_pydict() == {
                "a": values,
                "b": [[] if one is None else [one] for one in values],
                "c": values,
                "d": [None] * len(values),
                "e": [int(one is not None) for one in values],
            }
            assert table.column("a").null_count == values.count(None)


def test_thousands_of_columns(pa: Any, books: pathlib.Path, book_records: list[Any]) -> None:
    wanted: dict[str, Column] = {}
    for number in range(4096):
        tag = f"{number % 900 + 10:03}"
        wanted[str(number)] = [
            column(f"{tag}$a", "list"),
            column(f"008[{number % 50}]", "first"),
            column(f"leader[{number % 24}:]", "first"),
            column(f"{tag[0]}..$a|{tag}$b", "last"),
            column(tag, "count"),
        ][number % 5]
    data = split(books.read_bytes())
    table = pa.table(select(b"".join(data[:20]), written(wanted)))
    table.validate(full=True)
    assert table.to_pylist() == expected_rows(wanted, book_records[:20])
    assert table.column_names == list(wanted)


def test_no_columns_are_rows_of_nothing(pa: Any, books: pathlib.Path) -> None:
    for nothing in ([], {}):
        selection = select(books, nothing, batch_size=100)
        assert selection.columns == []
        assert list(selection) == [{}] * 150
        batches = list(pa.RecordBatchReader.from_stream(selection))
        assert [(one.num_rows, one.num_columns) for one in batches] == [(100, 0), (50, 0)]
    with pytest.raises(errors.PathInvalid):
        select(books, "")


@settings(max_examples=300, deadline=None)
@given(
    data=st.lists(small_records(), max_size=12),
    wanted=st.lists(random_columns(), min_size=1, max_size=5),
    size=st.integers(1, 13),
)
def test_random_records_in_batches(
    pa: Any, data: list[bytes], wanted: list[Column], size: int
) -> None:
    named = {f"{index}: {one}": one for index, one in enumerate(wanted)}
    table = pa.table(select(b"".join(data), written(named), batch_size=size, from_="marc"))
    table.validate(full=True)
    records = [one for record in data for one in columns.records(record)]
    assert table.to_pylist() == expected_rows(named, records)


# ---- data frames and databases


def test_polars_has_the_same(pl: Any, books: pathlib.Path, book_rows: list[dict[str, Any]]) -> None:
    selection = select(books, written(COLUMNS), batch_size=64)
    frame = pl.DataFrame(selection)
    assert frame.to_dicts() == book_rows
    assert pl.DataFrame(selection).equals(frame)
    assert frame["entered"].dtype == pl.Date
    assert frame["isbn"].dtype == pl.List(pl.String)
    assert pl.DataFrame(select(books, written(COLUMNS), "002")).rows() == []


def test_duckdb_asks_as_often_as_it_likes(
    duckdb: Any, books: pathlib.Path, book_rows: list[dict[str, Any]]
) -> None:
    selection = select(books, written(COLUMNS), batch_size=64)  # noqa: F841  # duckdb sees it
    connection = duckdb.connect()
    for _ in range(2):
        found = connection.sql("select * from selection")
        assert [dict(zip(found.columns, row)) for row in found.fetchall()] == book_rows
    years = [row["year"] for row in book_rows if row["year"] is not None]
    for _ in range(2):
        assert connection.sql("select count(year), sum(year) from selection").fetchall() == [
            (len(years), sum(years))
        ]
    twice = connection.sql("select count(*) from selection a join selection b using (id)")
    assert twice.fetchall() == [(150,)]


def test_pandas_has_the_same(pd: Any, books: pathlib.Path, book_rows: list[dict[str, Any]]) -> None:
    selection = select(books, written(COLUMNS), batch_size=64)
    frame = pd.DataFrame.from_arrow(selection)
    assert list(frame.columns) == list(COLUMNS)
    for name, one in COLUMNS.items():
        expected = [row[name] for row in book_rows]
        found = frame[name].tolist()
        if one.mode == "list":
            found = [list(value) for value in found]
        elif one.type == "time":
            found = [value.to_pydatetime() for value in found]
        else:
            found = [None if pd.isna(value) else value for value in found]
        assert found == expected, name


# ---- Arrow's structures, used as C does


class Schema(ctypes.Structure):
    pass


class Array(ctypes.Structure):
    pass


class Stream(ctypes.Structure):
    pass


Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(Schema))),
    ("dictionary", ctypes.POINTER(Schema)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(Schema))),
    ("private_data", ctypes.c_void_p),
]
Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(Array))),
    ("dictionary", ctypes.POINTER(Array)),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(Array))),
    ("private_data", ctypes.c_void_p),
]
Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Stream), ctypes.POINTER(Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(Stream))),
    ("release", ctypes.CFUNCTYPE(None, ctypes.POINTER(Stream))),
    ("private_data", ctypes.c_void_p),
]


def moved(capsule: Any, name: bytes, kind: Any) -> Any:
    """The structure of a capsule, which is marked as released, as whoever takes it over does."""
    # Not an attribute of pythonapi, which belongs to everybody.
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    address = prototype(("PyCapsule_GetPointer", ctypes.pythonapi))(capsule, name)
    structure = kind()
    ctypes.memmove(ctypes.byref(structure), address, ctypes.sizeof(kind))
    ctypes.memset(address + kind.release.offset, 0, ctypes.sizeof(ctypes.c_void_p))
    return structure


def stream_of(selection: Selection) -> Any:
    return moved(selection.__arrow_c_stream__(), b"arrow_array_stream", Stream)


def schema_of(selection: Selection) -> Any:
    return moved(selection.__arrow_c_schema__(), b"arrow_schema", Schema)


def batch_of(stream: Any) -> Any:
    """The next batch, None at the end; an error is RuntimeError with its number and message."""
    array = Array()
    status = stream.get_next(stream, array)
    if status:
        assert not array.release
        raise RuntimeError(status, stream.get_last_error(stream).decode())
    return array if array.release else None


def released(structure: Any) -> None:
    structure.release(structure)
    assert not structure.release


def texts_of(array: Any, child: int) -> list[str | None]:
    """The texts of a column."""
    column = array.children[child][0]
    assert (column.n_buffers, column.n_children, column.offset) == (3, 0, 0)
    validity, offsets, data = (column.buffers[index] for index in range(3))
    ends = (ctypes.c_int32 * (column.length + 1)).from_address(offsets)
    found: list[str | None] = []
    for row in range(column.length):
        bits = ctypes.c_uint8.from_address(validity + row // 8).value if validity else 0xFF
        is_there = bits >> row % 8 & 1
        text = ctypes.string_at(data + ends[row], ends[row + 1] - ends[row]).decode()
        found.append(text if is_there else None)
    assert found.count(None) == column.null_count
    return found


@capsules
def test_the_structures_are_those_of_arrow(
    books: pathlib.Path, book_rows: list[dict[str, Any]]
) -> None:
    selection = select(books, {**written(COLUMNS), "number": "number", "ä": "001"}, batch_size=100)
    schema = schema_of(selection)
    stream = stream_of(selection)
    same = Schema()
    assert stream.get_schema(stream, same) == 0
    for one in (schema, same):
        assert (one.format, one.n_children, bool(one.dictionary)) == (
            b"+s",
            len(COLUMNS) + 2,
            False,
        )
        for index, (name, wanted) in enumerate(COLUMNS.items()):
            child = one.children[index][0]
            kind = (
                "list"
                if wanted.mode == "list"
                else "int"
                if wanted.mode == "count"
                else wanted.type
            )
            assert (child.name.decode(), child.format.decode()) == (name, FORMATS[kind])
            assert child.flags == (0 if wanted.mode in ("list", "count") else 2)
            if kind == "list":
                item = child.children[0][0]
                assert (item.format, item.name, item.flags) == (b"u", b"item", 0)
        assert one.children[len(COLUMNS) + 1][0].name.decode() == "ä"
        released(one)
    found: list[str | None] = []
    title = list(COLUMNS).index("title")
    for rows in (100, 50):
        array = batch_of(stream)
        assert (array.length, array.null_count, array.n_buffers) == (rows, 0, 1)
        found += texts_of(array, title)
        for index in range(array.n_children):
            child = array.children[index][0]
            assert child.length == rows
            for buffer in range(1, child.n_buffers):
                assert child.buffers[buffer] and child.buffers[buffer] % 8 == 0
        released(array)
    assert found == [row["title"] for row in book_rows]
    assert batch_of(stream) is None
    assert batch_of(stream) is None
    assert stream.get_last_error(stream) is None
    released(stream)


@capsules
def test_columns_can_be_moved_out_of_a_batch_and_outlive_it(
    books: pathlib.Path, book_rows: list[dict[str, Any]]
) -> None:
    stream = stream_of(select(books, "001,245$a,650$a"))
    array = batch_of(stream)
    released(stream)
    child = Array()
    ctypes.memmove(ctypes.byref(child), array.children[1], ctypes.sizeof(Array))
    ctypes.memset(
        ctypes.addressof(array.children[1][0]) + Array.release.offset,
        0,
        ctypes.sizeof(ctypes.c_void_p),
    )
    released(array)
    holder = Array(n_children=1, children=(ctypes.POINTER(Array) * 1)(ctypes.pointer(child)))
    assert texts_of(holder, 0) == [row["title"] for row in book_rows]
    released(child)


@capsules
def test_capsules_that_nobody_uses(tmp_path: pathlib.Path, books: pathlib.Path) -> None:
    from mrrc_ct import _arrow

    before = len(_arrow._streams)
    path = tmp_path / "a.mrc"
    path.write_bytes(books.read_bytes())
    for threads in (1, 2):
        selection = select(path, "001", threads=threads)
        for _ in range(20):
            selection.__arrow_c_schema__()
            selection.__arrow_c_stream__()
        gc.collect()
        assert len(_arrow._streams) == before
    if os.path.exists("/proc/self/fd"):
        names = [
            os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")
        ]
        assert str(path) not in names


@capsules
def test_a_stream_that_is_read_half(tmp_path: pathlib.Path, books: pathlib.Path) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(books.read_bytes() * 30)
    for threads in (1, 2):
        stream = stream_of(select(path, "001,650$a", batch_size=70, threads=threads))
        for _ in range(3):
            array = batch_of(stream)
            assert array.length == 70
            released(array)
        released(stream)
        if os.path.exists("/proc/self/fd"):
            names = [
                os.path.realpath(f"/proc/self/fd/{number}")
                for number in os.listdir("/proc/self/fd")
            ]
            assert str(path) not in names


@capsules
@pytest.mark.parametrize("threads", [1, 2])
def test_a_stream_outlives_the_selection_and_its_bytes(
    books: pathlib.Path, book_rows: list[dict[str, Any]], threads: int
) -> None:
    selection = select(bytearray(books.read_bytes()), "245$a", batch_size=40, threads=threads)
    stream = stream_of(selection)
    del selection
    gc.collect()
    arrays = []
    while (array := batch_of(stream)) is not None:
        arrays.append(array)
    released(stream)
    gc.collect()
    found = [text for array in arrays for text in texts_of(array, 0)]
    assert found == [row["title"] for row in book_rows]
    for array in arrays:
        released(array)


@capsules
def test_a_stream_is_read_in_another_thread(
    books: pathlib.Path, book_rows: list[dict[str, Any]]
) -> None:
    for threads in (1, 2):
        stream = stream_of(select(books.read_bytes() * 5, "245$a", batch_size=40, threads=threads))
        found: list[str | None] = []

        def read(stream: Any = stream, found: list[str | None] = found) -> None:
            while (array := batch_of(stream)) is not None:
                found += texts_of(array, 0)
                released(array)
            released(stream)

        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        assert found == [row["title"] for row in book_rows] * 5


@capsules
def test_two_threads_read_one_selection(
    books: pathlib.Path, book_rows: list[dict[str, Any]]
) -> None:
    selection = select(books, "245$a,650$a", "001 =~ '.'", batch_size=7)
    found: list[list[str | None]] = [[] for _ in range(4)]

    def read(texts: list[str | None]) -> None:
        stream = stream_of(selection)
        while (array := batch_of(stream)) is not None:
            texts += texts_of(array, 0)
            released(array)
        released(stream)

    readers = [threading.Thread(target=read, args=(texts,)) for texts in found]
    for thread in readers:
        thread.start()
    for thread in readers:
        thread.join()
    assert found == [[row["title"] for row in book_rows]] * 4


@capsules
def test_streams_of_one_selection_do_not_know_of_each_other(
    books: pathlib.Path, book_rows: list[dict[str, Any]]
) -> None:
    selection = select(books, "245$a", batch_size=10)
    streams = [stream_of(selection) for _ in range(5)]
    found: list[list[str | None]] = [[] for _ in streams]
    for _ in range(15):
        for stream, texts in zip(streams, found):
            array = batch_of(stream)
            texts += texts_of(array, 0)
            released(array)
    for stream in streams:
        assert batch_of(stream) is None
        released(stream)
    assert found == [[row["title"] for row in book_rows]] * 5


@capsules
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read in /proc")
def test_ten_thousand_streams_take_no_more_memory_than_one(books: pathlib.Path) -> None:
    done = run(
        """
        def memory():
            return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        selection = select(data[:50_000], "001,245$a,650$a,008[0:6]:date", from_="marc")
        def use(number):
            for _ in range(number):
                selection.__arrow_c_schema__()
                selection.__arrow_c_stream__()
                stream = stream_of(selection)
                schema = Schema()
                assert stream.get_schema(stream, schema) == 0
                released(schema)
                if _ % 10 == 0:
                    array = batch_of(stream)
                    released(array)
                released(stream)
        use(500)
        before = memory()
        use(10_000)
        print(memory() - before)
        """,
        books,
    )
    assert int(done) < 4_000_000


def run(code: str, books: pathlib.Path) -> str:
    """Run code in a Python of its own, which must end as it should and say nothing else."""
    import textwrap

    head = (
        "import gc, io, os, sys, threading\n"
        "from test_tables import Array, Schema, Stream, batch_of, moved, released, stream_of, texts_of\n"
        "from mrrc_ct import errors, select\n"
        "data = open(sys.argv[1], 'rb').read()\n"
    )
    folders = [str(pathlib.Path(__file__).parent), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(code), str(books)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@capsules
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("read", [0, 1])
@pytest.mark.parametrize("source", ["data", "sys.argv[1]"])
@pytest.mark.parametrize(
    "where", ["sys.keep = ", "gc.keep = [1]; gc.keep.append(gc.keep); gc.keep[0] = ", "keep = "]
)
def test_a_program_may_end_while_a_stream_is_alive(
    books: pathlib.Path, threads: int, read: int, source: str, where: str
) -> None:
    code = f"""
        selection = select({source}, "001,245$a", batch_size=10, threads={threads})
        stream = stream_of(selection)
        for _ in range({read}):
            batch_of(stream)
        {where} (stream, selection.__arrow_c_stream__(), selection.__arrow_c_schema__(), iter(selection))
        print("done")
        """
    assert run(code, books) == "done\n"


def test_a_stream_that_is_released_at_the_very_end(pa: Any, books: pathlib.Path) -> None:
    code = """
        import pyarrow
        reader = pyarrow.RecordBatchReader.from_stream(select(data, "001,650$a", batch_size=10))
        reader.read_next_batch()
        class Late:
            def __init__(self, reader): self.reader = reader
            def __del__(self): self.reader = None
        sys.late = Late(reader)
        sys.modules["late"] = Late(pyarrow.RecordBatchReader.from_stream(select(sys.argv[1], "001")))
        import atexit
        atexit.register(reader.close)
        print("done")
        """
    assert run(code, books) == "done\n"


@capsules
def test_what_is_read_behind_the_end_of_the_program_is_an_error(books: pathlib.Path) -> None:
    from mrrc_ct import _arrow

    code = """
        from mrrc_ct import _arrow
        stream = stream_of(select(data, "001", batch_size=10))
        released(batch_of(stream))
        _arrow._library.mrrc_arrow_end()
        try:
            batch_of(stream)
        except RuntimeError as error:
            print(error.args[0], error.args[1])
        released(stream)
        """
    assert run(code, books) == f"{_arrow._EIO} the program that reads has ended\n"


def test_an_error_of_a_record_comes_through(pa: Any, books: pathlib.Path) -> None:
    records = split(books.read_bytes())
    records[70] = b"0x" + records[70][2:]
    for threads in (1, 2):
        selection = select(b"".join(records), "001", recovery_mode="strict", threads=threads)
        with pytest.raises(errors.MarcError) as caught:
            list(selection)
        assert caught.value.record_number == 71
        reader = pa.RecordBatchReader.from_stream(selection)
        with pytest.raises(OSError, match="record 71") as other:
            reader.read_all()
        assert str(caught.value) in str(other.value)
        stream = stream_of(selection)
        if threads == 1:
            assert batch_of(stream).length == 70
        with pytest.raises(RuntimeError, match="record 71") as last:
            batch_of(stream)
        assert last.value.args == (5, str(caught.value))
        released(stream)


@capsules
def test_a_stream_that_has_failed_does_not_end_as_if_it_were_whole(books: pathlib.Path) -> None:
    records = split(books.read_bytes())
    records[70] = b"0x" + records[70][2:]
    stream = stream_of(select(b"".join(records), "001", recovery_mode="strict", batch_size=50))
    assert [batch_of(stream).length for _ in range(2)] == [50, 20]
    for _ in range(3):
        with pytest.raises(RuntimeError, match="record 71"):
            batch_of(stream)
    released(stream)


def test_a_repeated_value_comes_through(pa: Any) -> None:
    good = iso2709(("001", "1"), ("245", "00$aA"))
    data = good * 5 + iso2709(("001", "2"), ("245", "00$aB$aC")) + good
    for threads in (1, 2):
        selection = select(data, "001,title=245$a", strict=True, threads=threads, batch_size=2)
        reader = pa.RecordBatchReader.from_stream(selection)
        assert [reader.read_next_batch().num_rows for _ in range(3)] == [2, 2, 1]
        with pytest.raises(
            OSError, match="record 6, byte 290: column 'title' has more than one value"
        ):
            reader.read_next_batch()
        # What is not asked for may be repeated.
        assert pa.table(select(data, "001,t=245$a:first", strict=True)).num_rows == 7
        assert pa.table(select(data, "001,title=245$a", "001 == 1", strict=True)).num_rows == 6


@pytest.mark.parametrize(
    ("library", "read"),
    [
        ("pyarrow", "library.table(selection)"),
        ("polars", "library.DataFrame(selection)"),
        ("duckdb", "library.sql('select * from selection').fetchall()"),
        ("pandas", "library.DataFrame.from_arrow(selection)"),
    ],
)
def test_whoever_reads_raises_our_error(
    request: pytest.FixtureRequest, books: pathlib.Path, library: str, read: str
) -> None:
    request.getfixturevalue({"pyarrow": "pa", "polars": "pl", "pandas": "pd"}.get(library, library))
    # What goes wrong here would go on in this process.
    code = f"""
        import {library} as library
        from marc import iso2709
        selection = select(iso2709(("001", "1"), ("245", "00$aA$aB")), "001,title=245$a", strict=True)
        try:
            {read}
        except Exception as error:
            print("column 'title' has more than one value" in str(error))
        """
    assert run(code, books) == "True\n"


@capsules
def test_others_may_use_ctypes_pythonapi(books: pathlib.Path) -> None:
    code = """
        import ctypes
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]
        from mrrc_ct import _arrow
        selection = select(data, "001")
        for make in (selection.__arrow_c_stream__, selection.__arrow_c_schema__):
            make()
        gc.collect()
        print(len(_arrow._streams))
        """
    assert run(code, books) == "0\n"
    code = """
        import ctypes
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        print(pointer.argtypes, pointer.restype is ctypes.c_int)
        """
    assert run(code, books) == "None True\n"


def test_a_capsule_that_goes_with_an_exception_is_freed(pa: Any, books: pathlib.Path) -> None:
    code = """
        import pyarrow
        from mrrc_ct import _arrow
        for _ in range(3):
            try:
                pyarrow.table(select(data + b"x", "001", from_="marc", recovery_mode="strict"))
            except OSError as error:
                print("record 151" in str(error))
            gc.collect()
            print(len(_arrow._streams))
        """
    assert run(code, books) == "True\n0\n" * 3


# ---- sources

ROWS = "number, offset, 001, 245$a, 650$a, leader"


def test_every_kind_of_source(
    tmp_path: pathlib.Path, books: pathlib.Path, book_rows: list[dict[str, Any]]
) -> None:
    data = books.read_bytes()
    packed = tmp_path / "a.mrc.gz"
    packed.write_bytes(gzip.compress(data))
    expected = list(select(books, ROWS))
    assert [row["001"] for row in expected] == [row["id"] for row in book_rows]
    for source in (str(books), data, bytearray(data), memoryview(data), packed):
        for threads in (1, 2):
            selection = select(source, ROWS, threads=threads)
            for _ in range(2):
                assert list(selection) == expected
                assert selection.report is not None
                assert selection.report.records_written == 150


@capsules
@pytest.mark.parametrize("threads", [1, 2])
def test_a_source_that_can_be_read_once_says_so_the_second_time(
    tmp_path: pathlib.Path, books: pathlib.Path, threads: int
) -> None:
    expected = list(select(books, ROWS))

    def refused(selection: Selection) -> None:
        for read in (list, Selection.__arrow_c_stream__):
            with pytest.raises(errors.SourceError, match="can be read once"):
                read(selection)  # type: ignore[operator]
        with pytest.raises(errors.SourceError, match="can be read once"):
            selection.to_csv(tmp_path / "none.csv")
        assert not (tmp_path / "none.csv").exists()

    with open(books, "rb") as file:
        selection = select(file, ROWS, threads=threads)
        assert list(selection) == expected
        refused(selection)
        assert not file.closed
    selection = select(io.BytesIO(books.read_bytes()), ROWS, threads=threads)
    stream = stream_of(selection)
    assert texts_of(batch_of(stream), 2) == [row["001"] for row in expected]
    refused(selection)
    released(stream)
    # The schema may be had as often as anybody likes.
    released(schema_of(selection))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("is_named", [True, False])
def test_a_pipe(tmp_path: pathlib.Path, books: pathlib.Path, threads: int, is_named: bool) -> None:
    data = books.read_bytes() * 3

    def write(file: Any) -> None:
        with file:
            for at in range(0, len(data), 10_000):
                file.write(data[at : at + 10_000])

    if is_named:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        thread = threading.Thread(target=lambda: write(open(fifo, "wb")))  # noqa: SIM115
        source: Any = fifo
    else:
        end, begin = os.pipe()
        thread = threading.Thread(target=lambda: write(os.fdopen(begin, "wb")))
        source = os.fdopen(end, "rb")
    thread.start()
    selection = select(source, ROWS, from_="marc", threads=threads)
    assert list(selection) == list(select(data, ROWS))
    thread.join()
    with pytest.raises(errors.SourceError, match="can be read once"):
        list(selection)
    if not is_named:
        source.close()


@pytest.mark.parametrize(
    "name", ["a.xml", "a.json", "a.jsonl", "a.marcjson", "a.mrk", "a.seq", "a.xml.gz"]
)
def test_every_format_gives_the_same_rows(
    tmp_path: pathlib.Path, books: pathlib.Path, book_rows: list[dict[str, Any]], name: str
) -> None:
    mrrc_ct.convert(books, tmp_path / name)
    wanted = {key: str(one) for key, one in COLUMNS.items() if key not in ("leader", "length")}
    expected = [{key: row[key] for key in wanted} for row in as_text(book_rows)]
    for threads in (1, 2):
        selection = select(tmp_path / name, {**wanted, "n": "number"}, threads=threads)
        rows = list(selection)
        assert [row.pop("n") for row in rows] == list(range(1, 151))
        assert rows == expected
    where = Test(path("650$a"), "=~", "(?i)hist")
    kept = [row["001"] for row in select(tmp_path / name, "001", str(where))]
    assert kept == [
        row["id"]
        for row, record in zip(book_rows, columns.records(books.read_bytes()))
        if where.holds(record)
    ]
    with pytest.raises(errors.SourceError, match="only ISO 2709"):
        list(select(tmp_path / name, "001", start=10))


@capsules
def test_a_source_that_is_not_there(tmp_path: pathlib.Path) -> None:
    selection = select(tmp_path / "none.mrc", "001")
    for read in (list, Selection.__arrow_c_stream__):
        with pytest.raises(errors.SourceNotFound, match=r"none\.mrc"):
            read(selection)  # type: ignore[operator]
    with pytest.raises(errors.SourceIsDirectory):
        list(select(tmp_path, "001", from_="marc"))
    (tmp_path / "empty.mrc").write_bytes(b"")
    for threads in (1, 2):
        with pytest.raises(errors.EmptySource):
            list(select(tmp_path / "empty.mrc", "001", threads=threads))


@capsules
@pytest.mark.skipif(os.name == "nt", reason="there a file that is open stays as it is")
def test_a_file_that_vanishes_between_two_readings(
    tmp_path: pathlib.Path, books: pathlib.Path
) -> None:
    source = tmp_path / "a.mrc"
    source.write_bytes(books.read_bytes())
    selection = select(source, "001", batch_size=10)
    assert len(list(selection)) == 150
    stream = stream_of(selection)
    source.unlink()
    with pytest.raises(errors.SourceNotFound):
        list(selection)
    with pytest.raises(errors.SourceNotFound):
        selection.__arrow_c_stream__()
    # Whoever had opened it before has it still, where the system is a Unix.
    count = 0
    while (array := batch_of(stream)) is not None:
        count += array.length
        released(array)
    released(stream)
    assert count == 150


@capsules
@pytest.mark.skipif(os.name == "nt", reason="there a file that is open stays as it is")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("mode", ["strict", "lenient"])
def test_a_file_that_is_cut_while_it_is_read(
    tmp_path: pathlib.Path, books: pathlib.Path, threads: int, mode: str
) -> None:
    source = tmp_path / "a.mrc"
    source.write_bytes(books.read_bytes() * 200)
    expected = [row["001"] for row in select(books, "001")] * 200
    selection = select(source, "001", batch_size=10, threads=threads, recovery_mode=mode)
    stream = stream_of(selection)
    os.truncate(source, 100_000)
    found: list[str | None] = []
    failure = None
    try:
        while (array := batch_of(stream)) is not None:
            found += texts_of(array, 0)
            released(array)
    except RuntimeError as error:
        failure = error.args[1]
    released(stream)
    assert found == expected[: len(found)]
    report = selection.report
    assert report is not None
    # Threads may have read more of it before, up to the end of any record.
    assert len({error.record_number for error in report.errors}) == (1 if report.errors else 0)
    assert failure == (str(report.errors[0]) if mode == "strict" and report.errors else None)
    if threads == 1:
        assert report.errors
        assert 90 <= len(found) <= 110


# ---- threads, damage and ranges


def damaged(books: pathlib.Path, times: int) -> bytes:
    """The books many times over, with damage of every kind in between."""
    good = split(books.read_bytes())
    records = []
    for round_ in range(times):
        these = list(good)
        these[20 + round_] = b"0x" + these[20 + round_][2:]
        these[70] = these[70][:30] + b"?" + these[70][31:]
        these[100] = b"beyond saving\x1d"
        these[140] += b"\r\n"
        records += these
    return b"".join(records)


@pytest.mark.parametrize(
    "where", [None, "008[7:11] > 1990 and not 245$a =~ '^A'", "number > 1000", "002"]
)
@pytest.mark.parametrize("mode", ["lenient", "permissive", "strict"])
def test_threads_make_no_difference(books: pathlib.Path, where: str | None, mode: str) -> None:
    data = damaged(books, 20)
    found = []
    for threads in (1, 2, 4):
        seen: list[errors.MarcError] = []
        selection = select(
            data, ROWS, where, threads=threads, recovery_mode=mode, on_error=seen.append
        )
        rows = list(selection)
        report = selection.report
        assert report is not None
        assert [str(error) for error in seen] == [str(error) for error in report.errors]
        found.append(
            (
                rows,
                [(type(one), one.record_number, one.byte_offset, one.outcome) for one in seen],
                report.records_read,
                report.records_written,
                report.records_left_out,
                report.records_lost,
                report.records_salvaged,
                report.bytes_read,
                report.bytes_between,
                report.repeated,
            )
        )
    assert found[0] == found[1] == found[2]
    rows, losses, read, kept, left_out, lost, salvaged, size, between, _ = found[0]
    assert len(rows) == kept == read - left_out
    assert (size, between) == (len(data), 40)
    # What is wrong with records is told, wanted or not.
    assert len(losses) == 60
    assert (lost, salvaged) == ((60, 0) if mode == "strict" else (20, 40))
    assert read + lost == 3000
    for row in rows[::50]:
        at = row["offset"]
        assert data[at : at + 5] == row["leader"][:5].encode()
    if where is None:
        numbers = [row["number"] for row in rows]
        lost_numbers = [one for _, one, _, outcome in losses if outcome == "lost"]
        assert sorted(numbers + lost_numbers) == list(range(1, 3001))
    if where == "number > 1000":
        assert all(row["number"] > 1000 for row in rows)


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("parts", [2, 3, 7])
@pytest.mark.parametrize("where", [None, "650$a =~ '(?i)hist' and 001"])
def test_ranges_together_are_the_whole(
    tmp_path: pathlib.Path, books: pathlib.Path, threads: int, parts: int, where: str | None
) -> None:
    source = tmp_path / "a.mrc"
    source.write_bytes(damaged(books, 20))
    wanted = "offset, 001, 245$a, 650$a, leader"
    whole = select(source, wanted, where)
    expected = list(whole)
    ranges = mrrc_ct.split_offsets(source, parts)
    assert len(ranges) == parts
    rows: list[dict[str, Any]] = []
    left_out = 0
    losses = []
    for start, stop in ranges:
        part = select(source, wanted, where, start=start, stop=stop, threads=threads)
        these = list(part)
        assert all(start <= row["offset"] < stop for row in these)
        rows += these
        assert part.report is not None
        left_out += part.report.records_left_out
        losses += [(one.byte_offset, one.outcome) for one in part.report.errors]
    assert rows == expected
    assert whole.report is not None
    assert left_out == whole.report.records_left_out
    assert losses == [(one.byte_offset, one.outcome) for one in whole.report.errors]


def test_a_range_may_begin_anywhere(books: pathlib.Path) -> None:
    whole = list(select(books, "offset, 001"))
    size = books.stat().st_size
    for start in [*range(0, size, 9_001), size, size + 1]:
        for stop in (None, start, start + 1, start + 20_000):
            rows = list(select(books, "offset, 001", start=start, stop=stop))
            assert rows == [
                row for row in whole if start <= row["offset"] < (size if stop is None else stop)
            ]
    for bad in ({"start": -1}, {"stop": -1}):
        with pytest.raises(ValueError, match="not negative"):
            select(books, "001", **bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "kind",
    [
        "path",
        "bytes",
        "file",
    ],
)
def test_a_range_of_any_source_has_its_records_and_numbers_from_1(
    tmp_path: pathlib.Path, books: pathlib.Path, threads: int, kind: str
) -> None:
    data = books.read_bytes() * 10
    (tmp_path / "a.mrc").write_bytes(data)
    source: Any = {"path": tmp_path / "a.mrc", "bytes": data, "file": io.BytesIO(data)}[kind]
    half = len(data) // 2
    expected = list(select(data, "offset, 001"))
    for begin, start in ((750, half), (751, half + 1)):
        rows = list(
            select(source, "number, offset, 001", start=start, stop=len(data) - 1, threads=threads)
        )
        assert [row.pop("number") for row in rows] == list(range(1, 1501 - begin))
        assert rows == expected[begin:]
        source = io.BytesIO(data) if kind == "file" else source


def test_what_cannot_be_read_in_parts(tmp_path: pathlib.Path, books: pathlib.Path) -> None:
    (tmp_path / "a.mrc.gz").write_bytes(gzip.compress(books.read_bytes()))
    for threads in (1, 2):
        with pytest.raises(errors.SeekNotSupported):
            list(select(tmp_path / "a.mrc.gz", "001", start=1000, threads=threads))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_filter_knows_the_numbers_of_a_range(
    tmp_path: pathlib.Path, books: pathlib.Path, threads: int
) -> None:
    source = tmp_path / "a.mrc"
    source.write_bytes(books.read_bytes() * 10)
    options: dict[str, Any] = {"start": books.stat().st_size * 5, "threads": threads}
    rows = list(select(source, "number", **options))
    assert len(rows) == 750
    kept = list(select(source, "number", "number > 500", **options))
    assert kept == [row for row in rows if row["number"] > 500] != []


def test_damage_is_told_and_what_can_be_told_of_a_record_is_a_row(books: pathlib.Path) -> None:
    records = split(books.read_bytes())[:10]
    records[3] = b"0x" + records[3][2:]
    records[5] = b"beyond saving\x1d"
    data = b"".join(records)
    good = list(select(books, "number, 001"))[:10]
    for threads in (1, 2):
        selection = select(data, "number, 001", threads=threads)
        assert list(selection) == good[:5] + good[6:]
        report = selection.report
        assert report is not None
        assert (report.records_written, report.records_lost, report.records_salvaged) == (9, 1, 1)
        assert [(one.record_number, one.outcome) for one in report.errors] == [
            (4, "salvaged"),
            (6, "lost"),
        ]
        assert not report.ok
        selection = select(data, "number, 001", threads=threads, recovery_mode="strict")
        with pytest.raises(errors.RecordLengthInvalid) as caught:
            list(selection)
        assert caught.value.record_number == 4
        seen: list[errors.MarcError] = []
        selection = select(
            data, "number, 001", threads=threads, recovery_mode="strict", on_error=seen.append
        )
        assert list(selection) == good[:3] + good[4:5] + good[6:]
        assert [one.record_number for one in seen] == [4, 6]


@pytest.mark.parametrize("threads", [1, 2])
def test_progress_is_told(books: pathlib.Path, threads: int) -> None:
    told: list[tuple[int, int | None, int]] = []
    data = books.read_bytes() * 10
    list(select(data, "001", "002", threads=threads, progress=lambda *now: told.append(now)))
    assert told[-1] == (len(data), len(data), 1500)
    assert told == sorted(told)


def all_of(stream: Any) -> None:
    while batch_of(stream).length:
        pass


@capsules
@pytest.mark.parametrize("threads", [1, 2])
def test_what_a_callback_raises_comes_through(books: pathlib.Path, threads: int) -> None:
    def fail(*_: object) -> None:
        raise KeyError("ours")

    data = b"0x" + books.read_bytes()[2:]
    for option in ("on_error", "progress"):
        selection = select(data, "001", from_="marc", threads=threads, **{option: fail})  # type: ignore[arg-type]
        with pytest.raises(KeyError, match="ours"):
            list(selection)
        stream = stream_of(selection)
        with pytest.raises(RuntimeError, match="KeyError: 'ours'"):
            all_of(stream)  # what came before the error comes first
        released(stream)


def test_options_that_there_are_not() -> None:
    for options in (
        {"threads": 0},
        {"recovery_mode": "x"},
        {"validation_level": "x"},
        {"max_record_bytes": 0},
        {"from_encoding": "latin-1"},
        {"start": -5},
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            select(b"", "001", **options)  # type: ignore[arg-type]
    with pytest.raises(LookupError):
        select(b"", "001", from_encoding="no such thing")
    with pytest.raises(errors.FormatUnknown):
        list(select(b"hello", "001", from_="hello"))
    with pytest.raises(errors.FormatUnknown):
        list(select(b"hello", "001"))


def test_encodings_that_are_told_or_read(books: pathlib.Path) -> None:
    marc8 = iso2709(("245", b"10\x1faDvo\xe9r\xe2ak"), leader=LEADER_MARC8)
    utf8 = iso2709(("245", "10$aDvořák"))
    lying = iso2709(("245", "10$aDvořák"), leader=LEADER_MARC8)
    references = iso2709(("245", b"10\x1faDvo&#x0159;&#x00E1;k"), leader=LEADER_MARC8)
    for threads in (1, 2):
        assert [row["245$a"] for row in select(marc8 + utf8, "245$a", threads=threads)] == [
            "Dvořák"
        ] * 2
        assert [
            row["245$a"] for row in select(lying, "245$a", from_encoding="utf-8", threads=threads)
        ] == ["Dvořák"]
        assert [
            row["245$a"] for row in select(references, "245$a", references=True, threads=threads)
        ] == ["Dvořák"]
        rows = select(
            marc8 + utf8, "245$a", "245$a == 'Dvořák' and 245$a =~ '^D.oř.k$'", threads=threads
        )
        assert len(list(rows)) == 2


@pytest.mark.parametrize("threads", [1, 2])
def test_a_file_that_stands_elsewhere_has_one_kind_of_offsets(threads: int) -> None:
    records = [iso2709(("001", str(number))) for number in range(3)]
    records[1] = b"0x" + records[1][2:]
    file = io.BytesIO(b"something" + b"".join(records))
    file.seek(9)
    selection = select(file, "offset", from_="marc", threads=threads)
    length = len(records[0])
    assert [row["offset"] for row in selection] == [9, 9 + length, 9 + 2 * length]
    assert selection.report is not None
    assert {error.byte_offset for error in selection.report.errors} == {9 + length}


def test_a_report_knows_how_long_it_took(books: pathlib.Path) -> None:
    selection = select(books, "001")
    list(selection)
    assert selection.report is not None
    assert selection.report.seconds > 0


# ---- text and files

AWKWARD = [
    "",
    ",",
    ";",
    '"',
    '""',
    'a"b',
    "\n",
    "\r\n",
    "\r",
    "a,b",
    " a ",
    "\t",
    "ä😀",
    "\\",
    "'",
    "; ",
    "\x00",
    "\x7f",
    "\u2028",
]


@pytest.fixture(scope="session")
def awkward_values() -> bytes:
    return b"".join(
        iso2709(
            ("001", value),
            ("245", "00$a" + other),
            *[("650", f" 0$a{one}") for one in (value, other)],
        )
        for value in AWKWARD
        for other in AWKWARD
    )


AWKWARD_COLUMNS = {
    "id": column("001", "=only"),
    "title": column("245$a", "=only"),
    'list, "quoted"': column("650$a", "=list"),
    "joined\nin lines": column("650$a", "join", separator='",\n'),
    "count": column("650$a", "count"),
    "none": column("999", "first"),
    "ä": column("001", "first", "int"),
}


def csv_of(
    wanted: dict[str, Column], rows: list[dict[str, Any]], separator: str, has_header: bool = True
) -> bytes:
    def line(cells: Iterable[object]) -> str:
        # Line ends of either kind are in quotation marks, whatever lines end in.
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=separator, lineterminator="\r\n").writerow(cells)
        return out.getvalue()[:-2] + ("\n" if separator == "\t" else "\r\n")

    lines = [line(wanted)] if has_header else []
    for row in rows:
        flat = {
            key: wanted[key].separator.join(value) if isinstance(value, list) else value
            for key, value in row.items()
        }
        lines.append(line(plain(value) for value in flat.values()))
    return "".join(lines).encode()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("threads", [1, 2])
def test_csv_is_what_pythons_csv_writes(
    tmp_path: pathlib.Path,
    books: pathlib.Path,
    book_rows: list[dict[str, Any]],
    awkward_values: bytes,
    separator: str,
    threads: int,
) -> None:
    for wanted, data, rows in (
        (COLUMNS, books.read_bytes(), book_rows),
        (
            AWKWARD_COLUMNS,
            awkward_values,
            expected_rows(AWKWARD_COLUMNS, columns.records(awkward_values)),
        ),
    ):
        selection = select(data, written(wanted), threads=threads)
        expected = csv_of(wanted, rows, separator)
        report = selection.to_csv(tmp_path / "a.csv", separator=separator)
        assert (tmp_path / "a.csv").read_bytes() == expected
        assert report is selection.report
        assert (report.bytes_written, report.target) == (len(expected), str(tmp_path / "a.csv"))
        assert report.records_written == len(rows)
        out = io.BytesIO()
        selection.to_csv(out, separator=separator, header=False)
        assert out.getvalue() == csv_of(wanted, rows, separator, has_header=False)


@pytest.mark.parametrize("separator", ["", ",,", '"', "\n", "\r", "\0", "ä"])
def test_separators_that_are_none(separator: str) -> None:
    with pytest.raises(ValueError, match="separator"):
        select(b"", "001").to_csv(io.BytesIO(), separator=separator)


def test_a_row_of_nothing_is_a_row() -> None:
    data = iso2709(("001", "1")) + iso2709(("245", "00$aA"))
    out = io.BytesIO()
    select(data, "001").to_csv(out)
    assert list(csv.reader(io.StringIO(out.getvalue().decode(), newline=""))) == [
        ["001"],
        ["1"],
        [""],
    ]


@pytest.mark.parametrize("threads", [1, 2])
def test_json_lines_are_rows(
    tmp_path: pathlib.Path,
    books: pathlib.Path,
    book_rows: list[dict[str, Any]],
    awkward_values: bytes,
    threads: int,
) -> None:
    for wanted, data, rows in (
        (COLUMNS, books.read_bytes(), book_rows),
        (
            AWKWARD_COLUMNS,
            awkward_values,
            expected_rows(AWKWARD_COLUMNS, columns.records(awkward_values)),
        ),
    ):
        report = select(data, written(wanted), threads=threads).to_jsonl(tmp_path / "a.jsonl")
        text = (tmp_path / "a.jsonl").read_bytes()
        assert text.endswith(b"}\n")
        lines = text.decode().split("\n")[:-1]
        assert [list(json.loads(line).items()) for line in lines] == [
            list(row.items()) for row in as_text(rows)
        ]
        assert report.bytes_written == len(text)
        assert list(select(data, written(wanted))) == as_text(rows)


def test_parquet_is_read_back(
    pa: Any, tmp_path: pathlib.Path, books: pathlib.Path, book_rows: list[dict[str, Any]]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="this pyarrow has no Parquet")
    selection = select(books, written(COLUMNS), batch_size=40)
    report = selection.to_parquet(tmp_path / "a.parquet", compression="zstd")
    file = parquet.ParquetFile(tmp_path / "a.parquet")
    assert file.metadata.num_row_groups == 4
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    table = file.read()
    table.validate(full=True)
    assert table.to_pylist() == book_rows
    assert (report.target, report.records_written) == (str(tmp_path / "a.parquet"), 150)
    select(books, "001", "002").to_parquet(tmp_path / "empty.parquet")
    assert parquet.read_table(tmp_path / "empty.parquet").num_rows == 0


@pytest.mark.parametrize("how", ["to_csv", "to_jsonl", "to_parquet"])
def test_a_file_is_not_written_over_while_it_is_read(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path, books: pathlib.Path, how: str
) -> None:
    if how == "to_parquet":
        request.getfixturevalue("pa")
    source, link = tmp_path / "a.mrc", tmp_path / "b.mrc"
    source.write_bytes(books.read_bytes())
    link.symlink_to(source)
    for target in (source, link):
        with pytest.raises(errors.SourceError, match="same file"):
            getattr(select(source, "001"), how)(target)
    assert source.read_bytes() == books.read_bytes()


@pytest.mark.parametrize("how", ["to_csv", "to_jsonl", "to_parquet"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_target_is_whole_or_as_it_was(
    request: pytest.FixtureRequest,
    tmp_path: pathlib.Path,
    books: pathlib.Path,
    how: str,
    threads: int,
) -> None:
    if how == "to_parquet":
        request.getfixturevalue("pa")
    target = tmp_path / "out"
    target.write_text("old")
    data = books.read_bytes() * 20 + b"x" + books.read_bytes()[1:]
    selection = select(data, "001", recovery_mode="strict", threads=threads)
    with pytest.raises(OSError if how == "to_parquet" else errors.MarcError, match="record 3001"):
        getattr(selection, how)(target)
    assert os.listdir(tmp_path) == ["out"]
    assert target.read_text() == "old"
    with pytest.raises(errors.SourceError):
        getattr(select(data, "001"), how)(tmp_path / "none" / "out")


def test_an_iteration_that_is_left_closes_its_file(
    tmp_path: pathlib.Path, books: pathlib.Path
) -> None:
    source = tmp_path / "a.mrc"
    source.write_bytes(books.read_bytes() * 30)
    for threads in (1, 2):
        rows = iter(select(source, "001", threads=threads))
        next(rows)
        del rows
        gc.collect()
        if os.path.exists("/proc/self/fd"):
            names = [
                os.path.realpath(f"/proc/self/fd/{number}")
                for number in os.listdir("/proc/self/fd")
            ]
            assert str(source) not in names


@capsules
def test_a_selection_knows_its_columns_and_reads_nothing_by_itself(tmp_path: pathlib.Path) -> None:
    selection = select(tmp_path / "none.mrc", "id=001, 245$a, last=650$a:last")
    assert selection.columns == ["id", "245$a", "last"]
    assert selection.report is None
    released(schema_of(selection))


def test_polars_marc21_says_the_same(books_20k: pathlib.Path) -> None:
    peer = pytest.importorskip("polars_marc21", reason="polars-marc21 is not installed")
    wanted = {"id": "001", "title": "245$a:list", "author": "100$a:list", "subjects": "650$a:list"}
    # It has a row for each combination of values, and an empty text for none.
    expected = [
        combination
        for row in select(books_20k, wanted)
        for combination in itertools.product(
            [row["id"]], *(row[name] or [""] for name in ("title", "author", "subjects"))
        )
    ]
    assert peer.read_marc21(str(books_20k), "001, 245/*.a, 100/*.a, 650/*.a").rows() == expected


@pytest.mark.skipif(hasattr(ctypes, "pythonapi"), reason="this Python has capsules")
def test_without_capsules_the_error_says_what_there_is_instead(
    tmp_path: pathlib.Path, books: pathlib.Path
) -> None:
    selection = select(books, "001")
    description = mrrc_ct.describe(books)
    for table in (selection, description):
        for make in (table.__arrow_c_schema__, table.__arrow_c_stream__):
            with pytest.raises(NotImplementedError, match="by iterating, and to_csv and to_jsonl"):
                make()
    # The source has not been opened.
    assert selection.report is None
    assert len(list(selection)) == 150
    assert selection.to_csv(tmp_path / "out.csv").records_read == 150

"""Questions about fields."""

from __future__ import annotations

import re

import pytest

from mrrc_ct import Record
from mrrc_ct.query import Query, has_subfield, indicator1, indicator2, regex, tag, value

RECORD = Record.from_fields(
    [
        ("001", "42"),
        ("100", "1 ", [("a", "Goethe, Johann Wolfgang von,"), ("d", "1749-1832.")]),
        ("245", "10", [("a", "Faust")]),
        ("600", "10", [("a", "Faust,"), ("x", "History.")]),
        ("650", " 0", [("a", "Legends"), ("z", "Germany")]),
        ("650", " 7", [("a", "Magic"), ("2", "fast")]),
        ("651", " 0", [("a", "Weimar")]),
        ("700", "1 ", [("a", "Goethe, August von.")]),
        ("9XX", "  ", [("a", "local")]),
    ]
)


def tags(query: Query) -> list[str]:
    return [field.tag for field in RECORD.fields_matching(query)]


def test_tags_patterns_and_ranges() -> None:
    assert tags(tag("245")) == ["245"]
    assert tags(tag("6XX")) == tags(tag("6xx")) == ["600", "650", "650", "651"]
    assert tags(tag("X00")) == ["100", "600", "700"]
    assert tags(tag("650-700")) == ["650", "650", "651", "700"]
    assert tags(tag("001", "7XX", "240-249")) == ["001", "245", "700"]
    assert tags(tag()) == []


@pytest.mark.parametrize("pattern", ["24", "2450", "100-", "-100", "100-20", ""])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="a tag, a pattern like 6XX or a range"):
        tag(pattern)


def test_indicators_and_subfields() -> None:
    assert tags(tag("6XX") & indicator2("0")) == ["600", "650", "651"]
    assert tags(indicator1(" ") & indicator2("0", "7")) == ["650", "650", "651"]
    assert tags(has_subfield("a", "x")) == ["600"]
    assert tags(tag("650") & ~has_subfield("2")) == ["650"]


def test_values() -> None:
    assert tags(value("Faust")) == ["245"]
    assert tags(value("Faust", partial=True)) == ["245", "600"]
    assert tags(value("faust", "a", ignore_case=True)) == ["245"]
    assert tags(value("GOETHE", "a", "x", partial=True, ignore_case=True)) == ["100", "700"]
    assert tags(value("Legends", "z")) == []
    assert tags(value("42")) == ["001"]
    assert tags(value("42", "a")) == []


def test_regular_expressions() -> None:
    assert tags(regex("^Goethe", "a")) == ["100", "700"]
    assert tags(regex(re.compile("goethe", re.IGNORECASE))) == ["100", "700"]
    assert tags(regex(r"^\d+$")) == ["001"]
    with pytest.raises(re.error):
        regex("(")


def test_queries_are_put_together() -> None:
    query = (tag("1XX", "7XX") | tag("245")) & ~regex("August")
    assert tags(query) == ["100", "245"]
    assert tags(~query & tag("100", "245", "700")) == ["700"]
    assert tags(Query(lambda field: field.tag == "9XX")) == ["9XX"]


def test_a_query_prints_as_it_is_written() -> None:
    query = tag("6XX") & ~has_subfield("v") | value("x", "a", partial=True)
    assert repr(query) == "((tag('6XX') & ~has_subfield('v')) | value('x', 'a', partial=True))"


def test_what_python_would_take_for_something_else_is_refused() -> None:
    with pytest.raises(TypeError, match=r"&, \| and ~"):
        tag("245") and tag("246")  # type: ignore[truthy-bool]
    with pytest.raises(TypeError, match="a query was expected"):
        tag("245") & "246"  # type: ignore[operator]

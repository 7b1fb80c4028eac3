"""Random edits of the same record in the drop-in and in pymarc end in the same bytes."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import pytest
from marc import iso2709

hypothesis = pytest.importorskip("hypothesis")
theirs = pytest.importorskip("pymarc", reason="pymarc 5.4 needs Python 3.10")
ours = importlib.import_module("mrrc_ct.pymarc")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

# No control characters: a terminator in a value is not what this is about.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
CODES = st.sampled_from("ab6xz9")
TAGS = st.sampled_from(
    ["001", "005", "008", "020", "100", "245", "500", "650", "880", "9XX", "CAT"]
)
INDICATORS = st.sampled_from(" 0123")
#: Chooses one of what there is, whatever the number.
PICK = st.integers(0, 999)

SUBFIELDS = st.lists(st.tuples(CODES, TEXT), max_size=4)
FIELDS = st.tuples(TAGS, INDICATORS, INDICATORS, SUBFIELDS, TEXT)

EDITS = st.one_of(
    st.tuples(st.sampled_from(["add_field", "add_ordered_field", "add_grouped_field"]), FIELDS),
    st.tuples(st.just("remove_field"), PICK),
    st.tuples(st.just("remove_fields"), st.lists(TAGS, max_size=2)),
    st.tuples(st.just("replace"), PICK, FIELDS),
    st.tuples(st.just("reorder"), PICK),
    st.tuples(st.just("indicator1"), PICK, INDICATORS),
    st.tuples(st.just("indicator2"), PICK, INDICATORS),
    st.tuples(st.just("indicators"), PICK, INDICATORS, INDICATORS),
    st.tuples(st.just("add_subfield"), PICK, CODES, TEXT, st.none() | st.integers(0, 5)),
    st.tuples(st.just("delete_subfield"), PICK, CODES),
    st.tuples(st.just("set_subfield"), PICK, CODES, TEXT),
    st.tuples(st.just("set_subfields"), PICK, SUBFIELDS),
    st.tuples(st.just("data"), PICK, TEXT),
    st.tuples(st.just("tag"), PICK, TAGS),
    st.tuples(st.just("leader"), st.integers(5, 8), st.sampled_from("acdmns ")),
    st.tuples(st.just("copy")),
    # Looking must not change anything.
    st.tuples(st.just("look"), TAGS),
    st.tuples(st.just("fields")),
)


def made(module: Any, parts: Any) -> Any:
    tag, first, second, subfields, data = parts
    return module.Field(
        tag,
        module.Indicators(first, second),
        [module.Subfield(*pair) for pair in subfields],
        data=data,
    )


def field_of(record: Any, pick: int, held: list[Any]) -> Any:
    """A field by its tag, from the list, or one that was held from before."""
    if pick % 3 == 0 and held:
        return held[pick % len(held)]
    if pick % 3 == 1:
        tag = ["245", "650", "001", "880"][pick % 4]
        field = record.get(tag)
    else:
        field = record.fields[pick % len(record.fields)] if record.fields else None
    if field is not None:
        held.append(field)
    return field


def edit(module: Any, record: Any, step: tuple[Any, ...], held: list[Any]) -> Any:
    """Do one thing; the record to go on with, and what was seen or raised."""
    kind, *rest = step
    try:
        if kind.startswith("add_") and kind.endswith("_field"):
            getattr(record, kind)(made(module, rest[0]))
        elif kind == "remove_fields":
            record.remove_fields(*rest[0])
        elif kind == "replace":
            if record.fields:
                record.fields[rest[0] % len(record.fields)] = made(module, rest[1])
        elif kind == "reorder":
            record.fields.sort(key=lambda field: field.tag, reverse=bool(rest[0] % 2))
        elif kind == "leader":
            record.leader[rest[0]] = rest[1]
        elif kind == "copy":
            held.clear()
            return copy.deepcopy(record), None
        elif kind == "look":
            tag = rest[0]
            found = record.get(tag)
            seen = [field.value() for field in record.get_fields(tag, "500")]
            return record, (tag in record, found and found.value(), record.title, seen)
        elif kind == "fields":
            return record, [field.format_field() for field in record.fields]
        else:
            field = field_of(record, rest[0], held)
            if field is None:
                return record, None
            if kind == "remove_field":
                record.remove_field(field)
            elif kind in ("indicator1", "indicator2"):
                setattr(field, kind, rest[1])
            elif kind == "indicators":
                if not field.control_field:
                    field.indicators = module.Indicators(*rest[1:])
            elif kind == "add_subfield":
                field.add_subfield(*rest[1:])
            elif kind == "delete_subfield":
                return record, field.delete_subfield(rest[1])
            elif kind == "set_subfield":
                field[rest[1]] = rest[2]
            elif kind == "set_subfields":
                if not field.control_field:
                    field.subfields = [module.Subfield(*pair) for pair in rest[1]]
            elif kind == "data":
                if field.control_field:
                    field.data = rest[1]
            elif kind == "tag":
                field.tag = rest[1]
    except Exception as error:
        return record, type(error).__name__
    return record, None


BEGINNINGS = [
    iso2709(
        ("001", "42"),
        ("008", "920219s1993    caua   j      000 0 eng  "),
        ("100", "1 $aPindar."),
        ("245", "10$6880-01$aOdes :$bselected /$cPindar."),
        ("500", "  $aOne.$aTwo."),
        ("650", " 0$aPoetry$xHistory."),
        ("650", " 1$aGreece."),
        ("880", "10$6245-01$aΩδές"),
    ),
    iso2709(("245", "10$aOdes")),
    iso2709(*[("650", f" 0$a{number}") for number in range(300)]),
    b"",
]


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(BEGINNINGS), st.lists(EDITS, max_size=12))
def test_random_edits_end_in_the_same_bytes(data: bytes, steps: list[tuple[Any, ...]]) -> None:
    own, other = ours.Record(data), theirs.Record(data)
    held_own: list[Any] = []
    held_other: list[Any] = []
    for step in steps:
        own, seen = edit(ours, own, step, held_own)
        other, expected = edit(theirs, other, step, held_other)
        assert seen == expected, step
    assert own.as_dict() == other.as_dict()
    assert own.as_json() == other.as_json()
    assert str(own) == str(other)
    assert own.as_marc() == other.as_marc()


@settings(deadline=None, max_examples=200)
@given(st.lists(EDITS, max_size=8))
def test_an_edited_record_is_read_as_it_was_left(steps: list[tuple[Any, ...]]) -> None:
    record = ours.Record(BEGINNINGS[0])
    for step in steps:
        record, _ = edit(ours, record, step, [])
    if record.fields and all(field.control_field == (field.tag < "010") for field in record):
        assert ours.Record(record.as_marc()).as_dict()["fields"] == record.as_dict()["fields"]

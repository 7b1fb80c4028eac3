"""Laying one file's records over another's: against pymarc and dictionaries."""

from __future__ import annotations

import io
import pathlib
import random
from typing import Any

import pytest
from marc import LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import _merge, errors, merge

pytest.importorskip("hypothesis", reason="hypothesis makes the records")
pytest.importorskip("pymarc", reason="pymarc 5.4 needs Python 3.10")

import pymarc
from hypothesis import given, settings
from hypothesis import strategies as st


def merged(records: list[bytes], updates: list[bytes], **options: Any) -> tuple[list[bytes], Any]:
    out = io.BytesIO()
    report = merge(b"".join(records) or b"", b"".join(updates), out, "marc", **options)
    return split(out.getvalue()), report


def record(number: int, *fields: tuple[str, str]) -> bytes:
    return iso2709(("001", str(number)), *fields)


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that is said, whatever the process takes."""
    monkeypatch.setattr(_merge, "room", lambda memory: memory)


def fields_of(data: bytes) -> list[Any]:
    return [(field.tag, field.as_marc("utf-8")) for field in pymarc.Record(data).fields]


def overlaid(record: bytes, update: bytes, protect: set[str]) -> list[Any]:
    """The oracle: what the update has, but for tags that are protected and that the record has."""
    kept = [one for one in fields_of(record) if one[0] in protect]
    tags = {tag for tag, _ in kept}
    return [one for one in fields_of(update) if one[0] not in tags] + kept


TAGS = ("245", "500", "590", "650")
numbered = st.lists(
    st.tuples(
        st.integers(1, 8),
        st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from("xyz")), max_size=4),
    ),
    min_size=1,
    max_size=12,
)


def made(found: list[tuple[int, list[tuple[str, str]]]]) -> list[bytes]:
    return [
        record(number, *((tag, f"  $a{text}") for tag, text in sorted(fields)))
        for number, fields in found
    ]


@pytest.mark.usefixtures("little")
@settings(deadline=None)
@given(
    first=numbered,
    second=numbered,
    protect=st.sets(st.sampled_from(TAGS)),
    keep=st.sampled_from(["first", "last", "longest"]),
    new=st.sampled_from(["keep", "drop"]),
    memory=st.sampled_from([1, 400, 1_000_000]),
)
def test_records_are_overlaid(
    first: Any, second: Any, protect: set[str], keep: str, new: str, memory: int
) -> None:
    records, updates = made(first), made(second)
    chosen: dict[int, int] = {}
    for at, (number, _) in enumerate(second):
        is_better = keep == "last" or number not in chosen
        if keep == "longest" and number in chosen:
            is_better = len(updates[at]) > len(updates[chosen[number]])
        if is_better:
            chosen[number] = at
    known = {number for number, _ in first}
    wanted: list[Any] = []
    for (number, _), one in zip(first, records):
        update = updates[chosen[number]] if number in chosen else None
        wanted.append(fields_of(one) if update is None else overlaid(one, update, protect))
    fresh = [
        at for number, at in sorted(chosen.items(), key=lambda pair: pair[1]) if number not in known
    ]
    if new == "keep":
        wanted += [fields_of(updates[at]) for at in fresh]
    found, report = merged(
        records, updates, key="001", protect=protect, keep=keep, new=new, memory=memory
    )
    # A field that stays stands before the first with a higher tag: the order of tags is that.
    assert [sorted(fields_of(one)) for one in found] == [sorted(one) for one in wanted]
    assert all(
        [tag for tag, _ in fields_of(one)] == sorted(tag for tag, _ in fields_of(one))
        for one in found
    )
    assert report.matched == sum(number in chosen for number, _ in first)
    assert report.new == len(fresh)
    assert report.duplicates == len(updates) - len(chosen)
    assert report.records_written == len(found)
    assert report.changed == sum(one != other for one, other in zip(records, found))


def test_what_has_no_update_stays_as_it_is(books: pathlib.Path) -> None:
    records = split(books.read_bytes())
    updates = [
        iso2709(("001", pymarc.Record(one)["001"].data), ("003", "DLC"), ("245", "00$aNew"))
        for one in records[::7]
    ]
    random.Random(1).shuffle(updates)
    found, report = merged(records, updates)
    assert len(found) == 150 and report.matched == report.changed == len(updates)
    for number, (one, other) in enumerate(zip(records, found)):
        if number % 7:
            assert one == other
        else:
            assert other in updates
            assert pymarc.Record(one)["001"].data == pymarc.Record(other)["001"].data


def test_protected_fields_keep_their_order() -> None:
    subjects = [("650", " 0$aA"), ("610", " 0$aB"), ("651", " 0$aC"), ("600", " 0$aD")]
    update = record(1, ("245", "00$aT"), ("600", " 0$aE"), ("655", " 0$aF"), ("700", "1 $aP"))
    found, _ = merged([record(1, *subjects)], [update], protect=["600-651"])
    tags = [field.tag for field in pymarc.Record(found[0]).fields]
    assert tags == ["001", "245", "650", "610", "651", "600", "655", "700"]


def test_fields_are_added() -> None:
    records = [
        record(1, ("245", "00$aT"), ("650", " 0$aA"), ("700", "1 $aP")),
        record(2, ("245", "00$aU")),
    ]
    updates = [
        record(
            1,
            ("245", "00$aOther"),
            ("500", "  $aNote"),
            ("650", " 0$aA"),
            ("650", " 0$aB"),
            ("650", " 0$aB"),
            ("700", "1 $aQ"),
        ),
        record(2, ("245", "00$aOther"), ("100", "1 $aQ"), ("100", "1 $aR")),
    ]
    found, report = merged(records, updates, add=["1XX", "245", "500-650"])
    assert [str(field) for field in pymarc.Record(found[0]).fields[1:]] == [
        "=245  00$aT",
        r"=500  \\$aNote",
        r"=650  \0$aA",
        r"=650  \0$aB",
        r"=700  1\$aP",
    ]
    # 100 and 245 cannot repeat.
    assert [str(field) for field in pymarc.Record(found[1]).fields[1:]] == [
        r"=100  1\$aQ",
        "=245  00$aU",
    ]
    assert report.not_added == 3 and report.changed == 2


def test_protected_fields_and_added_ones() -> None:
    records = [record(1, ("650", " 0$aA"))]
    updates = [record(1, ("650", " 0$aB"), ("655", " 0$aC"), ("655", " 0$aD"))]
    found, _ = merged(records, updates, add=["6XX"], protect=["650", "655"])
    assert [field.tag for field in pymarc.Record(found[0]).fields] == ["001", "650", "655", "655"]


def test_a_record_to_which_nothing_is_added_is_the_same_bytes() -> None:
    # With numbers in the leader that a new record would not have.
    odd = iso2709(("001", "1"), ("245", "00$aT"), leader="00000nam a3300000   9999")
    found, report = merged([odd], [record(1, ("245", "00$aT"))], add=["650", "245"])
    assert found == [odd] and (report.matched, report.changed) == (1, 0)


def test_any_value_finds_the_update_of_its_set() -> None:
    isbns = lambda *values: [("020", f"  $a{one}") for one in values]  # noqa: E731
    records = [record(1, *isbns("a", "b")), record(2, *isbns("c")), record(3)]
    updates = [
        record(11, *isbns("b")),
        record(12, *isbns("c", "d")),
        record(13, *isbns("d")),  # the same as the one before, and has no record by itself
        record(14, *isbns("e")),
        record(15),
    ]
    found, report = merged(records, updates, key="020$a", keep="last")
    assert found == [updates[0], updates[2], records[2], updates[3], updates[4]]
    assert (report.matched, report.new, report.duplicates) == (2, 2, 1)
    found, _ = merged(records, updates, key="020$a", keep="first", new="drop")
    assert found == [updates[0], updates[1], records[2]]


def test_of_updates_for_several_values_the_best_counts() -> None:
    records = [record(1, ("020", "  $aa"), ("020", "  $ab"))]
    updates = [record(11, ("020", "  $ab"), ("245", "00$aLong")), record(12, ("020", "  $aa"))]
    for keep, number in (("first", 0), ("last", 1), ("longest", 0)):
        found, report = merged(records, updates, key="020$a", keep=keep)
        assert found == [updates[number]] and report.new == 0


def test_in_utf_8_there_is_room_for_both() -> None:
    eight = iso2709(
        ("001", "1"), ("245", b"00\x1faComedie"), ("590", b"  \x1fa\xe2edie"), leader=LEADER_MARC8
    )
    update = record(1, ("245", "00$aΩmega"))
    for one, other in ((eight, update), (update, eight)):
        found, report = merged([one], [other], protect=["590", "245"])
        new = pymarc.Record(found[0])
        assert new.leader[9] == "a" and report.ok
    found, _ = merged([eight], [update], protect=["590"])
    assert pymarc.Record(found[0])["245"]["a"] == "Ωmega"
    assert pymarc.Record(found[0])["590"]["a"] in ("e\u0301die", "édie")


def test_an_update_that_makes_a_record_too_long_is_lost() -> None:
    long = [("500", f"  $a{number}{'x' * 9000}") for number in range(6)]
    records = [record(1, *long), record(2)]
    told: list[errors.MarcError] = []
    updates = [
        record(1, *((tag, text.replace("x", "y")) for tag, text in long)),
        record(2, ("500", "  $aN")),
    ]
    found, report = merged(records, updates, add=["500"], on_error=told.append)
    assert found == [records[0], updates[1]]
    (error,) = told
    assert isinstance(error, errors.RecordTooLong) and error.record_number == 1
    assert (report.records_lost, report.ok, report.changed) == (1, False, 1)


def test_without_a_target_it_is_counted_only(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    report = merge(books, books, None)
    assert (report.records_read, report.matched, report.changed) == (300, 150, 0)
    assert (report.new, report.records_written) == (0, 0)
    assert str(report).startswith("300 records read, 150 matched, ")


def test_filters_are_for_the_updates() -> None:
    records = [record(1), record(2)]
    updates = [record(1, ("245", "00$aA")), record(2, ("245", "00$aB"))]
    found, _ = merged(records, updates, where='245$a == "B"')
    assert found == [records[0], updates[1]]


def test_formats_and_streams(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    updates = tmp_path / "updates.xml"
    mrrc_ct.convert(books, updates)
    target = tmp_path / "out.mrk"
    told: list[tuple[int, int | None, int]] = []
    report = merge(io.BytesIO(books.read_bytes()), updates, target)
    assert [one.as_marc() for one in mrrc_ct.read(target)] == split(books.read_bytes())
    assert report.to == "mrk" and report.from_ == "marc, marcxml"
    merge(books, updates, None, progress=lambda *one: told.append(one))
    total = 2 * books.stat().st_size + updates.stat().st_size
    assert {one for _, one, _ in told} == {total} and told == sorted(told) and told[-1][0] == total


def test_what_is_refused(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "out.mrc"
    with pytest.raises(ValueError, match="keep or drop"):
        merge(books, books, target, new="append")
    for options in ({"add": ["65"]}, {"protect": ["6X"]}):
        with pytest.raises(ValueError, match="a tag, a pattern"):
            merge(books, books, target, **options)
    with pytest.raises(errors.SourceError, match="same file"):
        merge(books, tmp_path / "x.mrc", books)
    assert list(tmp_path.iterdir()) == []

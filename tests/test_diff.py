"""Comparing two files: against pymarc and comparing each record with each."""

from __future__ import annotations

import io
import json
import pathlib
import random
from collections import Counter
from typing import Any

import pytest
from marc import LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import _diff, diff, errors

pytest.importorskip("hypothesis", reason="hypothesis makes the records")
pytest.importorskip("pymarc", reason="pymarc 5.4 needs Python 3.10")

import pymarc
from hypothesis import given, settings
from hypothesis import strategies as st


def record(number: int, *fields: tuple[str, str], **options: Any) -> bytes:
    return iso2709(("001", str(number)), *fields, **options)


def isbns(*values: str) -> list[tuple[str, str]]:
    return [("020", f"  $a{one}") for one in values]


def found(first: list[bytes], second: list[bytes], **options: Any) -> tuple[list[Any], Any]:
    differences = diff(b"".join(first), b"".join(second), **options)
    return list(differences), differences.report


def lines_of(first: list[bytes], second: list[bytes], **options: Any) -> list[str]:
    """The lines of the only difference."""
    (one,) = found(first, second, **options)[0]
    return one.lines  # type: ignore[no-any-return]


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that is said, whatever the process takes."""
    monkeypatch.setattr(_diff, "room", lambda memory: memory)


# ---- which record is compared with which


def pairs_by_comparing(
    first: list[set[str]], second: list[set[str]]
) -> list[tuple[int | None, int | None]]:
    """The oracle: each of the first with the first of the second that has a value in common."""
    pairs: list[tuple[int | None, int | None]] = []
    left = list(range(len(second)))
    for one, values in enumerate(first):
        other = next((at for at in left if values & second[at]), None)
        if other is not None:
            left.remove(other)
        pairs.append((one, other))
    return pairs + [(None, other) for other in left]


value_sets = st.lists(st.sets(st.sampled_from("abcdefgh"), max_size=3), min_size=1, max_size=14)


@pytest.mark.usefixtures("little")
@settings(deadline=None)
@given(first=value_sets, second=value_sets, memory=st.sampled_from([2, 500, 1_000_000]))
def test_each_record_is_compared_with_the_first_that_is_left(
    first: list[set[str]], second: list[set[str]], memory: int
) -> None:
    ones = [record(at, *isbns(*sorted(values))) for at, values in enumerate(first)]
    others = [record(at + 100, *isbns(*sorted(values))) for at, values in enumerate(second)]
    differences, report = found(ones, others, key="020$a", memory=memory)
    # No two records have the same 001, so each pair is a difference.
    wanted = pairs_by_comparing(first, second)
    shown = [(one.first and one.first - 1, one.second and one.second - 1) for one in differences]
    assert shown == wanted
    kinds = [
        "added" if one is None else "removed" if other is None else "changed"
        for one, other in wanted
    ]
    assert [one.kind for one in differences] == kinds
    assert (report.changed, report.removed, report.added, report.same) == (
        *(kinds.count(kind) for kind in ("changed", "removed", "added")),
        0,
    )


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("memory", [2, 1_000_000])
def test_many_records_with_the_same_key(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_diff, "_WAITING_MAX", 3)
    first = [record(at, ("041", "  $aeng"), ("500", f"  $a{at}")) for at in range(40)]
    second = [record(at, ("041", "  $aeng")) for at in range(50)]
    differences, _ = found(first, second, key="041$a", memory=memory)
    assert [(one.first, one.second) for one in differences] == [
        *((at, at) for at in range(1, 41)),
        *((None, at) for at in range(41, 51)),
    ]


def test_records_without_a_key_are_only_there() -> None:
    one = iso2709(("245", "00$aT"))
    differences, report = found([one], [one])
    assert [(one.kind, one.key) for one in differences] == [("removed", ""), ("added", "")]
    assert str(report).startswith("0 the same, 0 changed, 1 only in <bytes>, 1 only in <bytes>")


def test_by_position() -> None:
    first = [record(1), record(2), record(3)]
    differences, report = found(first, [record(1), record(3)], by_position=True)
    assert [(one.kind, one.first, one.second) for one in differences] == [
        ("changed", 2, 2),
        ("removed", 3, None),
    ]
    assert differences[0].lines == ["-=001  2", "+=001  3"]
    assert (report.same, report.changed, report.removed) == (1, 1, 1)


@pytest.mark.parametrize("keep", ["first", "last", "longest"])
def test_with_keep_one_of_those_with_the_same_key_is_compared(keep: str) -> None:
    first = [
        record(1, ("245", "00$aA")),
        record(1, ("245", "00$aAAA")),
        record(1, ("245", "00$aB")),
    ]
    chosen = {"first": 0, "last": 2, "longest": 1}[keep]
    differences, report = found(first, [first[chosen], record(2)], keep=keep)
    assert [(one.kind, one.key) for one in differences] == [("added", "001 2")]
    assert (report.same, report.duplicates) == (1, 2)


# ---- fields


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(("500", "650")), st.sampled_from("abc")), max_size=8),
    st.lists(st.tuples(st.sampled_from(("500", "650")), st.sampled_from("abc")), max_size=8),
)
def test_what_is_left_out_and_added_makes_the_other(first: Any, second: Any) -> None:
    ones, others = (
        record(1, *((tag, f"  $a{text}") for tag, text in fields)) for fields in (first, second)
    )
    differences, report = found([ones], [others])
    if first == second:
        assert not differences and report.same == 1
        return
    lines = differences[0].lines
    counts = Counter(first)
    for sign, fields, change in (("-", first, -1), ("+", second, 1)):
        shown = [(line[2:5], line[-1]) for line in lines if line[0] == sign]
        counts.update(dict.fromkeys(shown, 0))
        for one in shown:
            counts[one] += change
        # In the order in which they stand there.
        rest = iter(fields)
        assert all(one in rest for one in shown)
    assert +counts == Counter(second)
    assert len(lines) <= len(first) + len(second)


def test_real_records(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    records = split(books.read_bytes())
    changed = list(records)
    for at in (3, 50, 149):
        one = pymarc.Record(changed[at])
        one["245"]["a"] = "Something else /"
        one.add_field(pymarc.Field("999", [" ", " "], [pymarc.Subfield("x", "local")]))
        changed[at] = one.as_marc()
    del changed[100]
    changed.append(record(99_999_999, ("003", "DLC")))
    random.Random(2).shuffle(changed)
    old, new = tmp_path / "old.mrc", tmp_path / "new.xml"
    old.write_bytes(books.read_bytes())
    mrrc_ct.convert(b"".join(changed), new)
    differences = diff(old, new)
    shown = list(differences)
    assert [(one.kind, one.first) for one in shown] == [
        ("changed", 4),
        ("changed", 51),
        ("removed", 101),
        ("changed", 150),
        ("added", None),
    ]
    for one in shown[:2]:
        old_record = pymarc.Record(records[one.first - 1])
        assert one.lines[0].startswith("-=245") and one.lines[1:] == [
            one.lines[0]
            .replace(f"$a{old_record['245']['a']}", "$aSomething else /")
            .replace("-", "+", 1),
            r"+=999  \\$xlocal",
        ]
        number = old_record["001"].data.strip()
        assert one.key == f"003 DLC, 001 {number}"
        assert str(one).splitlines()[0] == f"@@ -{one.first} +{one.second} @@ {one.key}"
    assert len(shown[2].lines) == len(pymarc.Record(records[100]).fields) + 1
    report = differences.report
    assert (report.same, report.records_read) == (146, 300)
    assert str(report).startswith(f"146 the same, 3 changed, 1 only in {old}, 1 only in {new}")


def test_the_same_for_json() -> None:
    first, second = (
        record(1, ("245", "00$aA$bB")),
        record(1, ("245", "00$aA"), leader="00000cam a2200000   4500"),
    )
    (one,) = found([first], [second])[0]
    values = json.loads(json.dumps(one.as_dict()))
    assert values == {
        "kind": "changed",
        "key": "001 1",
        "first": 1,
        "second": 1,
        "removed": [
            {"leader": "00000nam a2200000   4500"},
            {"245": {"ind1": "0", "ind2": "0", "subfields": [{"a": "A"}, {"b": "B"}]}},
        ],
        "added": [
            {"leader": "00000cam a2200000   4500"},
            {"245": {"ind1": "0", "ind2": "0", "subfields": [{"a": "A"}]}},
        ],
    }
    (added,) = found([first], [first, second])[0]
    values = added.as_dict()
    assert (values["first"], values["second"], values["removed"]) == (None, 2, [])
    assert len(values["added"]) == 3


def test_lengths_do_not_count_and_order_does() -> None:
    one = record(1, ("500", "  $aA"), ("500", "  $aB"))
    assert lines_of([one], [record(1, ("500", "  $aB"), ("500", "  $aA"))]) in (
        [r"+=500  \\$aB", r"-=500  \\$aB"],
        [r"-=500  \\$aA", r"+=500  \\$aA"],
    )
    assert lines_of([one], [record(1, ("500", "  $aA"), ("500", "  $aB"), ("500", "  $aC"))]) == [
        r"+=500  \\$aC"
    ]
    # The same fields with other numbers for the same places.
    longer = one.replace(b"a2200061   ", b"a3300061   ")
    assert lines_of([one], [longer])[0].startswith("-=LDR  00000nam a2200000")


def test_fields_can_be_ignored() -> None:
    first = record(1, ("005", "1"), ("245", "00$aT"), ("901", "  $aA"))
    second = record(
        1, ("005", "2"), ("245", "00$aT"), ("901", "  $aB"), leader="00000cam a2200000   4500"
    )
    assert lines_of([first], [second], ignore=["005"])[2:] == [r"-=901  \\$aA", r"+=901  \\$aB"]
    differences, report = found([first], [second], ignore=["005", "9XX", "LDR"])
    assert (differences, report.same) == ([], 1)


def test_text_is_compared_and_not_its_encoding() -> None:
    title: Any = b"00\x1faCom\xe2edie"
    eight = record(1, ("245", title), leader=LEADER_MARC8)
    composed, decomposed = (record(1, ("245", f"00$aCom{e}die")) for e in ("é", "e\u0301"))
    assert not found([eight], [composed])[0]
    assert len(lines_of([eight], [decomposed])) == 2
    for form, e in (("nfc", "é"), ("nfd", "e\u0301")):
        assert not found(
            [composed],
            [
                eight,
            ],
            normalize=form,
        )[0]
        assert lines_of([composed], [], normalize=form)[2] == f"-=245  00$aCom{e}die"


def test_bytes_that_are_no_text_are_told_apart() -> None:
    one, other = (iso2709(("001", "1"), ("245", b"00\x1fa" + byte)) for byte in (b"\xfd", b"\xff"))
    assert lines_of([one], [other]) == ["-=245  00$a\ufffd", "+=245  00$a\ufffd"]
    assert not found([one], [one[:5] + b"c" + one[6:]], ignore=["LDR"])[0]


def test_records_of_very_many_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    first = [(f"5{at:02}", f"  $a{at}") for at in range(60)]
    second = [first[0], *first[2:30], ("599", "  $ax"), *first[30:]]
    few = lines_of([record(1, *first)], [record(1, *second)])
    assert few == [r"-=501  \\$a1", r"+=599  \\$ax"]
    # Too many to compare each with each: place by place.
    monkeypatch.setattr(_diff, "_PAIRS_MAX", 10)
    many = lines_of([record(1, *first)], [record(1, *second)])
    assert len(many) == 58
    assert many[:3] == [r"-=501  \\$a1", r"+=502  \\$a2", r"-=502  \\$a2"]


def test_it_can_be_iterated_over_again(books: pathlib.Path) -> None:
    differences = diff(books, split(books.read_bytes())[0])
    assert len(list(differences)) == len(list(differences)) == differences.report.removed == 149


def test_what_is_left_early_is_closed(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    each = iter(diff(books, record(1), temporary=tmp_path))
    next(each)
    each.close()
    assert list(tmp_path.iterdir()) == []


def test_progress_is_that_of_both(books: pathlib.Path) -> None:
    told: list[tuple[int, int | None, int]] = []
    assert not list(diff(books, books, progress=lambda *one: told.append(one)))
    total = 3 * books.stat().st_size
    assert {one for _, one, _ in told} == {total} and told == sorted(told) and told[-1][0] == total


def test_damage_on_either_side_is_reported(books: pathlib.Path) -> None:
    told: list[errors.MarcError] = []
    records = split(books.read_bytes())[:4]
    cut = b"".join([*records[:3], records[3][:100]])
    differences = diff(io.BytesIO(cut), io.BytesIO(b"".join(records)), on_error=told.append)
    assert len(list(differences)) >= 1
    assert len(told) == 1 == differences.report.records_lost + differences.report.records_salvaged


def test_what_is_refused(books: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="nfc, nfd or None"):
        diff(books, books, normalize="nfkc")
    with pytest.raises(ValueError, match="a tag, a pattern"):
        diff(books, books, ignore=["5"])
    with pytest.raises(ValueError, match="32M"):
        diff(books, books, memory=1000)
    with pytest.raises(errors.PathInvalid):
        diff(books, books, key="1")
    with pytest.raises(errors.SourceNotFound):
        list(diff(books, "none.mrc"))

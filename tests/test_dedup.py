"""Taking out duplicates: against comparing each record with each."""

from __future__ import annotations

import io
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from marc import iso2709, split

import mrrc_ct
from mrrc_ct import _dedup, dedup, errors

pytest.importorskip("hypothesis", reason="hypothesis makes the records")
pytest.importorskip("pymarc", reason="pymarc 5.4 needs Python 3.10")

import pymarc
from hypothesis import given, settings
from hypothesis import strategies as st


def record(number: int, *isbns: str, title: str = "") -> bytes:
    fields = [("020", f"  $a{isbn}") for isbn in isbns]
    return iso2709(("001", str(number)), *fields, *([("245", f"10$a{title}")] if title else []))


def taken_out(data: bytes | list[bytes], **options: Any) -> tuple[list[bytes], list[bytes], Any]:
    """What is kept, what is not, and the report."""
    out, duplicates = io.BytesIO(), io.BytesIO()
    data = data if isinstance(data, bytes) else b"".join(data)
    report = dedup(data, out, "marc", duplicates=duplicates, **options)
    return split(out.getvalue()), split(duplicates.getvalue()), report


def kept_by_comparing(records: list[bytes], tag: str, code: str, keep: str) -> list[bytes]:
    """The oracle: whoever shares a value is put together, until nothing changes."""
    values = [
        {
            value
            for field in pymarc.Record(one).get_fields(tag)
            for value in field.get_subfields(code)
        }
        for one in records
    ]
    label = list(range(len(records)))
    is_changed = True
    while is_changed:
        is_changed = False
        for one in range(len(records)):
            for other in range(len(records)):
                if values[one] & values[other] and label[one] > label[other]:
                    label[one] = label[other]
                    is_changed = True
    kept = []
    for name in set(label):
        members = [at for at in range(len(records)) if label[at] == name]
        if keep == "longest":
            members.sort(key=lambda at: -len(records[at]))
        kept.append(members[-1] if keep == "last" else members[0])
    return [records[at] for at in sorted(kept)]


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that is said, whatever the process takes."""
    monkeypatch.setattr(_dedup, "room", lambda memory: memory)


@pytest.mark.usefixtures("little")
@settings(deadline=None)
@given(
    sets=st.lists(
        st.tuples(st.lists(st.sampled_from("abcdefghij"), max_size=3), st.text("xy", max_size=4)),
        min_size=1,
        max_size=25,
    ),
    keep=st.sampled_from(["first", "last", "longest"]),
    memory=st.sampled_from([1, 300, 1_000_000]),
)
def test_records_that_share_a_value_are_one(
    sets: list[tuple[list[str], str]], keep: str, memory: int
) -> None:
    records = [record(number, *isbns, title=title) for number, (isbns, title) in enumerate(sets)]
    kept, others, report = taken_out(records, key="020$a", keep=keep, memory=memory)
    assert kept == kept_by_comparing(records, "020", "a", keep)
    assert sorted(kept + others) == sorted(records)
    assert others == [one for one in records if one in others]  # in their order, too
    assert report.duplicates == len(others) and report.records_written == len(kept)
    assert report.without_key == sum(not isbns for isbns, _ in sets)
    # Once is enough.
    assert taken_out(kept, key="020$a", keep=keep)[1] == []


@pytest.mark.parametrize("keep", ["first", "last", "longest"])
def test_real_records(books: pathlib.Path, keep: str) -> None:
    records = split(books.read_bytes())
    # Places of publication, which many share.
    kept, others, report = taken_out(records, key="260$a", keep=keep)
    assert kept == kept_by_comparing(records, "260", "a", keep)
    assert len(others) > 20 and 0 < report.sets < len(others)


def test_a_chain_is_one_set() -> None:
    records = [record(1, "a"), record(2, "b"), record(3), record(4, "a", "b"), record(5)]
    kept, others, report = taken_out(records, key="020$a")
    assert (kept, others) == ([records[0], records[2], records[4]], [records[1], records[3]])
    assert (report.sets, report.duplicates, report.without_key) == (1, 2, 2)
    assert str(report).startswith("5 records read, 2 duplicates of 1 taken out, 2 without a key, 3")


def test_a_record_without_a_key_is_no_duplicate() -> None:
    records = [iso2709(("245", "10$aOdes"))] * 3
    assert taken_out(records)[1] == []
    assert len(taken_out(records, key="245$a")[1]) == 2


def test_isbns_of_10_and_13_are_the_same() -> None:
    records = [record(1, "0306406152 (pbk.)"), record(2, "978-0-306-40615-7")]
    assert taken_out(records, key="020$a")[0] == records[:1]


def test_of_records_of_the_same_length_the_first_is_the_longest() -> None:
    records = [record(1, "a"), record(2, "a", title="x"), record(3, "a", title="y"), record(4, "a")]
    assert taken_out(records, key="020$a", keep="longest")[0] == [records[1]]


def test_too_many_keys_are_a_warning_and_none() -> None:
    many = [(tag, f"  $a{at}") for tag in ("500", "650", "700") for at in range(17)]
    records = [iso2709(("001", str(at)), *many) for at in (1, 2)]
    told: list[errors.MarcError] = []
    kept, _, report = taken_out(records, key="500$a, 650$a, 700$a", on_error=told.append)
    assert kept == records and report.ok and report.without_key == 2
    assert [(one.outcome, one.record_number) for one in told] == [("warning", 1), ("warning", 2)]


def test_several_sources_and_formats(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    records = split(books.read_bytes())
    target, duplicates = tmp_path / "unique.xml", tmp_path / "duplicates.jsonl"
    sources: list[Any] = [books, io.BytesIO(b"".join(records[:20]))]
    report = dedup(sources, target, duplicates=duplicates)
    assert [one.as_marc() for one in mrrc_ct.read(target)] == records
    assert [one.as_marc() for one in mrrc_ct.read(duplicates)] == records[:20]
    assert (report.records_read, report.duplicates, report.sets) == (170, 20, 20)


def test_what_is_refused(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "out.mrc"
    with pytest.raises(ValueError, match="first, last, longest"):
        dedup(books, target, keep="best")
    for targets in ((books, None), (target, books), (target, target)):
        with pytest.raises(errors.SourceError, match="same file"):
            dedup(books, targets[0], duplicates=targets[1])
    with pytest.raises(errors.SourceError, match="cannot write to"):
        dedup(books, target, duplicates=tmp_path / "nowhere" / "x.mrc")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_the_process_keeps_to_its_memory(books_20k: pathlib.Path, tmp_path: pathlib.Path) -> None:
    code = (
        "import sys, mrrc_ct\n"
        "report = mrrc_ct.dedup([sys.argv[1]] * 6, sys.argv[2], key='650$a', memory=32 << 20)\n"
        "most = next(one for one in open('/proc/self/status') if one.startswith('VmHWM'))\n"
        "print(report.records_read, most.split()[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, books_20k, tmp_path / "out.mrc"],
        capture_output=True,
        check=True,
        text=True,
    )
    records, most = done.stdout.split()
    assert int(records) == 120_000  # with more than 200,000 keys
    assert int(most) <= 32 * 1024

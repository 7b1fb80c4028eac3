"""Sorting records: against Python's own sort and what pymarc says, with little memory."""

from __future__ import annotations

import gzip
import io
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from marc import iso2709, split

import mrrc_ct
from mrrc_ct import _sort, _sorter, errors, sort
from mrrc_ct._passes import Passes
from mrrc_ct._sorter import Sorter

pytest.importorskip("hypothesis", reason="hypothesis makes what is sorted")
pytest.importorskip("pymarc", reason="pymarc 5.4 needs Python 3.10")

import pymarc
from hypothesis import given, settings
from hypothesis import strategies as st

# ---- strings of bytes


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("runs"))


@settings(deadline=None)
@given(entries=st.lists(st.binary(max_size=200), max_size=300), memory=st.integers(1, 20_000))
def test_entries_come_out_sorted(folder: str, entries: list[bytes], memory: int) -> None:
    with Sorter(memory, folder) as sorter:
        for entry in entries:
            sorter.add(entry)
        assert list(sorter.sorted()) == sorted(entries)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, 128 * 128 + 1])
def test_more_runs_than_are_merged_at_once(folder: str, count: int) -> None:
    entries = [random.Random(number).randbytes(4) for number in range(count)]
    memory = 2 * _sorter.BLOCK_BYTES_MIN * _sorter.RUNS_MAX
    with Sorter(memory, folder) as sorter:
        for entry in entries:
            sorter.add(entry)
            sorter._write_run()
        assert sorter.runs == count
        assert list(sorter.sorted()) == sorted(entries)


def test_an_entry_larger_than_a_block(folder: str) -> None:
    entries = [b"b" * 1_000_000, b"a" * 300_000, b"c"]
    with Sorter(1, folder) as sorter:
        for entry in entries:
            sorter.add(entry)
        assert sorter.runs == 3
        assert list(sorter.sorted()) == sorted(entries)


def test_of_long_entries_fewer_are_merged_at_once(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged: list[int] = []
    whole = Sorter._merged

    def watched(self: Sorter, file: Any, runs: list[Any]) -> Any:
        merged.append(len(runs))
        return whole(self, file, runs)

    monkeypatch.setattr(Sorter, "_merged", watched)
    entries = [bytes([at % 251]) * 50_000 for at in range(40)]
    with Sorter(1_000_000, folder) as sorter:
        for entry in entries:
            sorter.add(entry)
            sorter._write_run()
        assert list(sorter.sorted()) == sorted(entries)
    assert merged == [10, 10, 10, 10, 4]


def test_a_disk_without_room_is_an_error_that_names_the_folder(
    folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_sorter.TemporaryFile, "_put", full)
    with Sorter(1, folder) as sorter, pytest.raises(errors.SourceError) as found:
        sorter.add(b"x")
    assert str(found.value).startswith(f"{folder}: cannot write to a temporary file in: No space")


# ---- records


def value_of(data: bytes, tag: str, code: str) -> str | None:
    """The first value of a subfield, as pymarc has it."""
    fields = pymarc.Record(data).get_fields(tag)
    found = [value.strip() for field in fields for value in field.get_subfields(code)]
    return found[0] if found else None


def in_order(records: list[bytes], tag: str, code: str, reverse: bool = False) -> list[bytes]:
    """Records sorted by a subfield, those without it last."""
    keyed = [(value_of(record, tag, code), record) for record in records]
    has = sorted(
        (pair for pair in keyed if pair[0]), key=lambda pair: pair[0].encode(), reverse=reverse
    )
    return [record for _, record in has] + [record for value, record in keyed if not value]


def sorted_(source: Any, **options: Any) -> list[bytes]:
    out = io.BytesIO()
    sort(source, out, "marc", **options)
    return split(out.getvalue())


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory that is said, whatever the process takes."""
    monkeypatch.setattr(_sort, "room", lambda memory: memory)


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("memory", [1, 10_000, 100_000_000])
@pytest.mark.parametrize(("tag", "code"), [("245", "a"), ("650", "a"), ("260", "b")])
def test_records_are_sorted_and_stay_what_they_are(
    books: pathlib.Path, tag: str, code: str, memory: int, reverse: bool
) -> None:
    records = split(books.read_bytes())
    wanted = in_order(records, tag, code, reverse)
    found = sorted_(books, key=f"{tag}${code}", memory=memory, reverse=reverse)
    assert found == wanted != records


@pytest.mark.usefixtures("little")
@settings(deadline=None)
@given(
    titles=st.lists(
        st.one_of(st.none(), st.sampled_from("abcd"), st.text(max_size=3)), max_size=30
    ),
    memory=st.integers(1, 3000),
    reverse=st.booleans(),
)
def test_records_with_the_same_key_keep_their_order(
    titles: list[str | None], memory: int, reverse: bool
) -> None:
    marks = dict.fromkeys("\x1d\x1e\x1f$")
    records = []
    for number, title in enumerate(titles):
        shown = (title or "").translate(str.maketrans(marks)).encode("utf-8", "ignore").decode()
        fields = [] if title is None else [("245", f"10$a{shown}")]
        records.append(iso2709(("001", str(number)), *fields))
    if records:
        found = sorted_(b"".join(records), key="245$a", memory=memory, reverse=reverse)
        assert found == in_order(records, "245", "a", reverse)


def test_the_default_is_003_and_001(books: pathlib.Path) -> None:
    records = split(books.read_bytes())
    random.Random(1).shuffle(records)
    foreign = iso2709(("001", "00000001"), ("003", "AAA"))
    found = sorted_(b"".join([*records, foreign]))

    def key(data: bytes) -> tuple[str, str]:
        record = pymarc.Record(data)
        return record["003"].data.strip(), record["001"].data.strip()

    assert found == sorted([*records, foreign], key=key) and found[0] == foreign


def test_numbers_and_years(books: pathlib.Path) -> None:
    records = [iso2709(("001", number)) for number in ("10", "9", "-1", "009", "x", "9.5")]
    found = [
        pymarc.Record(one)["001"].data
        for one in sorted_(b"".join(records), key="001", numeric=True)
    ]
    assert found == ["-1", "9", "009", "9.5", "10", "x"]
    found = [
        pymarc.Record(one)["008"].data[7:11]
        for one in sorted_(books, key="008[7:11]:int", reverse=True)
    ]
    assert found == sorted(found, reverse=True) and len(set(found)) > 1


def test_the_number_of_a_record_is_a_key(books: pathlib.Path) -> None:
    records = split(books.read_bytes())
    assert sorted_([books, books], key="number", reverse=True) == records[::-1] * 2
    assert not list(mrrc_ct.diff(books, books, key="number"))


def test_with_keep_there_is_one_of_each(books: pathlib.Path) -> None:
    records = split(books.read_bytes())
    twice = books.read_bytes() + b"".join(reversed(records))
    out = io.BytesIO()
    report = sort(twice, out, "marc", keep="last")
    assert split(out.getvalue()) == sorted_(books)
    assert (report.records_read, report.duplicates, report.records_written) == (300, 150, 150)


def test_several_sources_of_any_format_are_sorted_together(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    records = split(books.read_bytes())
    parts: list[Any] = [
        tmp_path / "a.mrc.gz",
        tmp_path / "b.xml",
        io.BytesIO(b"".join(records[100:])),
    ]
    parts[0].write_bytes(gzip.compress(b"".join(records[:50])))
    mrrc_ct.convert(b"".join(records[50:100]), parts[1])
    target = tmp_path / "out.jsonl"
    report = sort(parts, target, key="245$a")
    assert [one.as_marc() for one in mrrc_ct.read(target)] == in_order(records, "245", "a")
    assert (report.records_read, report.records_written) == (150, 150)
    assert report.from_ == "marc, marcxml" and report.to == "jsonl"


def test_threads_and_filters(books: pathlib.Path) -> None:
    where = '008[35:38] == "eng"'
    wanted = [
        one
        for one in in_order(split(books.read_bytes()), "245", "a")
        if pymarc.Record(one)["008"].data[35:38] == "eng"
    ]
    assert 0 < len(wanted) < 150
    for threads in (1, 2):
        assert sorted_(books, key="245$a", where=where, threads=threads) == wanted


def test_damage_is_reported_and_what_can_be_told_is_sorted(books: pathlib.Path) -> None:
    records = split(books.read_bytes())
    cut = records[3][:200]
    told: list[errors.MarcError] = []
    out = io.BytesIO()
    data = b"".join([*records[:3], cut, *records[4:6]])
    report = sort(data, out, "marc", key="001", on_error=told.append, reverse=True)
    assert len(told) == 1 and told[0].record_number == 4
    sound = [one for one in split(out.getvalue()) if one in records]
    assert sound == [records[at] for at in (5, 4, 2, 1, 0)]
    assert report.records_lost + report.records_salvaged == 1
    strict = sort(data, io.BytesIO(), "marc", recovery_mode="strict")
    assert (strict.records_written, strict.records_lost) == (5, 1)


def test_what_cannot_be_written_is_lost_and_the_rest_is_there() -> None:
    records = [
        iso2709(("001", number), ("245", f"10$a{text}"))
        for number, text in (("2", "\1"), ("1", "b"))
    ]
    report = sort(b"".join(records), io.BytesIO(), "marcxml")
    assert (report.records_read, report.records_written, report.records_lost) == (2, 1, 1)
    assert report.errors[0].control_number == "2"


def test_what_is_refused(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "out.mrc"
    for options, kind in (
        ({"memory": 1 << 20}, ValueError),
        ({"key": "24"}, errors.PathInvalid),
        ({"keep": "best"}, ValueError),
        ({"where": "245 ="}, errors.PathInvalid),
        ({"from_encoding": "latin-1"}, ValueError),
        ({"temporary": tmp_path / "nowhere", "keep": "first"}, errors.SourceError),
        ({"recovery": "strict"}, TypeError),
    ):
        with pytest.raises(kind):
            sort(books, target, **options)
        assert not os.listdir(tmp_path)
    with pytest.raises(errors.SourceError, match="same file"):
        sort(books, books)
    with pytest.raises(errors.FormatUnknown):
        sort(books, tmp_path / "out.txt")
    with pytest.raises(errors.SourceNotFound):
        sort(tmp_path / "none.mrc", target)
    assert not os.listdir(tmp_path)


def test_a_source_that_changes_between_passes_is_an_error(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    source = tmp_path / "books.mrc"
    source.write_bytes(books.read_bytes())
    with Passes(source, str(tmp_path), passes=2) as passes:
        first = [one for records in passes.records() for one in records]
        source.write_bytes(books.read_bytes()[:-2000])
        with pytest.raises(errors.SourceError, match="changed while it was read"):
            list(passes.records())
    assert first == split(books.read_bytes())


def test_what_can_be_read_once_is_kept(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    records = split(books.read_bytes())
    with Passes(io.BytesIO(books.read_bytes()), str(tmp_path), passes=3) as passes:
        for _ in range(3):
            assert [one for some in passes.records() for one in some] == records
    with Passes(books, str(tmp_path), is_kept=True) as passes:
        list(passes.records())
        for number in (149, 0, 77, 78, 79, 1):
            assert passes.record(number) == records[number]


def test_progress_is_that_of_all_passes(books: pathlib.Path) -> None:
    told: list[tuple[int, int | None, int]] = []
    sort(books, io.BytesIO(), "marc", keep="first", progress=lambda *one: told.append(one))
    size = books.stat().st_size
    assert told == sorted(told) and {total for _, total, _ in told} == {2 * size}
    assert told[-1] == (2 * size, 2 * size, 300)


def run(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_the_process_keeps_to_its_memory(books_20k: pathlib.Path, tmp_path: pathlib.Path) -> None:
    code = (
        "import sys, mrrc_ct\n"
        "report = mrrc_ct.sort([sys.argv[1]] * 6, sys.argv[2], key='245$a', memory=40 << 20)\n"
        "most = next(one for one in open('/proc/self/status') if one.startswith('VmHWM'))\n"
        "print(report.records_written, most.split()[1])"
    )
    records, most = run(code, books_20k, tmp_path / "out.mrc").split()
    assert int(records) == 120_000  # 116 MB
    assert int(most) <= 40 * 1024


# ---- ends before the end

WAITING = """
import sys
from mrrc_ct import _passes, cli
_passes.MEMORY_MIN = _passes._OVERHEAD = 0
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.parametrize("command", ["sort", "dedup", "merge", "diff"])
def test_a_signal_leaves_nothing_behind(
    books: pathlib.Path, tmp_path: pathlib.Path, name: str, command: str
) -> None:
    number = getattr(signal, name)
    folder = tmp_path / "folder"
    folder.mkdir()
    others = [books] if command in ("merge", "diff") else []
    output = [] if command == "diff" else ["-o", folder / "out.mrc"]
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING, command, "-", *others, "--memory", "1K", *output],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    assert process.stdin is not None
    process.stdin.write(books.read_bytes())
    process.stdin.flush()

    def runs() -> list[str]:
        """Files that are open and have no name."""
        found = []
        for one in os.listdir(f"/proc/{process.pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{process.pid}/fd/{one}"))
            except OSError:
                continue
        return [one for one in found if one.startswith(f"{folder}/") and "(deleted)" in one]

    deadline = time.monotonic() + 60
    while not runs() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert runs()
    assert len(os.listdir(folder)) == len(output[:1])  # what will be the output
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"Traceback" not in err
    assert os.listdir(folder) == []


@pytest.mark.usefixtures("little")
def test_an_exception_leaves_the_old_file_and_nothing_else(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / "out.mrc"
    target.write_bytes(b"old")

    def interrupt(done: int, total: int | None, records: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sort(books, target, memory=1000, progress=interrupt)
    assert os.listdir(tmp_path) == ["out.mrc"] and target.read_bytes() == b"old"

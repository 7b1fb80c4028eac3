"""Repaired files: what is sound is copied, what is damaged is saved, and all of it is accounted for."""

from __future__ import annotations

import gzip
import io
import json
import pathlib
import random
import subprocess
import sys
from typing import Any

import pytest
from marc import LEADER_MARC8, iso2709, split
from test_recovery import GOOD, NEXT, oversize, random_damage

import mrrc_ct
from mrrc_ct import MARCReader, RepairReport, _pieces, errors, repair

try:
    import pymarc
except ImportError:
    # Compared with pymarc in test_expected.py, where pymarc does not run, too.
    from mrrc_ct import pymarc


class Repaired:
    """What a repair of `data` gave."""

    def __init__(self, data: bytes, **options: Any) -> None:
        target, report, originals = io.BytesIO(), io.BytesIO(), io.BytesIO()
        options.setdefault("from_", "marc")
        self.result = repair(data, target, report, originals, **options)
        self.clean, self.originals = target.getvalue(), originals.getvalue()
        lines = [json.loads(line) for line in report.getvalue().splitlines()]
        self.all = self.clean, self.originals, lines
        *self.lines, last = lines
        self.summary = last["summary"]
        self.summary.pop("seconds")


def repaired_by_threads(data: bytes, pieces: int, monkeypatch: pytest.MonkeyPatch) -> Repaired:
    """The same, made by threads from pieces of so many bytes."""
    monkeypatch.setitem(_pieces.Pieces.__init__.__kwdefaults__, "size", pieces)
    return Repaired(data, threads=3)


def check_accounts(data: bytes, repaired: Repaired) -> None:
    """Each byte of the source is said to be somewhere, and is there."""
    result = repaired.result
    parts = (result.bytes_good, result.bytes_salvaged, result.bytes_set_aside, result.bytes_between)
    assert sum(parts) == result.bytes_read == len(data)
    aside = 0
    for line in repaired.lines:
        original = data[line["byte_offset"] : line["byte_offset"] + line["length"]]
        assert line["original_offset"] == aside
        assert repaired.originals[aside : aside + len(original)] == original
        aside += len(original)
    assert len(repaired.originals) == aside == result.bytes_salvaged + result.bytes_set_aside
    lost = sum(line["outcome"] == "lost" for line in repaired.lines)
    assert result.records_written == result.records_read - lost
    # What is not among the originals stands in the clean file as it was.
    rest, begin = b"", 0
    for line in repaired.lines:
        rest += data[begin : line["byte_offset"]]
        begin = line["byte_offset"] + line["length"]
    rest = (rest + data[begin:]).removeprefix(b"\xef\xbb\xbf")
    good = [record.lstrip(b"\r\n\x1a") for record in rest.split(b"\x1d")[:-1]]
    assert sum(len(record) + 1 for record in good) == result.bytes_good
    for record in good:
        assert record + b"\x1d" in repaired.clean


def test_a_sound_file_stays_as_it_is(books: pathlib.Path, awkward: pathlib.Path) -> None:
    data = books.read_bytes()
    repaired = Repaired(data)
    assert repaired.clean == data
    assert repaired.lines == []
    assert repaired.originals == b""
    assert repaired.result.ok
    assert repaired.summary["records_written"] == 150
    check_accounts(awkward.read_bytes(), Repaired(awkward.read_bytes()))


@pytest.mark.filterwarnings("error:.*subfield code")
@pytest.mark.parametrize("seed", range(100))
def test_what_is_repaired_is_sound_and_nothing_is_unaccounted_for(
    books: pathlib.Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = split(books.read_bytes())[:30]
    chance = random.Random(seed)
    data = b"".join(one + chance.choice((b"", b"", b"\n", b"\r\n")) for one in records)
    for _ in range(chance.randrange(1, 4)):
        data = random_damage(data, chance)[0]
    repaired = Repaired(data)
    check_accounts(data, repaired)
    by_threads = repaired_by_threads(data, chance.choice((500, 9000, 1 << 18)), monkeypatch)
    assert by_threads.all == repaired.all
    assert list(map(str, by_threads.result.errors)) == list(map(str, repaired.result.errors))
    assert repaired.result.ok == all(line["outcome"] == "warning" for line in repaired.lines)
    # Nobody finds anything wrong any more: not the strict reader, not pymarc, not a second repair.
    count = sum(1 for record in MARCReader(repaired.clean) if record.to_json())
    assert count == repaired.result.records_written
    if repaired.clean:
        theirs = list(pymarc.MARCReader(io.BytesIO(repaired.clean)))
        assert len(theirs) == count
        assert None not in theirs
        assert Repaired(repaired.clean).clean == repaired.clean


def test_what_lies_between_records_is_counted_and_left_out() -> None:
    data = b"\xef\xbb\xbf" + GOOD + b"\r\n" + GOOD + b"\n\x1a"
    repaired = Repaired(data)
    assert repaired.clean == GOOD + GOOD
    assert repaired.result.bytes_between == 7
    check_accounts(data, repaired)


def test_a_line_of_the_report_says_what_was_wrong_and_where() -> None:
    data = NEXT + b"00999" + GOOD[5:] + NEXT
    repaired = Repaired(data)
    assert repaired.clean == NEXT + GOOD + NEXT
    (line,) = repaired.lines
    (error,) = line.pop("errors")
    assert line == {
        "source": "<bytes>",
        "outcome": "salvaged",
        "record_number": 2,
        "control_number": "42",
        "byte_offset": len(NEXT),
        "length": len(GOOD),
        "original_offset": 0,
    }
    assert error["code"] == "record-length-invalid"
    assert error["found"] == "00999"
    assert error["expected"] == f"{len(GOOD):05}"


def test_what_is_no_record_is_set_aside() -> None:
    data = GOOD + b"no record at all\x1d" + NEXT
    repaired = Repaired(data)
    assert repaired.clean == GOOD + NEXT
    assert repaired.originals == b"no record at all\x1d"
    assert repaired.result.records_lost == 1
    assert not repaired.result.ok
    check_accounts(data, repaired)


def test_what_iso_2709_has_no_room_for_is_set_aside() -> None:
    fields = [("001", "big")] + [("500", "  $a" + "x" * 9000)] * 12
    data = GOOD + oversize(fields, "99999") + NEXT
    repaired = Repaired(data)
    assert repaired.clean == GOOD + NEXT
    (line,) = repaired.lines
    assert (line["outcome"], line["errors"][-1]["code"]) == ("lost", "record-too-long")
    check_accounts(data, repaired)


def test_a_leader_that_lies_about_the_encoding_is_put_right() -> None:
    lie = iso2709(("001", "1"), ("245", "10\x1faAnt\u00edgona".encode()), leader=LEADER_MARC8)
    repaired = Repaired(lie)
    (record,) = pymarc.MARCReader(io.BytesIO(repaired.clean))
    assert record is not None
    assert record.leader[9] == "a"
    assert record.title == "Ant\u00edgona"
    assert repaired.lines[0]["outcome"] == "warning"
    assert repaired.result.ok
    check_accounts(lie, repaired)


def test_records_in_marc8_stay_so() -> None:
    record = iso2709(("001", "1"), ("245", b"10\x1faAnt\xe2igona"), leader=LEADER_MARC8)
    damaged = b"00000" + record[5:]
    repaired = Repaired(record + damaged)
    assert repaired.clean == record + record


def test_packed_data_that_is_cut_is_saved_as_far_as_it_goes(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "cut.mrc.gz"
    whole = b"".join(iso2709(("001", f"{n}"), ("245", f"10$a{n**5}")) for n in range(3000))
    path.write_bytes(gzip.compress(whole)[:-3000])
    written = []
    for threads in (1, 2):
        target = io.BytesIO()
        found: list[mrrc_ct.MarcError] = []
        report = io.BytesIO()
        result = repair(path, target, report, io.BytesIO(), threads=threads, on_error=found.append)
        assert whole.startswith(target.getvalue()[: result.bytes_good])
        assert result.records_written > 100
        assert not result.ok
        assert any(isinstance(one, errors.CompressedDataInvalid) for one in found)
        lines = report.getvalue().splitlines()
        assert sum(b"compressed-data-invalid" in line for line in lines) == 1
        written.append((target.getvalue(), lines[:-1], list(map(str, found)), result.bytes_read))
    assert written[0] == written[1]


@pytest.mark.parametrize("threads", [1, 3])
def test_several_sources_become_one_file(
    books: pathlib.Path, tmp_path: pathlib.Path, threads: int
) -> None:
    records = split(books.read_bytes())
    first = b"".join([*records[:40], b"00000" + records[40][5:], *records[41:60]])
    second = b"\n".join([b"junk\x1d", *records[60:90], b"00000" + records[90][5:]])
    sources = [tmp_path / "one.mrc", tmp_path / "two.mrc.gz"]
    sources[0].write_bytes(first)
    sources[1].write_bytes(gzip.compress(second))
    clean, report = tmp_path / "clean.mrc", tmp_path / "report.jsonl"
    found: list[mrrc_ct.MarcError] = []
    result = repair(
        [*sources, io.BytesIO(first)],
        clean,
        report,
        from_="marc",
        threads=threads,
        on_error=found.append,
    )
    alone = [Repaired(data) for data in (first, second, first)]
    assert clean.read_bytes() == b"".join(one.clean for one in alone)
    originals = b"".join(one.originals for one in alone)
    assert (tmp_path / "clean.damaged.mrc").read_bytes() == originals
    *lines, last = [json.loads(line) for line in report.read_text().splitlines()]
    names = [*map(str, sources), "<BytesIO>"]
    assert [(line["source"], line["record_number"]) for line in lines] == [
        (names[0], 41),
        (names[1], 1),
        (names[1], 32),
        (names[2], 41),
    ]
    assert {error.source for error in found} == set(names)
    # An offset is one in the source that the line names.
    data = dict(zip(names, (first, second, first)))
    for line in lines:
        begin, aside = line["byte_offset"], line["original_offset"]
        original = data[line["source"]][begin : begin + line["length"]]
        assert original == originals[aside : aside + line["length"]] != b""
    summary = last["summary"]
    assert summary["source"] == f"{sources[0]} and 2 more"
    for name, value in alone[0].summary.items():
        if isinstance(value, int):
            assert summary[name] == sum(one.summary[name] for one in alone)
            assert summary[name] == getattr(result, name)
    assert summary["bytes_read"] == 2 * len(first) + len(second)
    # One that is no ISO 2709 leaves everything as it was.
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    xml = tmp_path / "three.xml"
    before[xml] = b"<collection/>"
    xml.write_bytes(before[xml])
    with pytest.raises(errors.FormatUnknown, match=r"three\.xml: only ISO 2709"):
        repair([*sources, xml], clean, report, threads=threads)
    with pytest.raises(errors.SourceError, match="same file"):
        repair([*sources, clean], clean, report, threads=threads)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_files_are_named_and_replaced_together(tmp_path: pathlib.Path) -> None:
    source, target = tmp_path / "in.mrc", tmp_path / "out.mrc"
    source.write_bytes(b"00000" + GOOD[5:] + NEXT)
    result = repair(source, target)
    assert isinstance(result, RepairReport)
    assert target.read_bytes() == GOOD + NEXT
    assert (tmp_path / "out.damaged.mrc").read_bytes() == b"00000" + GOOD[5:]
    assert "1 of them salvaged" in str(result)

    def give_up(error: mrrc_ct.MarcError) -> None:
        raise RuntimeError("enough")

    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    source.write_bytes(NEXT + b"00000" + GOOD[5:])
    before[source] = source.read_bytes()
    with pytest.raises(RuntimeError):
        repair(source, target, tmp_path / "report.jsonl", on_error=give_up)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_cannot_be_repaired_is_refused(tmp_path: pathlib.Path) -> None:
    source = tmp_path / "in.mrc"
    source.write_bytes(GOOD)
    xml = tmp_path / "in.xml"
    mrrc_ct.convert(source, xml)
    with pytest.raises(errors.FormatUnknown, match="only ISO 2709"):
        repair(xml, tmp_path / "out.mrc")
    with pytest.raises(ValueError, match="originals="):
        repair(source, io.BytesIO())
    for names in ((source,), (tmp_path / "a", source), (tmp_path / "a", tmp_path / "a")):
        with pytest.raises(errors.SourceError, match="same file"):
            repair(source, *names)
    with pytest.raises(errors.SourceError, match="same file"):
        repair(source, tmp_path / "a", None, tmp_path / "b" / ".." / "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mrc", "in.xml"]


def test_the_command_repairs(tmp_path: pathlib.Path) -> None:
    (tmp_path / "in.mrc").write_bytes(GOOD + b"00000" + GOOD[5:] + NEXT)

    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "mrrc_ct", "repair", *arguments],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )

    done = run("in.mrc", "-o", "out.mrc", "--report", "report.jsonl")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"salvaged: in.mrc: record 2" in done.stderr
    assert (tmp_path / "out.mrc").read_bytes() == GOOD + GOOD + NEXT
    assert len((tmp_path / "report.jsonl").read_text().splitlines()) == 2
    assert run("out.mrc", "-o", "again.mrc").returncode == 0
    done = run("[io]*.mrc", "-o", "all.mrk", "--originals", "aside.mrc", "--threads", "2")
    assert done.returncode == 1
    assert (tmp_path / "all.mrk").read_bytes() == b"".join(
        (GOOD + GOOD + NEXT, GOOD, GOOD + GOOD + NEXT)
    )
    done = run("in.mrc", "-o", "-", "--originals", "aside.mrc")
    assert (done.returncode, done.stdout) == (1, GOOD + GOOD + NEXT)
    done = run("in.mrc", "-o", "-")
    assert done.returncode == 2
    assert b"--originals" in done.stderr
    done = run("in.mrc", "-o", "in.mrc")
    assert done.returncode == 2
    assert b"same file" in done.stderr

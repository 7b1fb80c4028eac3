"""The index of a file: records by number and by control number."""

from __future__ import annotations

import json
import os
import pathlib
import random
import re
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from marc import iso2709

import mrrc_ct
import mrrc_ct._index_file
import mrrc_ct.tables
from mrrc_ct import MARCReader
from mrrc_ct.errors import IndexInvalid, ReaderClosed


def test_an_index_finds_records_by_number_and_control_number(tmp_path: pathlib.Path) -> None:
    records = [iso2709(("001", f" {n % 7} "), ("245", f"00$aTitle {n}")) for n in range(1, 30)]
    records.insert(4, iso2709(("245", "00$aWithout a number")))
    records.insert(9, b"x" + records[9][1:])
    path = tmp_path / "indexed.mrc"
    path.write_bytes(b"\n".join(records))
    errors: list[mrrc_ct.MarcError] = []
    built = mrrc_ct.build_index(path, on_error=errors.append)
    assert [error.record_number for error in errors] == [10]
    sound = list(MARCReader(path).iter_with_errors())
    expected = [record for record, _ in sound if record]
    for index in (built, mrrc_ct.open_index(path)):
        with index:
            assert len(index) == 31
            assert [r.as_marc() for r in index] == [r.as_marc() for r in expected]
            assert index[5].title() == "Without a number"
            assert index[5]._number == 5
            assert index.control_number(5) is None
            assert index.offset(1) == 0
            assert index.numbers("3") == [3, 12, 19, 26]
            assert [r.title() for r in index.find(" 3")] == [f"Title {n}" for n in (3, 10, 17, 24)]
            assert "3" in index and "x" not in index and index.find("x") == []
            # The damaged one has the number that reading tells.
            with pytest.raises(mrrc_ct.errors.RecordLengthInvalid, match="record 10, byte"):
                index[10]
            for number in (0, 32, -1):
                with pytest.raises(IndexError, match="1 to 31"):
                    index[number]
            sound_ones = [number for number in range(1, 32) if number != 10]
            with ThreadPoolExecutor(4) as pool:
                found = list(pool.map(index.__getitem__, sound_ones * 20))
            assert [r.title() for r in found] == [r.title() for r in expected] * 20
    with mrrc_ct.open_index(path, recovery_mode="lenient") as index:
        saved = index[10]
        assert (saved.title(), saved.errors[0].record_number) == ("Title 9", 10)
        assert [r.title() for r in index.find(index.control_number(10) or "")][1] == "Title 9"


def record_001(mrk: str) -> str:
    """What field 001 says in a record in MRK."""
    texts = [line[6:].replace("\\", " ") for line in mrk.splitlines() if line[:6] == "=001  "]
    return texts[0].strip() if texts else ""


@pytest.mark.parametrize(("threads", "piece"), [(1, 1 << 19), (3, 700), (3, 1 << 19)])
def test_an_index_of_a_damaged_file_counts_as_reading_does(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, threads: int, piece: int
) -> None:
    monkeypatch.setattr(mrrc_ct.tables, "_PIECE_BYTES", piece)
    dice = random.Random(8)
    records = [iso2709(("001", str(n)), ("245", f"00$aTitle {n}")) for n in range(200)]
    data = bytearray(b"".join(records))
    for _ in range(40):
        data[dice.randrange(len(data))] = dice.choice(b"\x1d\x1e\x1f0z\xff")
    path = tmp_path / "damaged.mrc"
    path.write_bytes(data[500:])
    errors: list[mrrc_ct.MarcError] = []
    index = mrrc_ct.build_index(
        path, recovery_mode="lenient", threads=threads, on_error=errors.append
    )
    assert [error.record_number for error in errors] == sorted(
        error.record_number or 0 for error in errors
    )
    lost = {error.record_number for error in errors if error.outcome == "lost"}
    read = {}
    for record, error in MARCReader(path, recovery_mode="lenient").iter_with_errors():
        number = record._number if record else error.record_number  # type: ignore[union-attr]
        read[number] = record.to_mrk() if record else str(error)
    assert list(read) == list(range(1, len(index) + 1))
    assert lost == {number for number, text in read.items() if not text.startswith("=LDR")}
    for number, text in read.items():
        if text.startswith("=LDR"):
            assert index[number].to_mrk() == text
            assert index.control_number(number) == (record_001(text) or None)
        else:
            with pytest.raises(mrrc_ct.MarcError, match=re.escape(text)):
                index[number]


def test_an_index_that_does_not_go_with_its_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.mrc"
    record = iso2709(("001", "1"))
    path.write_bytes(record * 3)
    with pytest.raises(IndexInvalid, match="build_index"):
        mrrc_ct.open_index(path)
    mrrc_ct.build_index(path)
    os.utime(path, (1, 1))  # the same bytes, copied
    assert len(mrrc_ct.open_index(path)) == 3
    path.write_bytes(record * 2 + record.replace(b"1\x1e\x1d", b"2\x1e\x1d"))
    os.utime(path, (2, 2))
    with pytest.raises(IndexInvalid, match="changed"):
        mrrc_ct.open_index(path)
    mrrc_ct.build_index(path)
    kept = pathlib.Path(str(path) + ".mrrc-index")
    good = kept.read_bytes()
    for bad in (b"", good[:-1], good[:40], good.replace(b"index 3", b"index 2"), b"\n" + good):
        kept.write_bytes(bad)
        with pytest.raises(IndexInvalid, match="damaged"):
            mrrc_ct.open_index(path)
    kept.write_bytes(good)
    assert json.loads(good.split(b"\n")[1])["records"] == 3
    path.unlink()
    with pytest.raises(mrrc_ct.errors.SourceNotFound):
        mrrc_ct.open_index(path)


@pytest.mark.parametrize("memory", [1 << 24, 5000])
def test_what_is_looked_up_is_what_a_dictionary_would_say(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, memory: int
) -> None:
    """More than some blocks, numbers that are there often, and such as sort in an odd way."""
    monkeypatch.setattr(mrrc_ct._index_file, "_MEMORY", memory)
    dice = random.Random(7)
    odd = ["a", "a\x01", "a\x01b", "\x7f", "é", "\U00010000", "\uffff", "", "x" * 900]
    control_numbers = [
        str(dice.randrange(2000)) if dice.random() < 0.8 else dice.choice([*odd, "often"])
        for _ in range(5000)
    ]
    control_numbers[1000:2500] = ["often"] * 1500
    records = [
        iso2709(("001", one), ("245", "00$aTitle")) if one else iso2709(("245", "00$aTitle"))
        for one in control_numbers
    ]
    path = tmp_path / "many.mrc"
    path.write_bytes(b"".join(records))
    places: dict[str, list[int]] = {}
    for number, one in enumerate(control_numbers, 1):
        if one:
            places.setdefault(one, []).append(number)
    assert len(places) > 1000 and len(places["often"]) > 1500
    with mrrc_ct.build_index(path) as built, mrrc_ct.open_index(path) as kept:
        for index in (built, kept):
            assert len(index) == 5000
            for one, numbers in places.items():
                assert index.numbers(one) == numbers
            for one in ("", " ", "a\x02", "b", "\U0010ffff", "ofte", "oftenn", "\0"):
                assert index.numbers(one) == [], one
            at = 0
            for number, (one, record) in enumerate(zip(control_numbers, records), 1):
                assert (index.control_number(number), index.offset(number)) == (one or None, at)
                at += len(record)


def test_a_closed_index_says_so(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.mrc"
    path.write_bytes(iso2709(("001", "1")))
    index = mrrc_ct.build_index(path)
    index.close()
    index.close()
    assert len(index) == 1
    for ask in (lambda: index[1], lambda: index.find("1"), index.save):
        with pytest.raises(ReaderClosed):
            ask()


def test_a_damaged_index_never_tells_anything_else(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.mrc"
    path.write_bytes(b"".join(iso2709(("001", str(n % 5))) for n in range(20)))
    with mrrc_ct.build_index(path) as index:
        expected = [(index.offset(n), index.control_number(n)) for n in range(1, 21)]
        numbers = {one: index.numbers(one) for one in "012345"}
    kept = pathlib.Path(f"{path}{mrrc_ct.index.SUFFIX}")
    good = kept.read_bytes()
    dice = random.Random(3)
    head_end = good.index(b"\n", good.index(b"\n") + 1)
    for at in range(len(good)):
        kept.write_bytes(good[:at] + bytes([good[at] ^ 1 << dice.randrange(8)]) + good[at + 1 :])
        try:
            with mrrc_ct.open_index(path) as index:
                assert [
                    (index.offset(n), index.control_number(n)) for n in range(1, 21)
                ] == expected
                assert {one: index.numbers(one) for one in "012345"} == numbers
        except IndexInvalid:
            continue
        # What the head says of a file that is not changed is not asked for.
        assert at < head_end


def test_a_file_that_was_cut_off_is_told(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.mrc"
    record = iso2709(("001", "1"))
    path.write_bytes(record * 3)
    with mrrc_ct.build_index(path) as index:
        os.truncate(path, len(record))
        assert index[1].as_marc() == record
        with pytest.raises(IndexInvalid, match="changed"):
            index[3]


HEAD = {"records": 1, "with_control_number": 1, "modified": 0, "crc32": 0}


@pytest.mark.parametrize(
    ("head", "offset", "number"),
    [
        ({"records": -1}, 0, 1),
        ({"records": 1.0}, 0, 1),
        ({"records": 1e999}, 0, 1),
        ({"records": True}, 0, 1),
        ({"records": None}, 0, 1),
        ({"records": 1 << 70}, 0, 1),
        ({"with_control_number": 513}, 0, 1),
        ({"bytes": -38}, 0, 1),
        ({"bytes": 1 << 62}, 0, 1),
        ({"size": "39"}, 0, 1),
        ({}, 40, 1),
        ({}, (1 << 64) - 1, 1),
        ({}, 0, 0),
        ({}, 0, 2),
        ({}, 0, (1 << 64) - 1),
    ],
)
def test_an_index_that_is_made_up_is_not_believed(
    tmp_path: pathlib.Path, head: dict[str, object], offset: int, number: int
) -> None:
    """Its checksums are right, and what it says is not."""
    path = tmp_path / "x.mrc"
    record = iso2709(("001", "7"))
    path.write_bytes(record)
    assert len(record) == 40
    os.utime(path, ns=(0, 0))
    blocks = [number_of(offset) + b"7", number_of(number) + b"7"]
    body = b"".join([zlib.crc32(block).to_bytes(4, "little") + block for block in blocks])
    places = b"".join(map(number_of, (0, 13, 13, 26)))
    told = {**HEAD, "bytes": len(body), "size": len(record), "places_crc32": zlib.crc32(places)}
    kept = pathlib.Path(f"{path}{mrrc_ct.index.SUFFIX}")

    def ask(told: dict[str, object]) -> tuple[bytes, list[int]]:
        kept.write_bytes(b"mrrc-ct index 3\n" + json.dumps(told).encode() + b"\n" + body + places)
        with mrrc_ct.open_index(path) as index:
            return index[1].as_marc(), index.numbers("7")

    if head:
        assert ask(told) == (record, [1])
    with pytest.raises(IndexInvalid, match="damaged"):
        ask({**told, **head})


def test_a_head_that_is_nested_is_not_believed(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "x.mrc"
    path.write_bytes(iso2709(("001", "7")))
    kept = pathlib.Path(f"{path}{mrrc_ct.index.SUFFIX}")
    for head in (b"[" * 1000, b"{}", b"[]", b"7", b"\xff"):
        kept.write_bytes(b"mrrc-ct index 3\n" + head + b"\n")
        with pytest.raises(IndexInvalid, match="damaged"):
            mrrc_ct.open_index(path)


def number_of(value: int) -> bytes:
    """A number as an index has it."""
    return value.to_bytes(8, "little")

"""Records into several files."""

from __future__ import annotations

import gzip
import json
import os
import pathlib
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marc import iso2709
from marc import split as cut

import mrrc_ct
from mrrc_ct import MARCReader, errors, read, splitting
from mrrc_ct.splitting import safe_name, split


def languages(data: bytes) -> dict[str, list[bytes]]:
    """Records by 008/35-37, found by hand."""
    found: dict[str, list[bytes]] = {}
    for record in cut(data):
        base = int(record[12:17])
        at = 24
        while record[at : at + 3] != b"008":
            at += 12
        start = base + int(record[at + 7 : at + 12])
        found.setdefault(record[start + 35 : start + 38].decode(), []).append(record)
    return found


def test_so_many_records_in_each(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    records = cut(books.read_bytes())
    parts = split(read(books), tmp_path / "part-{}.mrc", count=40)
    assert [(pathlib.Path(part.path).name, part.records, part.value) for part in parts] == [
        ("part-0001.mrc", 40, None),
        ("part-0002.mrc", 40, None),
        ("part-0003.mrc", 40, None),
        ("part-0004.mrc", 30, None),
    ]
    for number, part in enumerate(parts):
        expected = b"".join(records[40 * number : 40 * number + 40])
        assert pathlib.Path(part.path).read_bytes() == expected
        assert part.bytes == len(expected)
    assert len(os.listdir(tmp_path)) == 4


@pytest.mark.parametrize("size", [1, 2000, 30_000, 10_000_000])
@pytest.mark.parametrize("name", ["{}.mrc", "{}.xml", "{}.json", "{}.jsonl", "{}.mrk"])
def test_as_many_bytes_in_each_as_fit(
    books: pathlib.Path, tmp_path: pathlib.Path, name: str, size: int
) -> None:
    parts = split(read(books), tmp_path / name, size=size)
    together: list[str] = []
    before = None
    for part in parts:
        path = pathlib.Path(part.path)
        assert path.stat().st_size == part.bytes
        assert part.bytes <= size or part.records == 1
        found = list(read(path))
        assert len(found) == part.records > 0
        if before is not None:
            # The first record of this one had no room there.
            one = tmp_path / f"one{path.suffix}"
            mrrc_ct.write(found[:1], one)
            frame = tmp_path / f"none{path.suffix}"
            mrrc_ct.write([], frame)
            assert before + one.stat().st_size - frame.stat().st_size + 2 > size
        before = part.bytes
        together += [record.to_mrk() for record in found]
    assert together == [record.to_mrk() for record in MARCReader(books)]


def test_a_file_for_each_value(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    data = books.read_bytes()
    parts = split(read(books), tmp_path / "books-{}.mrc", by="008[35:38]")
    expected = languages(data)
    assert [part.value for part in parts] == list(expected)
    for part in parts:
        assert part.path == str(tmp_path / f"books-{part.value}.mrc")
        assert pathlib.Path(part.path).read_bytes() == b"".join(expected[part.value or ""])


@pytest.mark.parametrize("packed", ["", ".gz"])
@pytest.mark.parametrize("waiting", [1, 5_000])
def test_many_files_with_little_memory(
    books: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    packed: str,
    waiting: int,
) -> None:
    """What waits is written again and again, and each file begins and ends as it should."""
    monkeypatch.setattr(splitting, "_WAITING_EACH", waiting)
    monkeypatch.setattr(splitting, "_WAITING_ALL", 4 * waiting)
    parts = split(read(books), tmp_path / f"{{}}.json{packed}", by="050$a[0:1]")
    assert len(parts) > 15
    opened = gzip.open if packed else open
    count = 0
    for part in parts:
        with opened(part.path, "rb") as file:
            found = json.loads(file.read())
        assert len(found) == part.records
        count += len(found)
        for record in found:
            fields = [one["050"] for one in record["fields"] if "050" in one]
            values = [
                subfield["a"]
                for field in fields
                for subfield in field["subfields"]
                if "a" in subfield
            ]
            assert values[0][0] == part.value
    assert count == 150


def test_no_more_files_are_open_than_one(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    resource = pytest.importorskip("resource", reason="this system has no limits for files")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) + 10, hard))
    try:
        parts = split(read(books), tmp_path / "{}.mrc", by="001")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(parts) == len(os.listdir(tmp_path)) == 150


def test_records_without_the_value_go_to_a_file_of_their_own(tmp_path: pathlib.Path) -> None:
    values = [None, "none", "a/b", "a b", "A B", "", "u\u0308", "ü", "x", "..", None, "a/b"]
    records = [
        iso2709(("001", str(n)), *([] if one is None else [("852", f"  $b{one}")]))
        for n, one in enumerate(values)
    ]
    parts = split(MARCReader(b"".join(records)), tmp_path / "{}.mrc", by="852$b")
    # A value without characters is no file's name, and none in the core either.
    assert [(part.value, pathlib.Path(part.path).stem, part.records) for part in parts] == [
        (None, "none", 2),
        ("none", "none-2", 1),
        ("a/b", "a_b", 2),
        ("a b", "a_b-2", 1),
        ("A B", "A_B-3", 1),
        ("", "_", 1),
        ("u\u0308", "ü", 1),
        ("ü", "ü-2", 1),
        ("x", "x", 1),
        ("..", "_-2", 1),
    ]
    assert (tmp_path / "a_b.mrc").read_bytes() == records[2] + records[11]


@given(st.text(max_size=60))
def test_a_name_is_safe_on_every_system(value: str) -> None:
    name = safe_name(value)
    assert 0 < len(name.encode()) <= 101
    assert not set(name) & set('/\\:*?"<>|\0 ') and name[0] != "." and name[-1] not in ". "
    assert name.lower() not in ("con", "nul", "com1")
    assert name.isprintable()


@given(st.lists(st.text(st.sampled_from("aAä_/. u\u0308"), max_size=3), min_size=1, max_size=12))
@settings(deadline=None)
def test_values_never_share_a_file(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("split")
    records = [iso2709(("852", f"  $b{one}")) for one in values]
    parts = split(MARCReader(b"".join(records)), folder / "{}.mrc", by="852$b")
    assert {part.value for part in parts} == set(values)
    names = {unicodedata.normalize("NFC", part.path).casefold() for part in parts}
    assert len(names) == len(set(values)) == len(os.listdir(folder))
    for part in parts:
        found = [record["852"]["b"] for record in MARCReader(part.path)]
        assert found == [one for one in values if one == part.value]


def test_what_was_there_stays_where_the_work_fails(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "0001.mrc").write_text("old")

    def failing() -> Any:
        for number, record in enumerate(MARCReader(books)):
            if number == 100:
                raise KeyboardInterrupt
            yield record

    with pytest.raises(KeyboardInterrupt):
        split(failing(), tmp_path / "{}.mrc", count=10)
    with pytest.raises(errors.TooManyFiles, match="more than 14 files"):
        split(read(books), tmp_path / "{}.mrc", count=10, files_max=14)
    assert os.listdir(tmp_path) == ["0001.mrc"]
    assert (tmp_path / "0001.mrc").read_text() == "old"
    assert len(split(read(books), tmp_path / "{}.mrc", count=10, files_max=15)) == 15


def test_a_source_is_not_written_to(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "x-0002.mrc"
    source.write_bytes(books.read_bytes())
    with pytest.raises(errors.SourceError, match="the same file"):
        split(read(source), tmp_path / "x-{}.mrc", count=100, sources=[str(source)])
    assert os.listdir(tmp_path) == ["x-0002.mrc"]
    assert source.read_bytes() == books.read_bytes()


def test_a_record_that_cannot_be_written(tmp_path: pathlib.Path) -> None:
    data = [iso2709(("001", str(n)), ("245", f"00$a{text}")) for n, text in enumerate("a\x01b")]
    found: list[errors.MarcError] = []
    parts = split(MARCReader(b"".join(data)), tmp_path / "{}.xml", count=2, on_error=found.append)
    assert [part.records for part in parts] == [2]
    assert [(error.record_number, error.code) for error in found] == [
        (2, "xml-character-forbidden"),
    ]
    assert len(mrrc_ct.xml_to_records(tmp_path / "0001.xml")) == 2
    with pytest.raises(errors.XmlCharacterForbidden):
        split(MARCReader(b"".join(data)), tmp_path / "y{}.xml", count=2)
    parts = split(MARCReader(b"".join(data)), tmp_path / "z{}.xml", count=2, invalid_xml="replace")
    assert [part.records for part in parts] == [2, 1]


@pytest.mark.parametrize(
    ("pattern", "options", "error", "said"),
    [
        ("x.mrc", {"count": 1}, ValueError, "one {}"),
        ("{}{}.mrc", {"count": 1}, ValueError, "one {}"),
        ("{}.mrc", {}, ValueError, "how to split"),
        ("{}.mrc", {"count": 1, "by": "001"}, ValueError, "how to split"),
        ("{}.mrc", {"count": 0}, ValueError, "at least one"),
        ("{}.mrc", {"size": 0}, ValueError, "at least one"),
        ("{}.foo", {"count": 1}, errors.FormatUnknown, "tells no format"),
        ("{}.mrc", {"by": "24"}, errors.PathInvalid, "'24' is no place"),
        ("{}.mrc", {"by": "number"}, errors.PathInvalid, "into the record"),
        ("{}.mrc", {"by": "001, 003"}, errors.PathInvalid, "one path"),
        ("no/{}.mrc", {"count": 1}, errors.SourceNotFound, "no/0001.mrc"),
    ],
)
def test_what_cannot_be_done_is_said(
    books: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    options: dict[str, Any],
    error: type[Exception],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=said):
        split(read(books), pattern, **options)
    assert os.listdir(tmp_path) == []


def test_splitting_a_large_file(books_20k: pathlib.Path, tmp_path: pathlib.Path) -> None:
    parts = split(read(books_20k), tmp_path / "{}.mrc", by="008[35:38]")
    expected = languages(books_20k.read_bytes())
    assert {part.value: part.records for part in parts} == {
        value: len(records) for value, records in expected.items()
    }
    for part in parts:
        assert pathlib.Path(part.path).read_bytes() == b"".join(expected[part.value or ""])

"""Several sources for one work, filters while reading, and limits."""

from __future__ import annotations

import io
import json
import pathlib
from typing import Any

import pytest
from marc import LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import MARCReader, convert, count, errors, read, select

FORMATS = ("marc", "marcxml", "json", "jsonl", "marcjson", "mrk", "seq")


@pytest.fixture(scope="module")
def raw() -> list[bytes]:
    return split((pathlib.Path(__file__).parent / "data" / "books.mrc").read_bytes())


def output(source: Any, to: str | None = None, **options: Any) -> tuple[bytes, mrrc_ct.Report]:
    out = io.BytesIO()
    report = convert(source, out, to, **options)
    return out.getvalue(), report


# ---- several sources


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("to", FORMATS)
def test_all_records_go_to_one_output(
    books: pathlib.Path, tmp_path: pathlib.Path, raw: list[bytes], to: str, threads: int
) -> None:
    sources: list[Any] = [books]
    for name in FORMATS[1:]:
        sources.append(tmp_path / f"books.{name}")
        convert(books, sources[-1], name)
    sources += [b"".join(raw), io.BytesIO(b"".join(raw))]
    data, report = output(sources, to, threads=threads)
    # As one source with the same records would be.
    assert data == output(b"".join(raw) * len(sources), to)[0]
    assert (report.records_read, report.records_written) == (1350, 1350)
    assert report.bytes_written == len(data)
    assert report.bytes_read == sum(
        one.stat().st_size if isinstance(one, pathlib.Path) else len(b"".join(raw))
        for one in sources
    )
    assert report.source == f"{books} and 8 more"
    assert report.from_ == "marc, marcxml, json, jsonl, marcjson, mrk, seq"


def test_numbers_that_are_written_go_on_over_all_sources() -> None:
    """Of records without a control number, of which one cannot be read."""
    record = iso2709(("245", "00$aOdes /"))
    data, report = output([record + b"no record\x1d" + record, record, record], "seq")
    assert report.records_lost == 1
    numbers = [line[:9] for line in data.splitlines() if b" LDR " in line]
    assert numbers == [b"000000001", b"000000003", b"000000004", b"000000005"]
    assert [one["001"].data for one in read(data, "seq")] == [one.decode() for one in numbers]


def test_errors_tell_which_source_and_where_in_it(
    books: pathlib.Path, tmp_path: pathlib.Path, raw: list[bytes]
) -> None:
    paths = [tmp_path / name for name in ("a.mrc", "b.mrc", "c.mrc")]
    for path in paths:
        path.write_bytes(b"".join([*raw[:5], b"0x" + raw[5][2:], *raw[6:]]))
    told: list[errors.MarcError] = []
    _, report = output([str(path) for path in paths], "jsonl", on_error=told.append)
    assert [(one.source, one.record_number) for one in told] == [(str(one), 6) for one in paths]
    assert report.errors == told
    assert (report.records_salvaged, report.records_written) == (3, 450)


def test_what_is_not_there_is_found_out_before_anything_is_written(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    out = io.BytesIO()
    with pytest.raises(errors.SourceNotFound, match=r"none\.mrc: cannot open"):
        convert([books, "none.mrc"], out, "json")
    with pytest.raises(errors.SourceIsDirectory):
        convert([books, tmp_path], out, "json")
    assert out.getvalue() == b""
    target = tmp_path / "a.mrc"
    target.write_bytes(b"old")
    (tmp_path / "empty.mrc").write_bytes(b"")
    with pytest.raises(errors.EmptySource):
        convert([books, tmp_path / "empty.mrc"], target)
    assert target.read_bytes() == b"old"
    with pytest.raises(errors.SourceError, match="are the same file"):
        convert([books, target], target)
    for call in (convert, lambda source, _: count(source), lambda source, _: read(source)):
        with pytest.raises(ValueError, match="no source"):
            call([], target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mrc", "empty.mrc"]


def test_progress_goes_through_all_sources(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    told: list[tuple[int, int | None, int]] = []
    output([books] * 3, "mrk", progress=lambda *one: told.append(one))
    size = books.stat().st_size
    assert told == sorted(told) and told[-1] == (3 * size, 3 * size, 450)
    assert {total for _, total, _ in told} == {3 * size}
    told.clear()
    output([books, io.BytesIO(books.read_bytes())], "mrk", progress=lambda *one: told.append(one))
    assert told[-1] == (2 * size, None, 300)
    # Of packed files it is the packed bytes.
    for name in ("a.mrc.gz", "b.mrc.xz"):
        convert(books, tmp_path / name)
    packed = [tmp_path / "a.mrc.gz", books, tmp_path / "b.mrc.xz"]
    sizes = sum(path.stat().st_size for path in packed)
    for threads in (1, 2):
        told.clear()
        output(packed, "mrk", progress=lambda *one: told.append(one), threads=threads)
        assert told == sorted(told) and told[-1] == (sizes, sizes, 450)
        told.clear()
        output(packed[0], "mrk", progress=lambda *one: told.append(one), threads=threads)
        assert told[-1] == (packed[0].stat().st_size,) * 2 + (150,)


def test_encodings_that_only_python_knows(tmp_path: pathlib.Path) -> None:
    latin = iso2709(("001", "1"), ("245", "00\x1faÄ".encode("latin-1")), leader=LEADER_MARC8)
    path = tmp_path / "a.jsonl"
    convert(iso2709(("001", "2"), ("245", "00$aÖ")), path)
    for to in ("json", "marcxml", "mrk"):
        data, report = output([latin, path, latin], to, from_encoding="latin-1")
        assert report.records_written == 3
        texts = [one["245"]["a"] for one in read(data, to)]
        assert texts == ["Ä", "Ö", "Ä"]
    data, _ = output([latin, path], "marc", from_encoding="latin-1", limit=1)
    assert data == latin


def test_reading_counting_selecting_describing(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    xml = tmp_path / "books.xml"
    convert(books, xml)
    sources = [books, xml]
    assert count(sources) == count(sources, threads=2) == 300
    titles = [record.title() for record in read(books)]
    assert [record.title() for record in read(sources)] == titles * 2
    rows = [row["245"] for row in select(books, "245")]
    for threads in (1, 2):
        assert [row["245"] for row in select(sources, "245", threads=threads)] == rows * 2
    selection = select(sources, "001")
    out = io.BytesIO()
    assert selection.to_csv(out).records_written == 300
    assert selection.report is not None and selection.report.from_ == "marc, marcxml"
    with pytest.raises(errors.SourceError, match="several sources cannot be read in parts"):
        list(select(sources, "001", start=5))
    one, both = mrrc_ct.describe(books), mrrc_ct.describe(sources, threads=2)
    assert both.records == 300
    assert [(row.path, row.count) for row in both] == [(row.path, 2 * row.count) for row in one]


# ---- limits


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("limit", [0, 1, 10, 149, 150, 151])
def test_a_limit_is_where_the_work_ends(
    books: pathlib.Path, raw: list[bytes], to: str, limit: int
) -> None:
    data, report = output(books, to, limit=limit, threads=2)
    assert data == output(b"".join(raw[:limit]), to)[0]
    assert report.records_written == min(limit, 150)
    data, report = output([books, books], to, limit=150 + limit)
    assert data == output(b"".join(raw + raw[:limit]), to)[0]


def test_a_limit_counts_what_is_wanted(books: pathlib.Path, raw: list[bytes]) -> None:
    wanted = [data for data, record in zip(raw, read(books)) if "650" not in record]
    data, report = output(books, "marc", limit=7, where="not 650")
    assert data == b"".join(wanted[:7])
    assert report.records_left_out == report.records_read - 7 == raw.index(wanted[6]) - 6
    assert len(list(select([books, books], "001", limit=160))) == 160
    assert len(list(select(books, "001", limit=0))) == 0
    for call in (lambda: output(books, "marc", limit=-1), lambda: select(books, "001", limit=-1)):
        with pytest.raises(ValueError, match="limit"):
            call()


def test_nothing_behind_the_limit_is_lost(raw: list[bytes]) -> None:
    data = b"".join([raw[0], raw[1], b"garbage"])
    _, report = output(data, "jsonl", limit=2)
    assert report.ok and report.records_written == 2
    _, report = output(data, "jsonl", limit=3)
    assert report.records_lost == 1


# ---- filters


def is_wanted(record: mrrc_ct.Record) -> bool:
    return any(
        "e" in text for field in record.get_fields("650") for text in field.get_subfields("a")
    )


WHERE = "650$a =~ 'e'"


@pytest.mark.parametrize("from_", FORMATS)
def test_reading_with_a_filter(books: pathlib.Path, raw: list[bytes], from_: str) -> None:
    data, _ = output(books, from_)
    everything = list(read(data, from_))
    found = read(data, from_, where=WHERE)
    wanted = list(found)
    numbers = [at for at, record in enumerate(everything, 1) if is_wanted(record)]
    assert 10 < len(numbers) < 140
    assert [record._number for record in wanted] == numbers
    assert [str(record) for record in wanted] == [str(everything[at - 1]) for at in numbers]
    assert found.summary.records_read == 150
    assert found.summary.records_left_out == 150 - len(numbers)
    assert [one._number for one in read(data, from_, where="number > 140")] == [*range(141, 151)]
    for threads in (1, 2):
        assert count(data, from_, where=WHERE, threads=threads) == len(numbers)


def test_a_reader_with_a_filter(books: pathlib.Path, raw: list[bytes]) -> None:
    data = b"".join(raw) * 30  # more than one look at the source finds
    expected = [
        (record._number, record._offset, record.as_marc())
        for record in MARCReader(data)
        if is_wanted(record)
    ]
    with MARCReader(data, where=WHERE) as reader:
        found = [(record._number, record._offset, record.as_marc()) for record in reader]
    assert found == expected
    assert [one.as_marc() for one in MARCReader(data, where="number == 4000")] == [raw[3999 % 150]]
    assert list(MARCReader(data, where="999")) == []
    place = len(b"".join(raw[:70]))
    part = MARCReader(data, where=WHERE, start=place, stop=2 * place)
    whole = MARCReader(data, start=place, stop=2 * place)
    assert [one.as_marc() for one in part] == [one.as_marc() for one in whole if is_wanted(one)]
    offsets = [one._offset for one in MARCReader(data, where=f"offset >= {place}")]
    assert offsets[0] == place and len(offsets) == 4500 - 70


@pytest.mark.parametrize("mode", ["strict", "lenient", "permissive"])
def test_damage_while_reading_with_a_filter(raw: list[bytes], mode: str) -> None:
    damaged = [b"0x" + data[2:] if at % 10 == 4 else data for at, data in enumerate(raw)]
    damaged[50] = b"nothing of a record\x1d"
    data = b"".join(damaged)
    everything = list(MARCReader(data, recovery_mode=mode).iter_with_errors())
    found = list(MARCReader(data, recovery_mode=mode, where=WHERE).iter_with_errors())
    expected = [pair for pair in everything if pair[0] is None or is_wanted(pair[0])]

    def told(pairs: list[Any]) -> list[Any]:
        return [
            (record._number, record.as_marc(), [str(one) for one in record.errors])
            if record is not None
            else str(error)
            for record, error in pairs
        ]

    assert told(found) == told(expected)
    assert len(found) < len(everything)


@pytest.mark.parametrize("threads", [1, 2])
def test_counting_what_is_damaged(raw: list[bytes], threads: int) -> None:
    data = b"".join([raw[0], b"no record\x1d", raw[1], b"0x" + raw[2][2:]])
    assert count(data, threads=threads) == 2
    result = count(data, threads=threads, recovery_mode="lenient")
    assert result == len(list(MARCReader(data, recovery_mode="lenient"))) == 3
    assert (result.report.records_lost, result.report.records_salvaged) == (1, 1)
    wanted = [raw[at] for at in (0, 1, 2)]
    titles = [record["245"]["a"] for record in MARCReader(b"".join(wanted))]
    where = f"245$a == {titles[2]!r}"
    assert count(data, threads=threads, where=where) == 0
    assert count(data, threads=threads, where=where, recovery_mode="lenient") == 1


def test_filters_see_text_that_is_encoded(books: pathlib.Path) -> None:
    marc8, _ = output(books, "marc", encoding="marc-8", unmappable="ncr")
    wanted = [record.as_marc() for record in MARCReader(marc8) if "é" in str(record)]
    assert 0 < len(wanted) < 20
    found = MARCReader(marc8, where="... =~ 'é'")
    assert [record.as_marc() for record in found] == wanted
    assert output(marc8, "marc", where="... =~ 'é'")[0] == b"".join(wanted)
    with pytest.raises(ValueError, match="UTF-8 and MARC-8"):
        MARCReader(marc8, from_encoding="latin-1", where="245")


def test_filters_that_cannot_be(books: pathlib.Path) -> None:
    for call in (
        lambda: MARCReader(books, where="650$"),
        lambda: read(books, where="650$"),
        lambda: count(books, where="650$"),
    ):
        with pytest.raises(errors.PathInvalid):
            call()
    data, _ = output(books, "jsonl")
    with pytest.raises(ValueError, match="is not known here"):
        list(read(data, "jsonl", where="offset > 5"))
    # A conversion knows.
    first = len(data.splitlines()[0]) + 1
    assert json.loads(output(data, "jsonl", from_="jsonl", where=f"offset == {first}")[0])


def test_errors_are_told_instead_of_raised(raw: list[bytes]) -> None:
    data = b"".join([raw[0], b"no record\x1d", raw[2], b"0x" + raw[1][2:]])
    told: list[errors.MarcError] = []
    records = list(read(data, recovery_mode="lenient", on_error=told.append))
    assert len(records) == 3
    assert [(one.outcome, one.record_number) for one in told] == [("lost", 2), ("salvaged", 4)]
    told.clear()
    assert len(list(read(data, on_error=told.append))) == 2
    assert [one.outcome for one in told] == ["lost", "lost"]
    xml = output(raw[0] + raw[1], "marcxml")[0].replace(b"</record>", b"</recrd>", 1)
    told.clear()
    assert len(list(read(xml, "marcxml", recovery_mode="lenient", on_error=told.append))) == 1
    assert len(told) >= 1


# ---- many texts in a filter


def test_one_of_many_texts(books: pathlib.Path, raw: list[bytes]) -> None:
    numbers = [record["001"].data for record in read(books)]
    chosen = numbers[::3] + [f"none {number}" for number in range(20_000)]
    where = f"001 in ({', '.join(map(repr, chosen))})"
    assert output(books, "marc", where=where)[0] == b"".join(raw[::3])
    assert output(books, "marc", where=f"not {where}")[0] == b"".join(
        data for at, data in enumerate(raw) if at % 3
    )
    # Blanks count, here.
    assert count(books, where=f"001 in ({numbers[0].strip()!r})") == 0

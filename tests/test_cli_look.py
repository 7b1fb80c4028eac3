"""The commands that look at records and take some, by what pymarc reads in the same files."""

from __future__ import annotations

import collections
import csv
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
from typing import Any

import pytest
from command import ENVIRONMENT, Command
from marc import iso2709, split

import mrrc_ct
from mrrc_ct.cli import options as shared
from mrrc_ct.cli.progress import Progress
from mrrc_ct.cli.records import records, writer

pymarc = pytest.importorskip("pymarc", reason="pymarc says what should be found")

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def known() -> list[Any]:
    path = pathlib.Path(__file__).parent / "data" / "books.mrc"
    with path.open("rb") as file:
        return list(pymarc.MARCReader(file))


@pytest.fixture(scope="module")
def raw() -> list[bytes]:
    return split((pathlib.Path(__file__).parent / "data" / "books.mrc").read_bytes())


def values(record: Any, tag: str, code: str) -> list[str]:
    return [text for field in record.get_fields(tag) for text in field.get_subfields(code)]


def numbers(data: bytes) -> list[str]:
    """The control numbers of records in ISO 2709."""
    return [record["001"].data for record in pymarc.MARCReader(data)]


# ---- print


def test_print_shows_some_fields(command: Command, books: pathlib.Path, known: list[Any]) -> None:
    result = command("print", books, "--tag", "LDR,245,6XX,700-710")
    assert (result.status, result.err) == (0, "")
    shown = result.out.decode().split("\n\n")
    assert shown.pop() == ""
    assert len(shown) == len(known)
    for text, record in zip(shown, known):
        tags = [
            field.tag
            for field in record
            if field.tag == "245" or field.tag[0] == "6" or "700" <= field.tag <= "710"
        ]
        lines = text.split("\n")
        assert [line[:6] for line in lines] == ["=LDR  ", *(f"={tag}  " for tag in tags)]
        assert lines[0][6:] == str(record.leader)
    # Records without any leave nothing behind.
    with_880 = sum("880" in record for record in known)
    both = command("print", books, "--tag", "880").out.decode()
    assert both.count("\n\n") == with_880
    assert command("print", books, "--tag", "24").status == 2
    assert command("print", books, "--tag", "A00-B99").status == 2


def test_print_writes_pieces_of_any_size(command: Command, tmp_path: pathlib.Path) -> None:
    """Each call of the core gives some records: between two such pieces nothing is different."""
    record = iso2709(("001", "1"), ("245", "00$a" + "x" * 5000), ("500", "  $ay"))
    path = tmp_path / "many.mrc"
    path.write_bytes(record * 400)
    whole = command("print", path).out
    assert len(whole) > 2_000_000
    lines = [line for line in whole.split(b"\n") if line[:4] in (b"", b"=500")]
    assert command("print", path, "--tag", "500").out == b"\n".join(lines)


def test_print_in_colours_only_where_somebody_sees_them(
    command: Command, books: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain = command("print", books).out
    assert b"\x1b" not in plain
    shown = command("print", books, terminal=("stdout",)).out
    assert shown == command("print", books, "--color", "always").out
    assert shown.count(b"\x1b[") > 10_000
    assert ANSI.sub("", shown.decode()) == plain.decode()
    assert command("print", books, "--color", "never", terminal=("stdout",)).out == plain
    monkeypatch.setenv("TERM", "dumb")
    assert command("print", books, terminal=("stdout",)).out == plain
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert command("print", books, terminal=("stdout",)).out == plain


# ---- head, sample, concat


def test_head_is_the_first_records_as_they_are(
    command: Command, books: pathlib.Path, raw: list[bytes], known: list[Any]
) -> None:
    assert command("head", books).out == b"".join(raw[:10])
    assert command("head", "-7", books).out == b"".join(raw[:7])
    assert command("head", "-7", "--", books).out == b"".join(raw[:7])
    assert "-7: cannot open" in command("head", "--", "-7", books).err
    assert command("sample", "-7", books).out.count(b"\x1d") == 7
    assert command("head", "-n", 0, books).out == b""
    assert command("head", "-n", 1000, books).out == b"".join(raw)
    assert command("head", "-n", 153, books, books).out == b"".join(raw + raw[:3])
    assert command("head", "-n", 3, "-", stdin=b"".join(raw)).out == b"".join(raw[:3])
    wanted = [data for data, record in zip(raw, known) if "650" not in record]
    assert command("head", "-n", 4, "--where", "not 650", books).out == b"".join(wanted[:4])
    xml = command("head", "-n", 2, books, "--to", "marcxml").out
    assert len(pymarc.parse_xml_to_array(io.BytesIO(xml))) == 2
    assert json.loads(command("head", "-n", 0, books, "--to", "json").out) == []
    assert command("head", "-n", "-1", books).status == 2


def test_head_on_a_terminal_is_text(command: Command, books: pathlib.Path) -> None:
    shown = command("head", "-n", 2, books, terminal=("stdout",)).out.decode()
    assert ANSI.sub("", shown).encode() == command("print", "-n", 2, books).out


@pytest.mark.parametrize("to", ["marc", "marcxml", "jsonl", "mrk"])
def test_sample_takes_records_in_their_order(
    command: Command, books: pathlib.Path, tmp_path: pathlib.Path, raw: list[bytes], to: str
) -> None:
    source = tmp_path / f"books.{to}"
    mrrc_ct.convert(books, source, to)
    taken = command("sample", "-n", 20, "--seed", 7, source, "--from", to, "--to", "marc").out
    places = [raw.index(record) for record in split(taken)]
    assert len(places) == 20 and places == sorted(set(places))
    # Whatever the format, the same are chosen, and others with another seed.
    assert command("sample", "-n", 20, "--seed", 7, books).out == taken
    assert command("sample", "-n", 20, "--seed", 8, books).out != taken
    assert command("sample", "-n", 20, "--seed", 7, "--threads", 2, books).out == taken


def test_sample_of_more_than_there_are_is_all(
    command: Command, books: pathlib.Path, raw: list[bytes], known: list[Any]
) -> None:
    assert command("sample", "-n", 150, books).out == b"".join(raw)
    assert command("sample", "-n", 1000, books).out == b"".join(raw)
    assert command("sample", "-n", 0, books).out == b""
    wanted = [data for data, record in zip(raw, known) if "650" not in record]
    assert command("sample", "-n", 150, "--where", "not 650", books).out == b"".join(wanted)
    assert command("sample", "-n", 3, books, "--encoding", "utf-9").status == 2


@pytest.mark.parametrize(("number", "total"), [(1, 10), (5, 20), (10, 11)])
def test_each_record_is_as_likely_as_any_other(number: int, total: int) -> None:
    from mrrc_ct._sample import Reservoir

    rounds = 6000
    counts: collections.Counter[int] = collections.Counter()
    pairs: collections.Counter[tuple[int, int]] = collections.Counter()
    for seed in range(rounds):
        reservoir = Reservoir(number, seed)
        for place in range(total):
            if place == reservoir.next:
                reservoir.take(str(place).encode())
        chosen = sorted(place for place, _ in reservoir.items)
        assert len(set(chosen)) == number
        counts.update(chosen)
        pairs.update(zip(chosen, chosen[1:]))
    expected = rounds * number / total
    deviation = (expected * (1 - number / total)) ** 0.5
    for place in range(total):
        assert abs(counts[place] - expected) < 5 * deviation + 1, (place, counts[place], expected)


def test_concat_joins_files_of_any_format(
    command: Command, books: pathlib.Path, tmp_path: pathlib.Path, raw: list[bytes]
) -> None:
    names = [tmp_path / name for name in ("a.xml.gz", "b.jsonl", "c.mrk", "d.json")]
    for name in names:
        mrrc_ct.convert(books, name)
    result = command("concat", books, *names, "-o", tmp_path / "all.mrc")
    assert (result.status, result.out) == (0, b"")
    assert "750 records read, 750 written" in result.err
    assert (tmp_path / "all.mrc").read_bytes() == b"".join(raw) * 5
    result = command("concat", *names, "-o", tmp_path / "all.xml", "-q")
    assert (result.status, result.out, result.err) == (0, b"", "")
    assert len(pymarc.parse_xml_to_array(str(tmp_path / "all.xml"))) == 600
    # The first one's format, unless told.
    assert json.loads(command("concat", names[3], books).out.decode())[299]["leader"]
    result = command("concat", books, tmp_path / "all.mrc", "-o", tmp_path / "all.mrc")
    assert result.status == 2 and "are the same file" in result.err


# ---- filter


@pytest.mark.parametrize("threads", [1, 2])
def test_filter_writes_what_is_wanted_as_it_is(
    command: Command, books: pathlib.Path, raw: list[bytes], known: list[Any], threads: int
) -> None:
    is_wanted = [
        any("Fiction" in text for text in values(record, "650", "v")) or "856" in record
        for record in known
    ]
    assert 5 < sum(is_wanted) < 145
    where = "650$v =~ 'Fiction' or 856"
    result = command("filter", "--where", where, books, "--threads", threads)
    assert (result.status, result.err) == (0, "")
    assert result.out == b"".join(data for data, one in zip(raw, is_wanted) if one)
    result = command("filter", "-v", "--where", where, books, "--threads", threads)
    assert result.out == b"".join(data for data, one in zip(raw, is_wanted) if not one)


def test_filter_by_a_list_of_numbers(
    command: Command,
    books: pathlib.Path,
    tmp_path: pathlib.Path,
    raw: list[bytes],
    known: list[Any],
) -> None:
    chosen = [3, 40, 41, 149]
    ids = [known[place]["001"].data for place in chosen]
    # As a spreadsheet may write them: a byte order mark, line ends of DOS, blanks, empty lines.
    lines = "\ufeff" + "\r\n".join([ids[2], "", ids[0].strip(), f"  {ids[3]} ", ids[1], "none"])
    (tmp_path / "ids.txt").write_bytes(lines.encode())
    result = command("filter", "--ids", tmp_path / "ids.txt", books)
    assert result.out == b"".join(raw[place] for place in chosen)
    result = command("filter", "--ids", tmp_path / "ids.txt", "-v", books)
    assert result.out == b"".join(data for at, data in enumerate(raw) if at not in chosen)
    result = command(
        "filter", "--ids", "-", "--where", f"001 != '{ids[0]}'", books, stdin=lines.encode()
    )
    assert result.out == b"".join(raw[place] for place in chosen[1:])


def test_filter_by_a_list_at_other_places(
    command: Command, books: pathlib.Path, raw: list[bytes], known: list[Any]
) -> None:
    ids = {values(record, "020", "a")[-1] for record in known if values(record, "020", "a")}
    ids = {one for one in ids if known} | {values(known[0], "035", "a")[0]}
    expected = [
        data
        for data, record in zip(raw, known)
        if ids & {*values(record, "020", "a"), *values(record, "035", "a")}
    ]
    assert 50 < len(expected) < 150
    text = "\n".join(sorted(ids)).encode()
    result = command("filter", "--ids", "-", "--key", "020$a, 035$a", books, stdin=text)
    assert result.out == b"".join(expected)
    assert command("filter", books).status == 2
    result = command("filter", "--ids", "-", books, stdin=b"\xff\xfe")
    assert result.err.startswith("mrrc-ct: -: this is no text in UTF-8: ")
    assert "65,535" in command("filter", "--ids", "-", books, stdin=b"a" * 70_000).err
    assert command("filter", "--ids", "-", books, stdin=b"\n").out == b""
    assert command("filter", "-v", "--ids", "-", books).out == b"".join(raw)
    assert command("filter", "--ids", "no.txt", books).err == (
        "mrrc-ct: no.txt: cannot read: No such file or directory\n"
    )


def isbns_10(record: Any) -> list[str]:
    """The valid ones of a record."""
    found = [text[:10] for text in values(record, "020", "a") if re.match(r"\d{9}[\dX]\b", text)]
    weighed = {
        one: sum((10 - at) * "0123456789X".index(digit) for at, digit in enumerate(one))
        for one in found
    }
    return [one for one in found if weighed[one] % 11 == 0]


def isbn_13(text: str) -> str:
    """The other way to write an ISBN-10."""
    digits = "978" + text[:9]
    total = sum(int(one) * (1, 3)[at % 2] for at, one in enumerate(digits))
    return f"{digits[:3]}-{digits[3:4]}-{digits[4:12]}-{-total % 10}"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("form", ["marc", "marcxml", "stdin", "fifo", "both"])
def test_filter_by_identifiers_however_they_are_written(
    command: Command,
    books: pathlib.Path,
    tmp_path: pathlib.Path,
    raw: list[bytes],
    known: list[Any],
    form: str,
    threads: int,
) -> None:
    chosen = [at for at, one in enumerate(known) if isbns_10(one)][::5]
    ids = [isbn_13(isbns_10(known[at])[-1]) for at in chosen]
    assert len(chosen) > 20
    # The same in 020 of another record would be found, too.
    expected = [
        data
        for data, record in zip(raw, known)
        if {*map(isbn_13, isbns_10(record))} & {*ids} or record is known[1]
    ]
    lines = "\n".join([*ids, "ocm0009220497"]).encode()
    (tmp_path / "ids.txt").write_bytes(lines)
    arguments = ["filter", "--ids", tmp_path / "ids.txt", "--key", "020$a,035$a", "--to", "marc"]
    arguments += ["--threads", threads]
    source: Any = books
    if form == "marcxml":
        source = tmp_path / "books.xml"
        mrrc_ct.convert(books, source)
    if form == "fifo":
        if not hasattr(os, "mkfifo"):
            pytest.skip("this system has no FIFOs")
        source = tmp_path / "fifo"
        os.mkfifo(source)
        threading.Thread(target=source.write_bytes, args=(books.read_bytes(),)).start()
    if form == "stdin":
        result = command(*arguments, "-", stdin=books.read_bytes())
        others = command(*arguments, "-v", stdin=books.read_bytes())
    elif form == "both":
        result = command(*arguments, "-", books, stdin=books.read_bytes())
        others = command(*arguments, "-v", books, "-", stdin=books.read_bytes())
        expected = expected * 2
    else:
        result = command(*arguments, source)
        others = command(*arguments, "-v", books)
    assert (result.status, result.err) == (0, "")
    assert split(result.out) == expected
    wanted = set(expected)
    assert split(others.out) == [one for one in raw if one not in wanted] * (1 + (form == "both"))


def test_filter_by_text_that_is_composed_or_not(command: Command, tmp_path: pathlib.Path) -> None:
    texts = ("Bo\u0308ll", "Böll ", "Boll")
    records = [iso2709(("001", "1"), ("100", f"1 $a{text}")) for text in texts]
    path = tmp_path / "a.mrc"
    path.write_bytes(b"".join(records))
    for text in ("Böll", " Bo\u0308ll"):
        result = command("filter", "--ids", "-", "--key", "100$a", path, stdin=text.encode())
        assert result.out == b"".join(records[:2])
    result = command("filter", "--ids", "-", "--key", "leader[6]", path, stdin=b"a")
    assert result.out == b"".join(records)
    assert command("filter", "--ids", "-", "--key", "number", path, stdin=b"1").status == 2


# ---- grep


def field_values(record: Any, tags: str) -> list[str]:
    return [field.value() for field in record if re.fullmatch(tags, field.tag)]


@pytest.mark.parametrize(
    ("options", "pattern", "tags", "flags"),
    [
        ([], "England", "...", 0),
        (["--tag", "245,6XX"], "[Hh]istory", "245|6..", 0),
        (["-i", "--tag", "6XX"], "HISTORY", "6..", re.IGNORECASE),
        (["--tag", "600-651"], "History", "6[0-4].|65[01]", 0),
        (["--tag", "2xx,5XX"], "by", "2..|5..", 0),
        (["--tag", "100,700"], r"^[A-Z]\w+, .*\d{4}-$", "100|700", 0),
        (["--tag", "008"], "eng", "008", 0),
    ],
)
def test_grep_finds_what_pythons_expressions_find(
    command: Command,
    books: pathlib.Path,
    raw: list[bytes],
    known: list[Any],
    options: list[str],
    pattern: str,
    tags: str,
    flags: int,
) -> None:
    found = [
        [text for text in field_values(record, tags) if re.search(pattern, text, flags)]
        for record in known
    ]
    hits = [place for place, texts in enumerate(found) if texts]
    assert hits
    result = command("grep", pattern, books, *options, "--to", "marc")
    assert (result.status, result.out) == (0, b"".join(raw[place] for place in hits))
    others = [data for place, data in enumerate(raw) if place not in hits]
    assert command("grep", "-v", pattern, books, *options, "--to", "marc").out == b"".join(others)
    assert command("grep", "-c", pattern, books, *options).lines == [str(len(hits))]
    # Fields, each with its record's number and control number.
    rows = [
        line.split("\t")
        for line in command("grep", "--only-matching", pattern, books, *options).lines
    ]
    assert [(int(row[0]) - 1, row[1]) for row in rows] == [
        (place, known[place]["001"].data.strip()) for place in hits for _ in found[place]
    ]
    for place in hits:
        shown = [row[2] for row in rows if int(row[0]) == place + 1]
        lines = [
            str(field)
            for field in known[place]
            if re.fullmatch(tags, field.tag) and re.search(pattern, field.value(), flags)
        ]
        plain = [
            line.replace("{dollar}", "$").replace("{lcub}", "{").replace("{rcub}", "}")
            for line in shown
        ]
        assert plain == lines
    # Whole records, for reading.
    text = command("grep", pattern, books, *options).out.decode()
    assert re.findall(r"^record (\d+), 001 (\d+)$", text, re.M) == [
        (str(place + 1), known[place]["001"].data.strip()) for place in hits
    ]


def test_grep_that_finds_nothing_has_status_1(command: Command, books: pathlib.Path) -> None:
    for options in ([], ["-c"], ["--only-matching"], ["--to", "marc"]):
        result = command("grep", "no such thing", books, *options)
        assert (result.status, result.out) == (1, b"0\n" if "-c" in options else b"")
    assert command("grep", "-v", ".", books).status == 1


def test_grep_names_the_files_where_there_are_several(
    command: Command, books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    other = tmp_path / "other.xml"
    mrrc_ct.convert(books, other)
    lines = command("grep", "--only-matching", "Botany", "--tag", "650", books, other).lines
    assert [line.split("\t")[0] for line in lines] == [f"{books}:1", f"{other}:1"]


def test_grep_marks_what_it_found(command: Command, books: pathlib.Path) -> None:
    out = command("grep", "Botany", books, "--color", "always").out.decode()
    assert "\x1b[1;31mBotany\x1b[0m, Medical." in out
    assert ANSI.sub("", out) == command("grep", "Botany", books).out.decode()


def test_what_grep_cannot_look_for(command: Command, books: pathlib.Path) -> None:
    result = command("grep", "a(b", books)
    assert result.status == 2
    assert result.err.splitlines()[-2:] == ["  a(b", "   ^"]
    assert "fields" in command("grep", "a", books, "--tag", "leader").err
    for tags in ("24", "6XX-7XX", "100-", "245,"):
        assert command("grep", "a", books, "--tag", tags).status == 2
    assert "65,535 are the most" in command("grep", "a" * 70_000, books).err
    assert "surrogate" in command("grep", "a\udcff", books).err
    assert command("grep", "-c", "--", "-1", books).status == 0
    assert command("grep", "a", books, "--only-matching", "-v").status == 2


# ---- select


COLUMNS = ["id=001", "title=245$a", "subjects=650$a", "year=008[7:11]:int", "650:count"]


def expected_rows(known: list[Any]) -> list[dict[str, Any]]:
    def year(record: Any) -> int | None:
        text = record["008"].data[7:11]
        return int(text) if text.strip().isdigit() else None

    return [
        {
            "id": record["001"].data,
            "title": (values(record, "245", "a") or [None])[0],
            "subjects": values(record, "650", "a"),
            "year": year(record),
            "650": len(record.get_fields("650")),
        }
        for record in known
    ]


def test_select_writes_json_lines_and_csv(
    command: Command, books: pathlib.Path, tmp_path: pathlib.Path, known: list[Any]
) -> None:
    rows = expected_rows(known)
    out = command("select", *COLUMNS, books, "--to", "jsonl").out
    assert [json.loads(line) for line in out.splitlines()] == rows

    def flat(delimiter: str) -> list[list[str]]:
        return [
            [
                "" if one is None else delimiter.join(one) if isinstance(one, list) else str(one)
                for one in row.values()
            ]
            for row in rows
        ]

    for options, separator, delimiter in (
        ([], ",", "; "),
        (["--to", "tsv"], "\t", "; "),
        (["--delimiter", "|"], ",", "|"),
    ):
        out = command("select", *COLUMNS, *options, books).out
        head, *found = csv.reader(io.StringIO(out.decode(), newline=""), delimiter=separator)
        assert head == ["id", "title", "subjects", "year", "650"]
        assert found == flat(delimiter)
    result = command("select", ",".join(COLUMNS), books, books, "-o", tmp_path / "a.tsv", "-n", 155)
    lines = (tmp_path / "a.tsv").read_text().splitlines()
    assert len(lines) == 156 and lines[151].split("\t")[0] == rows[0]["id"]
    assert "155 records read" in result.err


def test_select_writes_parquet(
    command: Command, books: pathlib.Path, tmp_path: pathlib.Path, known: list[Any]
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    assert command("select", *COLUMNS, books, "-o", tmp_path / "a.parquet").status == 0
    assert parquet.read_table(tmp_path / "a.parquet").to_pylist() == expected_rows(known)
    assert "-o FILE" in command("select", *COLUMNS, books, "--to", "parquet").err


def test_select_draws_a_table_on_a_terminal(
    command: Command, books: pathlib.Path, monkeypatch: pytest.MonkeyPatch, known: list[Any]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    lines = command(
        "select", "001", "title=245$a", "n=650:count", books, terminal=("stdout",)
    ).lines
    assert lines[0].split() == ["001", "title", "n"]
    assert set(lines[1]) == {"─", " "}
    assert len(lines) == 152 and max(map(len, lines)) <= 60
    for line, record in zip(lines[2:], known):
        assert line.split()[0] == record["001"].data.strip()
        assert line.split()[-1] == str(len(record.get_fields("650")))
        title = re.sub(r"^.{14}(.*?)…?\s+\d+$", r"\1", line)
        assert values(record, "245", "a")[0].startswith(title)


def test_files_and_paths_are_told_apart(
    command: Command, books: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a1.mrc", "a2.mrc"):
        (tmp_path / name).write_bytes(books.read_bytes())
    # A pattern that no shell has seen to; options between.
    result = command("select", "001", "a*.mrc", "--to", "jsonl", "650[_0]$a")
    assert len(result.lines) == 300
    assert list(json.loads(result.lines[0])) == ["001", "650[_0]$a"]
    assert command("select", "001", "b.mrc").err == (
        "mrrc-ct: b.mrc: cannot open: No such file or directory\n"
    )
    assert "say which columns" in command("select", "a1.mrc").err
    assert "24" in command("select", "24$a", "a1.mrc").err
    assert len(command("select", "001", stdin=books.read_bytes()).lines) == 151
    assert "say what to read" in command("select", "001", terminal=("stdin",)).err


# ---- frequency, describe


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("by_record", [False, True])
def test_frequency_counts_values(
    command: Command, books: pathlib.Path, known: list[Any], threads: int, by_record: bool
) -> None:
    counts: collections.Counter[str] = collections.Counter()
    for record in known:
        found = values(record, "650", "a") + values(record, "650", "x")
        counts.update(set(found) if by_record else found)
    expected = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    options = ["--by-record"] if by_record else []
    # One code after the other, each a value: alternatives would be one or the other.
    both = mrrc_ct.frequency(str(books), "650$a", by_record=by_record, threads=threads)
    assert sum(both["650$a"].values()) <= sum(counts.values())
    result = command("frequency", "650$a", "650$x", books, *options, "--threads", threads)
    rows = [line.split("\t") for line in result.lines]
    assert rows[0] == ["path", "value", "count"]
    merged: collections.Counter[str] = collections.Counter()
    for path, value, count in rows[1:]:
        assert path in ("650$a", "650$x")
        merged[value] += int(count)
    if not by_record:
        assert sorted(merged.items(), key=lambda pair: (-pair[1], pair[0])) == expected


def test_frequency_is_sorted_and_cut(
    command: Command, books: pathlib.Path, known: list[Any], tmp_path: pathlib.Path
) -> None:
    counts = collections.Counter(text for one in known for text in values(one, "650", "a"))
    expected = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    lines = command("frequency", "650$a", books).lines
    assert lines == ["value\tcount", *(f"{value}\t{count}" for value, count in expected)]
    assert command("frequency", "650$a", books, "-n", 7).lines == lines[:8]
    out = command("frequency", "650$a", books, "-n", 7, "--to", "jsonl").lines
    assert [json.loads(one) for one in out] == [
        {"value": value, "count": count} for value, count in expected[:7]
    ]
    command("frequency", "650$a", books, books, "-o", tmp_path / "a.csv")
    with open(tmp_path / "a.csv", newline="") as file:
        assert list(csv.reader(file))[1:] == [[one, str(2 * count)] for one, count in expected]


@pytest.mark.parametrize("form", ["tsv", "csv"])
def test_values_with_line_ends_stay_in_their_place(
    command: Command, tmp_path: pathlib.Path, form: str
) -> None:
    texts = ["a\rb", "a\nb", 'a"b', "a\tb", "a,b", "ä"]
    path = tmp_path / "a.mrc"
    path.write_bytes(b"".join(iso2709(("001", text)) for text in texts))
    out = command("frequency", "001", path, "--to", form).out.decode()
    delimiter = "\t" if form == "tsv" else ","
    found = list(csv.reader(io.StringIO(out, newline=""), delimiter=delimiter))
    assert found[1:] == [[text, "1"] for text in sorted(texts)]
    assert out.endswith("1\n" if form == "tsv" else "1\r\n")
    assert ("\r\n" in out) is (form == "csv")


def test_frequency_of_control_fields_the_leader_and_counts(
    command: Command, books: pathlib.Path, known: list[Any]
) -> None:
    found = mrrc_ct.frequency(books, ["008[35:38]", "leader[5:7]", "650:count", "020$a:first"])
    assert found["008[35:38]"] == collections.Counter(one["008"].data[35:38] for one in known)
    assert found["leader[5:7]"] == collections.Counter(str(one.leader)[5:7] for one in known)
    assert found["650"] == collections.Counter(str(len(one.get_fields("650"))) for one in known)
    assert found["020$a"] == collections.Counter(
        values(one, "020", "a")[0] for one in known if values(one, "020", "a")
    )
    assert found.report.records_read == 150
    assert "different in each record" in command("frequency", "number", books).err


def test_frequency_keeps_empty_values_and_terminators_apart() -> None:
    record = iso2709(("001", "1"), ("650", " 0$a$a$ab"), ("650", " 0$a"))
    found = mrrc_ct.frequency(record * 3, "650$a")
    assert found["650$a"] == {"": 9, "b": 3}
    found = mrrc_ct.frequency(record * 3, "650$a", by_record=True)
    assert found["650$a"] == {"": 3, "b": 3}
    source = b'{"leader":"00000nam a2200000   4500","fields":[{"650":{"ind1":" ","ind2":" ","subfields":[{"a":"x\\u001ey"}]}}]}'
    assert sum(mrrc_ct.frequency(source, "650$a")["650$a"].values()) <= 1


def test_describe_counts_tags_and_subfields(
    command: Command, books: pathlib.Path, known: list[Any], tmp_path: pathlib.Path
) -> None:
    records: collections.Counter[str] = collections.Counter()
    fields: collections.Counter[str] = collections.Counter()
    for record in known:
        found = [field.tag for field in record]
        found += [
            f"{field.tag}${one.code}"
            for field in record
            if not field.is_control_field()
            for one in field.subfields
        ]
        fields.update(found)
        records.update(set(found))
    command("describe", books, "-o", tmp_path / "a.jsonl", "-q")
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    paths = [f"{row['tag']}${row['code']}" if row["code"] else row["tag"] for row in rows]
    assert paths == sorted(fields)
    for path, row in zip(paths, rows):
        assert (row["records"], row["count"]) == (records[path], fields[path])
        assert row["share"] == round(records[path] / 150, 4)
    table = command("describe", books).lines
    assert len(table) == len(rows) + 2
    assert table[2].split()[:4] == ["001", "150", "100.0%", "150"]
    found = list(csv.reader(io.StringIO(command("describe", books, "--to", "csv").out.decode())))
    assert [row[:2] for row in found[1:]] == [[row["tag"], row["code"]] for row in rows]


# ---- what they share


def test_a_summary_where_it_does_not_disturb(
    command: Command, books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / "a.mrc"
    said = "mrrc-ct: 150 records read, 100 left out, 50 written"
    arguments = ("filter", "--where", "number <= 50", books)
    assert command(*arguments, "-o", target).err.startswith(said)
    assert command(*arguments, "-o", target, "-q").err == ""
    assert command(*arguments).err == ""
    assert command(*arguments, terminal=("stderr",)).err.startswith(said)
    # Not into what somebody reads.
    assert command(*arguments, terminal=("stdout", "stderr")).err == ""
    assert command("print", books, terminal=("stderr",)).err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["print"],
        ["head", "-n", "300"],
        ["sample", "-n", "150", "--seed", "1"],
        ["concat"],
        ["filter", "--where", "001"],
        ["select", "001"],
        ["describe"],
        ["frequency", "001"],
        ["grep", "."],
        ["grep", "--only-matching", ".", "--tag", "001"],
        ["grep", "-c", "."],
        ["convert", "--to", "jsonl"],
        ["count"],
    ],
    ids=" ".join,
)
def test_damage_is_listed_with_its_file_and_has_status_1(
    command: Command,
    books: pathlib.Path,
    tmp_path: pathlib.Path,
    raw: list[bytes],
    arguments: list[str],
) -> None:
    path = tmp_path / "damaged.mrc"
    path.write_bytes(b"".join([*raw[:10], b"0x" + raw[10][2:], *raw[11:]]))
    result = command(*arguments, books, path)
    assert result.status == 1
    place = f"{path}: record 11, byte {len(b''.join(raw[:10]))}"
    lines = result.err.splitlines()
    assert [line for line in lines if place in line], result.err
    assert lines[-1].startswith("mrrc-ct: 300 records read") or arguments[0] == "count"
    assert books.name + ":" not in result.err
    quiet = command(*arguments, "-q", books, path)
    assert (quiet.status, quiet.out) == (1, result.out)
    assert len(quiet.err.splitlines()) == len(lines) - 1


def test_the_summary_comes_behind_the_output(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Where both go to the same pipe, as in a log."""
    other = tmp_path / "other.mrc"
    other.write_bytes(books.read_bytes()[720:])
    environment = {name: value for name, value in ENVIRONMENT.items() if "UNBUFFERED" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "mrrc_ct", "diff", books, other],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    lines = done.stdout.decode().splitlines()
    assert [line for line in lines if line.startswith("mrrc-ct:")] == lines[-1:]
    assert "only in" in lines[-1] and len(lines) > 10


def test_progress_is_a_line_on_a_terminal(
    command: Command, books: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Progress, "EVERY_SECONDS", 0)
    arguments = ("convert", books, books, "-o", tmp_path / "a.xml")
    err = command(*arguments, terminal=("stderr",)).err
    *shown, last = err.replace("\r", "\n").splitlines()
    steps = [
        re.match(r" *(\d+) %, ([\d,]+) records, [\d,]+ a second, \d+ s left", one) for one in shown
    ]
    shares = [(int(one[1]), int(one[2])) for one in steps if one]
    assert len(shares) >= 2 and shares == sorted(shares) and shares[-1] == (100, 300)
    assert last.startswith("mrrc-ct: 300 records read, 300 written, ")
    # Nothing of it is left before the summary, or an error.
    assert err.rsplit("\r", 2)[1].strip() == ""
    assert "\r" not in command(*arguments).err
    assert command(*arguments, "-q", terminal=("stderr",)).err == ""
    assert "%" not in command("print", books, terminal=("stdout", "stderr")).err


@pytest.mark.parametrize("to", ["marc", "marcxml", "json", "mrk"])
def test_commands_that_work_record_by_record(
    books: pathlib.Path,
    tmp_path: pathlib.Path,
    raw: list[bytes],
    to: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What such commands are made of: records in, records out."""
    parser = shared.Parser("none", "", [])
    shared.add_inputs(parser)
    shared.add_where(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)
    source, target = tmp_path / "source.mrc", tmp_path / "target"
    # Record 6 is none, record 12 damaged.
    junk, damaged = b"no record\x1d", b"0x" + raw[10][2:]
    source.write_bytes(b"".join([*raw[:5], junk, *raw[5:10], damaged, *raw[11:]]))
    target.write_bytes(b"old")
    words = [str(source), str(books), "--where", "number > 5", "-o", str(target), "--to", to]
    options = parser.parse_intermixed_args(words)
    with Progress(options) as progress:
        found = records(options, progress)
        with writer(options, progress, found) as output:
            for number, record in enumerate(found):
                # What ISO 2709 has no room for, and XML no character.
                record["245"]["a"] = "\x01" + 10_000 * "x" if number == 8 else "changed"
                output.write(record)
            assert target.read_bytes() == b"old"
    lost = 1 + (to in ("marc", "marcxml"))
    assert (progress.read, progress.left_out, progress.salvaged) == (300, 10, 1)
    assert (progress.lost, progress.written) == (lost, 291 - lost)
    assert progress.status == 1
    texts = [one["245"]["a"] for one in mrrc_ct.read(target, to)]
    assert texts.count("changed") == 289 and len(texts) == progress.written
    said = [line.split(": ")[1:3] for line in capsys.readouterr().err.splitlines()]
    assert said[:2] == [["lost", str(source)], ["salvaged", str(source)]]
    assert len(said) == 2 + lost
    assert said[-1][0].startswith("300 records read, 10 left out, 1 salvaged")


@pytest.mark.skipif(os.name != "posix", reason="a shell of POSIX")
@pytest.mark.parametrize(
    "arguments",
    [
        "head -n 150",
        "sample -n 150",
        "concat",
        "filter --where 001",
        "select 001 245",
        "grep .",
        "grep --only-matching .",
        "frequency 245",
        "describe",
        "print --tag 245",
        "print --color always",
    ],
)
def test_a_closed_pipe_is_a_quiet_end(
    books: pathlib.Path, tmp_path: pathlib.Path, arguments: str
) -> None:
    path = tmp_path / "many.mrc"
    path.write_bytes(books.read_bytes() * 20)  # more than a pipe holds
    done = subprocess.run(
        [
            "bash",
            "-o",
            "pipefail",
            "-c",
            f"{sys.executable} -m mrrc_ct {arguments} {path} | head -c 5",
        ],
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout) == 5

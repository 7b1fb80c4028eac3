"""The commands that take a key: sort, dedup, merge and diff."""

from __future__ import annotations

import json
import os
import pathlib
import random
import re
import subprocess
import sys

import pytest
from marc import iso2709, split

from mrrc_ct import cli


def run(*arguments: object, stdin: bytes = b"") -> tuple[int, bytes, str]:
    done = subprocess.run(
        [sys.executable, "-m", "mrrc_ct", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


def record(number: int, *fields: tuple[str, str]) -> bytes:
    return iso2709(("001", str(number)), *fields)


@pytest.fixture
def files(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A folder to be in, with two files."""
    monkeypatch.chdir(tmp_path)
    first = [record(1, ("245", "00$aA")), record(2, ("245", "00$aB")), record(3)]
    second = [record(3), record(2, ("245", "00$aC"), ("590", "  $aN")), record(4), record(4)]
    (tmp_path / "a.mrc").write_bytes(b"".join(first))
    (tmp_path / "b.mrc").write_bytes(b"".join(second))
    return tmp_path


def test_sort(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    records = split(books.read_bytes())
    random.Random(1).shuffle(records)
    status, out, err = run("sort", "-", stdin=b"".join(records))
    assert (status, out, err) == (0, books.read_bytes(), "")
    target = tmp_path / "out.mrc"
    options = ("--key", "001", "--numeric", "--reverse", "--keep", "last", "--memory", "32M")
    status, out, err = run("sort", books, books, *options, "--temporary", tmp_path, "-o", target)
    assert (status, out) == (0, b"")
    assert split(target.read_bytes()) == split(books.read_bytes())[::-1]
    assert err.startswith("mrrc-ct: 300 records read, 150 left out, 150 written, ")


def test_dedup(files: pathlib.Path) -> None:
    status, out, err = run(
        "dedup", "a.mrc", "b.mrc", "--keep", "last", "--duplicates", "d.xml", "-o", "o.mrc"
    )
    assert (status, out) == (0, b"")
    assert err.startswith("mrrc-ct: 7 records read, 3 duplicates of 3 taken out, 4 written, ")
    second = split((files / "b.mrc").read_bytes())
    assert split((files / "o.mrc").read_bytes()) == [
        record(1, ("245", "00$aA")),
        second[0],
        second[1],
        second[3],
    ]
    assert (files / "d.xml").read_bytes().count(b"</record>") == 3


def test_merge(files: pathlib.Path) -> None:
    status, out, err = run("merge", "a.mrc", "b.mrc", "--protect", "245, 6XX", "--to", "mrk")
    assert (status, err) == (0, "")
    assert [line for line in out.decode().splitlines() if line[1:4] in ("001", "245", "590")] == [
        "=001  1",
        "=245  00$aA",
        "=001  2",
        "=245  00$aB",
        r"=590  \\$aN",
        "=001  3",
        "=001  4",
    ]
    status, out, err = run("merge", "a.mrc", "b.mrc", "--add", "59X", "--new", "drop", "--dry-run")
    assert status == 0 and err == ""
    assert out.decode().startswith(
        "7 records read, 2 matched, 1 changed, 1 new, 1 of them left out, 1 duplicate updates left out, "
    )
    assert sorted(os.listdir(files)) == ["a.mrc", "b.mrc"]


def test_diff(files: pathlib.Path) -> None:
    status, out, err = run("diff", "a.mrc", "b.mrc")
    assert status == 1
    assert err.startswith("mrrc-ct: 1 the same, 1 changed, 1 only in a.mrc, 2 only in b.mrc, ")
    text = out.decode()
    assert text.startswith("--- a.mrc\n+++ b.mrc\n\n@@ -1 @@ 001 1\n-=LDR  00000nam")
    assert "\n@@ -2 +2 @@ 001 2\n-=245  00$aB\n+=245  00$aC\n+=590  \\\\$aN\n\n" in text
    status, out, err = run("diff", "b.mrc", "b.mrc", "--ignore", "005")
    assert (status, out, err) == (0, b"", "")
    status, out, err = run("diff", "a.mrc", "b.mrc", "--brief", "-q")
    assert (status, err) == (1, "")
    assert out.decode().splitlines() == [
        "only in A: 001 1 (A 1)",
        "changed: 001 2 (A 2, B 2)",
        "only in B: 001 4 (B 3)",
        "only in B: 001 4 (B 4)",
    ]


def test_diff_as_json(files: pathlib.Path) -> None:
    status, out, _ = run(
        "diff", "-", "b.mrc", "--format", "jsonl", stdin=(files / "a.mrc").read_bytes()
    )
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 1 and [line["kind"] for line in lines] == [
        "removed",
        "changed",
        "added",
        "added",
    ]
    assert lines[1]["removed"] == [{"245": {"ind1": "0", "ind2": "0", "subfields": [{"a": "B"}]}}]
    _, out, _ = run("diff", "a.mrc", "b.mrc", "--format", "jsonl", "--brief")
    assert json.loads(out.splitlines()[1]) == {
        "kind": "changed",
        "key": "001 2",
        "first": 2,
        "second": 2,
    }


@pytest.mark.usefixtures("files")
def test_diff_with_colours() -> None:
    _, plain, _ = run("diff", "a.mrc", "b.mrc")
    _, out, _ = run("diff", "a.mrc", "b.mrc", "--color", "always")
    assert re.sub(rb"\x1b\[\d*m", b"", out) == plain
    assert b"\x1b[31m-=245  00$aB\x1b[0m\n\x1b[32m+=245  00$aC\x1b[0m\n" in out
    assert b"\x1b" not in run("diff", "a.mrc", "b.mrc", "--color", "always", "--format", "jsonl")[1]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sort", "a.mrc", "--key", "24$a"), "'24' is no place"),
        (("sort", "a.mrc", "--memory", "1M"), "memory should be 32M at least"),
        (("sort", "a.mrc", "--memory", "much"), "argument --memory: invalid size value: 'much'"),
        (("dedup", "a.mrc", "--keep", "best"), "argument --keep: invalid choice"),
        (("dedup", "a.mrc", "-o", "a.mrc"), "the same file"),
        (("merge", "a.mrc"), "the following arguments are required: B"),
        (("merge", "a.mrc", "b.mrc", "--protect", "9"), "a tag, a pattern like 6XX or a range"),
        (("diff", "a.mrc", "c.mrc"), "c.mrc: cannot open: No such file"),
        (("diff", "-", "-"), "standard input can be read once"),
        (("diff", "a.mrc", "*.mrc"), "A and B are one file each"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(arguments: tuple[str, ...], message: str) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, b"")
    assert message in err and "Traceback" not in err
    assert err.startswith("mrrc-ct")


def test_damage_ends_with_status_1(files: pathlib.Path) -> None:
    data = (files / "a.mrc").read_bytes()
    (files / "bad.mrc").write_bytes(data[:-5])
    for command in (("sort",), ("dedup",), ("merge", "a.mrc")):
        status, _, err = run(*command, "bad.mrc", "--recovery", "strict", "-o", "out.mrc")
        assert status == 1 and "mrrc-ct: lost: bad.mrc: record 3" in err


@pytest.mark.parametrize("name", ["sort", "dedup", "merge", "diff"])
def test_the_examples_are_understood(name: str) -> None:
    from importlib import import_module
    from shlex import split as words

    for line in import_module(f"mrrc_ct.cli.{name}").EXAMPLES:
        arguments = words(line.partition(">")[0])
        assert arguments[:2] == ["mrrc-ct", name]
        cli.parser_of(name).parse_intermixed_args(arguments[2:])


def test_a_closed_pipe_is_a_quiet_end(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    nothing = tmp_path / "nothing.mrc"
    nothing.write_bytes(record(1))
    process = subprocess.Popen(
        [sys.executable, "-m", "mrrc_ct", "diff", books, nothing],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(100)
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0 and b"Traceback" not in err and b"cannot" not in err

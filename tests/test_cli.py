"""The command line, as a process of its own."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest
from marc import iso2709, split

import mrrc_ct


def run(*arguments: object, stdin: bytes = b"") -> tuple[int, bytes, str]:
    done = subprocess.run(
        [sys.executable, "-m", "mrrc_ct", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr.decode()


def test_convert_to_a_file_says_what_it_did(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    status, out, err = run("convert", books, "-o", tmp_path / "a.xml")
    assert (status, out) == (0, b"")
    assert "150 records" in err
    assert len(mrrc_ct.xml_to_records(tmp_path / "a.xml")) == 150


def test_convert_from_standard_input_to_standard_output(books: pathlib.Path) -> None:
    status, there, err = run("convert", "-", "-o", "-", "--to", "mrk", stdin=books.read_bytes())
    assert (status, err) == (0, "")
    status, back, err = run("convert", "-", "--from", "mrk", "--to", "marc", stdin=there)
    assert (status, err) == (0, "")
    assert back == books.read_bytes()


def test_damage_is_listed_and_ends_with_status_1(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    records = split(books.read_bytes())
    records[10] = b"0x" + records[10][2:]
    path = tmp_path / "damaged.mrc"
    path.write_bytes(b"".join(records))
    status, out, err = run("convert", path, "--to", "jsonl")
    assert status == 1
    assert len(out.splitlines()) == 150
    assert "salvaged: " in err and "1 of them salvaged" in err
    status, out, err = run("convert", path, "--to", "jsonl", "--recovery", "strict")
    assert status == 1
    assert len(out.splitlines()) == 149
    assert f"{path}: record 11, byte {len(b''.join(records[:10]))}" in err
    assert "1 lost" in err
    assert "Traceback" not in err
    status, out, err = run("count", path)
    assert (status, out) == (1, b"149\n")
    assert "record 11" in err


def test_count_and_print(books: pathlib.Path) -> None:
    assert run("count", books) == (0, b"150\n", "")
    status, out, err = run("print", books)
    assert (status, err) == (0, "")
    assert out == b"".join(record.to_mrk().encode() for record in mrrc_ct.MARCReader(books))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["convert", "none.mrc", "-o", "a.xml"], "none.mrc: cannot open"),
        (["convert", ".", "--to", "json"], "directory"),
        (["convert", "empty.mrc", "--to", "json"], "empty.mrc"),
        (["convert", "sample.mrc", "-o", "a.foo"], "a.foo"),
        (["convert", "sample.mrc"], "say what to write"),
        (["convert", "sample.mrc", "--to", "jsn"], "invalid choice: 'jsn'"),
        (["convert", "sample.mrc", "-o", "no/a.xml"], "no/a.xml"),
        (["convert", "sample.mrc", "--to", "json", "--threads", "0"], "threads"),
        (["convert", "sample.mrc", "--to", "json", "--encoding", "utf-9"], "utf-9"),
        (["cuont", "sample.mrc"], "cuont"),
        ([], "COMMAND"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.mrc").write_bytes(b"")
    (tmp_path / "sample.mrc").write_bytes(iso2709(("001", "1")))
    status, out, err = run(*arguments)
    assert (status, out) == (2, b"")
    assert said in err
    assert "Traceback" not in err


def test_a_closed_pipe_is_a_quiet_end(books: pathlib.Path) -> None:
    command = f"{sys.executable} -m mrrc_ct print {books} | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        check=False,
    )
    assert done.stdout.startswith(b"=LDR")
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_is_an_error_in_a_line(books: pathlib.Path) -> None:
    status, _, err = run("convert", books, "-o", "/dev/full", "--to", "json")
    assert status == 2
    assert err.startswith("mrrc-ct: /dev/full: cannot write to")
    assert len(err.splitlines()) == 1


def test_help_shows_an_example() -> None:
    for command in ("convert", "count", "print"):
        status, out, _ = run(command, "--help")
        assert status == 0
        assert f"example: mrrc-ct {command}".encode() in out
    assert run("--version")[1].decode().strip() == f"mrrc-ct {mrrc_ct.__version__}"

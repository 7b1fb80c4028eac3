"""The command line, as a process of its own."""

from __future__ import annotations

import errno
import os
import pathlib
import signal
import subprocess
import sys
import time
from importlib import import_module

import pytest
from command import ENVIRONMENT
from marc import iso2709, split

import mrrc_ct
from mrrc_ct.cli import COMMANDS


def run(*arguments: object, stdin: bytes = b"") -> tuple[int, bytes, str]:
    done = subprocess.run(
        [sys.executable, "-m", "mrrc_ct", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        check=False,
        env=ENVIRONMENT,
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
    assert "salvaged: " in err and "150 records read, 1 salvaged, 150 written" in err
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
        (["cuont", "sample.mrc"], "there is no command cuont: did you mean count"),
        (["count", "sample.mrc", "--thread", "2"], "did you mean --threads?"),
        (["select", "001", "sample.mrc", "-o", "a.xlsx"], "a.xlsx: .xlsx names no form of a table"),
        (["describe", "sample.mrc", "-o", "a.json.gz"], "say which with --to"),
        (["count", "no*.mrc"], "no*.mrc: cannot open"),
        (["count", "-", "-"], "standard input can be read once"),
        (["convert", "sample.mrc", "none.mrc", "-o", "a.xml"], "none.mrc: cannot open"),
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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["count", "print", "convert"])
@pytest.mark.parametrize("is_unbuffered", [False, True])
def test_full_standard_output_is_an_error_in_a_line(
    books: pathlib.Path, tmp_path: pathlib.Path, command: str, is_unbuffered: bool
) -> None:
    one = tmp_path / "one.mrc"
    one.write_bytes(iso2709(("001", "1")))
    environment = {**os.environ, "PYTHONUNBUFFERED": "1" if is_unbuffered else ""}
    options = ["--to", "json"] if command == "convert" else []
    for path in (books, one):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "mrrc_ct", command, str(path), *options],
                stdout=full,
                stderr=subprocess.PIPE,
                env=environment,
                check=False,
            )
        assert done.returncode == 2
        assert done.stderr == (
            b"mrrc-ct: <stdout>: cannot write to: %s\n" % os.strerror(errno.ENOSPC).encode()
        )


def test_a_file_that_cannot_grow_is_an_error_in_a_line(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    resource = pytest.importorskip("resource", reason="this system has no limits for files")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    path = tmp_path / "out.xml"
    path.write_text("old")
    done = subprocess.run(
        [sys.executable, "-m", "mrrc_ct", "convert", books, "-o", path],
        preexec_fn=limit,
        capture_output=True,
        check=False,
    )
    said = f"mrrc-ct: {path}: cannot write to: {os.strerror(errno.EFBIG)}\n"
    assert (done.returncode, done.stdout, done.stderr.decode()) == (2, b"", said)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.xml"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_fifo_that_nobody_reads_on_is_an_error_in_a_line(
    books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    path, source = tmp_path / "fifo.xml", tmp_path / "source.mrc"
    os.mkfifo(path)
    source.write_bytes(books.read_bytes() * 5)  # more than a pipe holds
    process = subprocess.Popen(
        [sys.executable, "-m", "mrrc_ct", "convert", source, "-o", path], stderr=subprocess.PIPE
    )
    with open(path, "rb", buffering=0) as fifo:
        assert fifo.read(5) == b"<?xml"
    _, err = process.communicate(timeout=60)
    said = f"mrrc-ct: {path}: cannot write to: {os.strerror(errno.EPIPE)}\n"
    assert (process.returncode, err.decode()) == (2, said)
    assert path.is_fifo()


@pytest.mark.skipif(not os.path.exists("/dev/stdout"), reason="this system has no /dev/stdout")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "link"])
def test_standard_output_by_its_name(
    books: pathlib.Path, tmp_path: pathlib.Path, name: str
) -> None:
    _, expected, _ = run("print", books)
    if name == "link":
        (tmp_path / "link").symlink_to("/dev/stdout")
        name = str(tmp_path / "link")
    arguments = [sys.executable, "-m", "mrrc_ct", "convert", str(books), "-o", name, "--to", "mrk"]
    # A pipe, a file that a shell has opened and written to before, and one to append to.
    assert subprocess.run(arguments, capture_output=True, check=True).stdout == expected
    for mode in ("wb", "ab"):
        path = tmp_path / "out"
        path.write_bytes(b"before\n" if mode == "ab" else b"")
        with path.open(mode, buffering=0) as file:
            if mode == "wb":
                file.write(b"before\n")
            subprocess.run(arguments, stdout=file, stderr=subprocess.PIPE, check=True)
            file.write(b"behind\n")
        assert path.read_bytes() == b"before\n" + expected + b"behind\n"
    shell = f"{sys.executable} -m mrrc_ct convert {books} -o {name} --to mrk | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr and b"cannot" not in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_leaves_the_old_file_and_nothing_else(
    books: pathlib.Path, tmp_path: pathlib.Path, name: str, threads: int
) -> None:
    folder, source = tmp_path / "folder", tmp_path / "fifo.mrc"
    folder.mkdir()
    (folder / "out.xml").write_text("old")
    os.mkfifo(source)
    number = getattr(signal, name)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mrrc_ct", "convert", source, "-o", folder / "out.xml"),
            *("--threads", str(threads)),
        ],
        stderr=subprocess.PIPE,
        # Whoever runs the tests may ignore it.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    )
    with open(source, "wb", buffering=0) as fifo:
        fifo.write(books.read_bytes())
        deadline = time.monotonic() + 60
        while len(os.listdir(folder)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(os.listdir(folder)) == 2
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"Traceback" not in err
    assert os.listdir(folder) == ["out.xml"]
    assert (folder / "out.xml").read_text() == "old"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_is_a_screen_with_examples(name: str) -> None:
    status, out, _ = run(name, "--help")
    assert status == 0
    lines = out.decode().splitlines()
    assert lines[0].startswith(f"usage: mrrc-ct {name} ")
    assert len(lines) <= 40 and max(map(len, lines)) <= 80
    examples = [line.strip() for line in lines if line.startswith("  mrrc-ct ")]
    assert examples and all(f"mrrc-ct {name} " in line for line in examples)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_of_commands_says_what_the_modules_say(name: str) -> None:
    module, summary = COMMANDS[name]
    assert summary == import_module(f"mrrc_ct.cli.{module}").SUMMARY


def test_the_overview_is_a_screen_and_imports_no_command() -> None:
    status, out, err = run("--help")
    assert (status, err) == (0, "")
    lines = out.decode().splitlines()
    assert len(lines) <= 40 and max(map(len, lines)) <= 80
    for name, (_, summary) in COMMANDS.items():
        assert any(name in line and line.endswith(summary) for line in lines)
    code = (
        "import sys; from mrrc_ct import cli; cli.main(['--help']); "
        "print('argparse' in sys.modules, [n for n in sys.modules if n.startswith('mrrc_ct.cli.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.endswith("False ['mrrc_ct.cli.streams']\n")


def test_version() -> None:
    assert run("--version")[1].decode().strip() == f"mrrc-ct {mrrc_ct.__version__}"

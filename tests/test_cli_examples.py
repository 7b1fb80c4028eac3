"""The examples in the help of each command, run as they are printed."""

from __future__ import annotations

import gzip
import os
import pathlib
import re
import shlex
import subprocess
import sys
from importlib import import_module

import pytest
from command import ENVIRONMENT

from mrrc_ct import convert
from mrrc_ct.cli import COMMANDS

EXAMPLES = [
    (name, example)
    for name, (module, _) in COMMANDS.items()
    for example in import_module(f"mrrc_ct.cli.{module}").EXAMPLES
]
#: Of options with these names the value is a file that is written.
WRITTEN = ("-o", "--output", "--report", "--originals", ">")
IDS = "00000002\n 00000505\n"


def make(path: pathlib.Path, books: pathlib.Path) -> None:
    """A file that an example reads, in the format that its name tells."""
    if path.suffix == ".txt":
        path.write_text(IDS)
    elif path.name == "rules.json":
        path.write_text('{"rules": [{"delete": "9XX"}, {"copy": "020", "to": "920"}]}')
    elif path.name == "ours.json":
        path.write_text('{"fields": {"590": {"subfields": "a b+"}}}')
    elif path.stem == "new":
        convert(books.read_bytes().partition(b"\x1d")[2], path)
    elif "damaged" in path.name:
        path.write_bytes(b"0x" + books.read_bytes()[2:])
    elif path.suffixes == [".mrc", ".gz"]:
        path.write_bytes(gzip.compress(books.read_bytes()))
    else:
        convert(books, path)


@pytest.mark.skipif(os.name == "nt", reason="the examples are written for a shell of POSIX")
@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_runs(
    name: str, example: str, books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    assert example.startswith(f"mrrc-ct {name} ")
    if "parquet" in example:
        pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    words = list(shlex.shlex(example, posix=True, punctuation_chars=True))
    written = [word for before, word in zip(words, words[1:]) if before in WRITTEN]
    for word in words:
        if re.fullmatch(r"[\w*-]+(\.[a-z]\w*)+", word) and word not in written:
            make(tmp_path / word.replace("*", "01"), books)
    script = f'mrrc-ct() {{ "{sys.executable}" -m mrrc_ct "$@"; }}\n{example}\n'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    err = done.stderr.decode()
    # What is made damaged is to be looked at, and what an example looks for need not be there.
    # The sample has faults, and a new file lacks a record.
    is_faulty = "damaged" in example or name in ("validate", "diff")
    expected = (0, 1) if name == "grep" else (1,) if is_faulty else (0,)
    assert done.returncode in expected, err
    assert "Traceback" not in err
    for one in written:
        made = list(tmp_path.glob(one.replace("{}", "*")))
        assert made and all(path.stat().st_size > 0 for path in made)
    assert written or done.stdout or name == "grep"

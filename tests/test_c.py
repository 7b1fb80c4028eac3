"""The core as a C library: the example is compiled, linked and run."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

import pytest
from marc import split

import mrrc_ct

ROOT = pathlib.Path(__file__).parents[1]


def compiler() -> list[str]:
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    if shutil.which("cc"):
        return ["cc"]
    pytest.skip("there is no C compiler: neither ziglang (pip install ziglang) nor cc")


@pytest.mark.skipif(sys.platform != "linux", reason="the library is linked by its Linux name")
def test_the_example_converts_as_the_package_does(
    tmp_path: pathlib.Path, books: pathlib.Path
) -> None:
    folder = pathlib.Path(mrrc_ct.__file__).parent
    program = tmp_path / "example"
    subprocess.run(
        [
            *compiler(),
            *("-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'zig'}"),
            *(str(ROOT / "docs" / "example.c"), str(folder / "libmrrc_ct.so")),
            *(f"-Wl,-rpath,{folder}", "-o", str(program)),
        ],
        check=True,
        env={**os.environ, "ZIG_LOCAL_CACHE_DIR": str(tmp_path / "zig-cache")},
    )
    mrrc_ct.convert(books, tmp_path / "expected.xml")
    done = subprocess.run([program], input=books.read_bytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (tmp_path / "expected.xml").read_bytes()

    records = split(books.read_bytes())
    records[1] = b"0x" + records[1][2:]
    done = subprocess.run([program], input=b"".join(records), capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"record 2, byte {len(records[0])}: ".encode())
    assert done.stdout.count(b"<record>") == 149

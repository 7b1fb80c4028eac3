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
from mrrc_ct import _platform

ROOT = pathlib.Path(__file__).parents[1]


def compiler() -> list[str]:
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "cc"]
    if shutil.which("cc"):
        return ["cc"]
    pytest.skip("there is no C compiler: neither ziglang (pip install ziglang) nor cc")


def compiled(program: pathlib.Path, header: pathlib.Path, *link: object) -> pathlib.Path:
    """The example, with the header in a folder, linked with something."""
    subprocess.run(
        [
            *compiler(),
            *("-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{header}"),
            *(str(ROOT / "docs" / "example.c"), *map(str, link), "-o", str(program)),
        ],
        check=True,
        env={**os.environ, "ZIG_LOCAL_CACHE_DIR": str(program.parent / "zig-cache")},
    )
    return program


def check(program: pathlib.Path, books: pathlib.Path) -> None:
    """The program, without Python, converts as the package does, and says what it loses."""
    expected = program.parent / "expected.xml"
    mrrc_ct.convert(books, expected)
    done = subprocess.run([program], input=books.read_bytes(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == expected.read_bytes()

    records = split(books.read_bytes())
    records[1] = b"0x" + records[1][2:]
    done = subprocess.run([program], input=b"".join(records), capture_output=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"record 2, byte {len(records[0])}: ".encode())
    assert done.stdout.count(b"<record>") == 149


on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="the library is linked by its Linux name"
)


@on_linux
def test_the_example_converts_as_the_package_does(
    tmp_path: pathlib.Path, books: pathlib.Path
) -> None:
    library = pathlib.Path(_platform.find_library(str(pathlib.Path(mrrc_ct.__file__).parent)))
    program = compiled(tmp_path / "example", ROOT / "zig", library, f"-Wl,-rpath,{library.parent}")
    check(program, books)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """What `zig build` makes."""
    if not importlib.util.find_spec("ziglang"):
        pytest.skip("there is no ziglang (pip install ziglang)")
    prefix = tmp_path_factory.mktemp("prefix")
    environment = {"ZIG_LOCAL_CACHE_DIR": str(ROOT / "build" / "zig-local"), **os.environ}
    command = [sys.executable, "-m", "ziglang", "build", "-Dopt=debug", "--prefix", str(prefix)]
    subprocess.run(command, check=True, cwd=ROOT, env=environment)
    return prefix


@on_linux
@pytest.mark.parametrize("kind", ["shared", "static"])
def test_the_example_is_linked_with_what_is_built_for_c(
    tmp_path: pathlib.Path, books: pathlib.Path, installed: pathlib.Path, kind: str
) -> None:
    folder = installed / "lib"
    link = {
        "shared": [folder / "libmrrc_ct.so", f"-Wl,-rpath,{folder}"],
        "static": [folder / "libmrrc_ct.a"],
    }[kind]
    program = compiled(tmp_path / "example", installed / "include", *link)
    check(program, books)
    assert (b"libmrrc_ct.so" in program.read_bytes()) == (kind == "shared")

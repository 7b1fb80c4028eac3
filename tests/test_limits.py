"""What the package may take: memory, its own size, what it needs."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

import mrrc_ct


def python(code: str, *arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The whole file of 241 MB where it is to be found, else 48 MB of the sample repeated."""
    path = os.environ.get("MRRC_BOOKS_ALL")
    if path:
        return pathlib.Path(path)
    books: pathlib.Path = request.getfixturevalue("books")
    repeated = tmp_path_factory.mktemp("large") / "large.mrc"
    repeated.write_bytes(books.read_bytes() * 350)
    return repeated


MEMORY = """
    import sys, mrrc_ct

    def peak():
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

    next(mrrc_ct.MARCReader(sys.argv[2])).title()
    before = peak()
    kept = []
    step = int(sys.argv[3])
    for number, record in enumerate(mrrc_ct.MARCReader(sys.argv[1])):
        if step and number % step == 0:
            kept.append(record)
    print(number + 1, peak() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
def test_reading_takes_little_memory_and_so_does_keeping_some(
    large: pathlib.Path, books: pathlib.Path
) -> None:
    _, reading = map(int, python(MEMORY, large, books, 0).split())
    assert reading < 8 * 1024
    count, keeping = map(int, python(MEMORY, large, books, 300).split())
    assert count >= 50_000
    assert keeping - reading < 8 * 1024


CONVERSION = """
    import sys, mrrc_ct

    def peak():
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

    before = peak()
    report = mrrc_ct.convert(sys.argv[1], "/dev/null", sys.argv[2])
    print(report.records_written, peak() - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
@pytest.mark.parametrize("to", ["marcxml", "json"])
def test_converting_takes_little_memory(large: pathlib.Path, to: str) -> None:
    _, converting = map(int, python(CONVERSION, large, to).split())
    assert converting < 8 * 1024


def test_importing_brings_in_little() -> None:
    code = (
        "import sys; before = set(sys.modules); import mrrc_ct; print(*set(sys.modules) - before)"
    )
    brought = set(python(code).split())
    # What takes long to import is imported when it is needed.
    assert not brought & {"typing", "re", "argparse", "gzip", "json", "logging", "threading"}


def test_the_package_is_small() -> None:
    folder = pathlib.Path(mrrc_ct.__file__).parent
    files = [f for f in folder.rglob("*") if f.is_file() and "__pycache__" not in f.parts]
    assert sum(file.stat().st_size for file in files) < 3 * 1024 * 1024


def test_a_stale_library_is_one_clear_import_error() -> None:
    code = """
        import mrrc_ct._bindings as bindings
        import sys
        for name in [name for name in sys.modules if name.startswith("mrrc_ct")]:
            if name != "mrrc_ct._bindings":
                del sys.modules[name]
        bindings.ABI_VERSION += 1
        try:
            import mrrc_ct
        except ImportError as error:
            print(error)
    """
    assert "build the package again" in python(code)

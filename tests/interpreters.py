"""Run the tests on every Python that is found on this machine.

    python tests/interpreters.py                    all tests on all of them
    python tests/interpreters.py --quick            those that tell most in little time
    python tests/interpreters.py --only 3.9 -- -k zipped -x

It makes a wheel of the package, and for each interpreter an environment under
build/interpreters with the wheel and what of the tests' requirements there is for that one. What
is behind `--` goes to pytest. A table at the end tells how it went; the exit status is 0 when all
tests have passed everywhere. Needs Python 3.11 or later itself, with pip 22.3 or later.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
from xml.etree import ElementTree

import tomllib

ROOT = pathlib.Path(__file__).parents[1]
BUILD = ROOT / "build" / "interpreters"
OLDEST = (3, 9)
NAMES = re.compile(r"(python|pypy)3?(\.\d+)?")
ABOUT = (
    "import json, sys; print(json.dumps([sys.implementation.name, sys.version_info[:3],"
    " getattr(sys, '_base_executable', None) or sys.executable]))"
)
#: What tells most in little time.
QUICK = (
    *("test_batches.py", "test_expected.py", "test_formats.py", "test_native.py"),
    *("test_reading.py", "test_record.py", "test_subinterpreters.py"),
    "test_zipped.py::test_a_zipapp_is_the_command_line",
)
#: Published as source, but needs no compiler.
AS_SOURCE = ["pyspark"]
#: pytest has found no test that was chosen.
NO_TESTS = 5


class Interpreter:
    """A Python on this machine."""

    def __init__(self, kind: str, version: tuple[int, ...], path: str) -> None:
        self.kind = kind
        self.version = version
        self.path = path
        self.name = f"{kind}-{version[0]}.{version[1]}"
        self.folder = BUILD / self.name
        self.python = self.folder / "bin" / "python"
        self.missing: list[str] = []

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(map(str, self.version))}"

    def is_named(self, names: list[str]) -> bool:
        """Whether one of the names, such as `3.9`, `pypy` or `pypy-3.9`, is this one's."""
        return not names or any(name in self.name.split("-") or name == self.name for name in names)

    def install(self, wheel: pathlib.Path, requirements: list[str]) -> None:
        """Make its environment anew, with the package and what there is of the requirements."""
        shutil.rmtree(self.folder, ignore_errors=True)
        # Debian's Pythons have no pip for environments; this one's serves them all.
        run(self.path, "-m", "venv", "--without-pip", str(self.folder))
        (self.folder / "empty").mkdir()
        if not self._pip(str(wheel), *requirements):
            for requirement in requirements:
                if not self._pip(requirement):
                    self.missing.append(re.split(r"[^\w-]", requirement)[0])
            run_pip(self.python, "--no-deps", str(wheel))

    def _pip(self, *what: str) -> bool:
        try:
            run_pip(self.python, "--only-binary", ":all:", *what)
        except subprocess.CalledProcessError:
            return False
        return True

    def test(self, arguments: list[str]) -> Result:
        """Run the tests, on the package that is installed."""
        report = self.folder / "report.xml"
        report.unlink(missing_ok=True)
        begin = time.monotonic()
        command = [self.python, "-m", "pytest", "-c", ROOT / "pyproject.toml"]
        command += ["-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
        # A folder without the package: where it is started, and what it starts, finds that first.
        status = subprocess.run(command, cwd=self.folder / "empty", check=False).returncode
        return Result(report, status, time.monotonic() - begin)


class Result:
    """How the tests went."""

    def __init__(self, report: pathlib.Path, status: int, seconds: float) -> None:
        self.seconds = seconds
        self.failed = self.passed = self.skipped = 0
        if report.exists():
            suite = next(ElementTree.parse(report).iter("testsuite"))
            self.failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            self.skipped = int(suite.get("skipped", 0))
            self.passed = int(suite.get("tests", 0)) - self.failed - self.skipped
        self.is_good = status == 0 or (status == NO_TESTS and not self.failed)
        self.word = "passed" if self.is_good else f"failed (status {status})"


def found() -> list[Interpreter]:
    """The Pythons of this machine, one of each kind and minor version: the newest."""
    folders = [pathlib.Path(folder).resolve() for folder in os.get_exec_path()]
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT") or pathlib.Path.home() / ".pyenv")
    folders += sorted(pyenv.glob("versions/*/bin"))
    newest: dict[str, Interpreter] = {}
    paths = {path for folder in folders if folder.is_dir() for path in folder.iterdir()}
    for path in sorted(paths):
        # pyenv's own stand-ins lead to what is found without them.
        if not NAMES.fullmatch(path.name) or path.parent.name == "shims":
            continue
        told = subprocess.run([path, "-c", ABOUT], capture_output=True, text=True, check=False)
        if told.returncode:
            continue  # Python 2
        kind, version, real = json.loads(told.stdout)
        one = Interpreter(kind, tuple(version), real)
        if one.version >= OLDEST and (
            one.name not in newest or one.version > newest[one.name].version
        ):
            newest[one.name] = one
    return sorted(newest.values(), key=lambda one: (one.kind, one.version))


def resolved(argument: str) -> str:
    """An argument for pytest, in which the path of a test does not depend on the folder."""
    path, colons, test = argument.partition("::")
    return str(pathlib.Path(path).resolve()) + colons + test if os.path.exists(path) else argument


def run(*command: str) -> None:
    """Run a command; CalledProcessError when it fails."""
    subprocess.run(command, check=True)


def run_pip(python: pathlib.Path, *arguments: str) -> None:
    """Install into an environment; CalledProcessError when that cannot be done."""
    options = ["--quiet", "--disable-pip-version-check", "--no-binary", ",".join(AS_SOURCE)]
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", *options]
    subprocess.run([*command, *arguments], check=True, stderr=subprocess.DEVNULL)


def make_wheel() -> pathlib.Path:
    """The package's wheel."""
    target = BUILD / "wheel"
    shutil.rmtree(target, ignore_errors=True)
    has_tools = all(importlib.util.find_spec(name) for name in ("hatchling", "ziglang"))
    options = ["--quiet", "--no-deps", *(["--no-build-isolation"] if has_tools else [])]
    run(sys.executable, "-m", "pip", "wheel", *options, "-w", str(target), str(ROOT))
    (wheel,) = target.iterdir()
    return wheel


def table(results: list[tuple[Interpreter, Result]]) -> str:
    """The results, for people."""
    head = ("interpreter", "tests", "passed", "failed", "skipped", "seconds", "without")
    rows = [head]
    for one, result in results:
        counts = (result.passed, result.failed, result.skipped, round(result.seconds))
        rows.append((str(one), result.word, *map(str, counts), ", ".join(one.missing)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def main() -> int:
    """Run it; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="3.9, pypy, cpython-3.12"
    )
    parser.add_argument(
        "--quick", action="store_true", help="the tests that tell most in little time"
    )
    parser.add_argument("--wheel", type=pathlib.Path, help="test this one instead of making one")
    parser.add_argument("--keep", action="store_true", help="take the environments that are there")
    parser.add_argument("--list", action="store_true", help="say what is found, and no more")
    parser.add_argument("pytest", nargs="*", metavar="ARGUMENT", help="for pytest, behind --")
    arguments = parser.parse_args()
    chosen = [one for one in found() if one.is_named(arguments.only)]
    if arguments.list:
        print(*(f"{one}  {one.path}" for one in chosen), sep="\n")
    if arguments.list or not chosen:
        return 0 if chosen else parser.error("there is no such interpreter")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    requirements = extras["test"] + ([] if arguments.quick else extras["test-tables"])
    told = [resolved(argument) for argument in arguments.pytest]
    if told == arguments.pytest:
        told += [str(ROOT / "tests" / name) for name in (QUICK if arguments.quick else ("",))]
    BUILD.mkdir(parents=True, exist_ok=True)
    wheel = arguments.wheel.resolve() if arguments.wheel else None
    results = []
    for one in chosen:
        print(f"== {one}, {one.path}", flush=True)
        if not (arguments.keep and one.python.exists()):
            wheel = wheel or make_wheel()
            one.install(wheel, requirements)
        results.append((one, one.test(told)))
    print(table(results))
    return 0 if all(result.is_good for _, result in results) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Every example of the pages is run as it stands, and prints what the page says.

On a page the blocks are run in their order, in one folder with `books.mrc` in it: `python` in one
namespace, `sh` by a shell. A `text` block right behind one is what it prints, `…` in it is anything.
Before a block may stand `<!-- file: NAME -->`, which makes it a file in the folder, and
`<!-- not run: REASON -->`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import pathlib
import re
import shutil
import subprocess
import sys
import traceback
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/_commands/*.md")])
RUN = ("python", "sh")
#: Programs that an example may need; where one is missing the rest of the page is run without it.
PROGRAMS = ("yaz-marcdump",)
#: Blocks that are not run, each with its reason beside it: this many, so that none is added unseen.
NOT_RUN = 11

BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>file|not run): (?P<what>[^>]+?) -->\n+)?"
    r"^(?P<fence>`{3,})(?P<language>[\w{}-]*)[^\n]*\n(?P<text>.*?)^(?P=fence)$"
    r"(?:\n\n?^```text\n(?P<output>.*?)^```$)?",
    re.M | re.S,
)


class Example(NamedTuple):
    """A block of a page."""

    line: int
    language: str
    text: str
    output: str
    mark: str | None
    what: str


def examples_of(page: pathlib.Path) -> list[Example]:
    content = page.read_text("utf-8")
    return [
        Example(
            content.count("\n", 0, found.start("fence")) + 1,
            found["language"],
            found["text"],
            found["output"] or "",
            found["mark"],
            found["what"] or "",
        )
        for found in BLOCK.finditer(content)
    ]


def missing(example: Example) -> str | None:
    """What the example needs and this machine lacks."""
    if example.language == "sh":
        absent = [one for one in PROGRAMS if one in example.text and not shutil.which(one)]
        return absent[0] if absent else None
    modules = re.findall(r"^(?:import|from) (\w+)", example.text, re.M)
    for module in modules:
        if importlib.util.find_spec(module) is None:
            return str(module)
    return "java" if "pyspark" in modules and not shutil.which("java") else None


def matches(expected: str, printed: str) -> bool:
    """Whether a page says what was printed: `…` stands for anything, alone in a line for lines."""
    lines = []
    for line in expected.rstrip("\n").split("\n"):
        parts = map(re.escape, line.rstrip().split("…"))
        lines.append(r"(?:.*\n)*?" if line == "…" else "[^\n]*".join(parts) + r"\n")
    # Ends of lines do not show on a page.
    seen = "".join(f"{line.rstrip()}\n" for line in printed.rstrip("\n").split("\n"))
    return re.fullmatch("".join(lines), seen) is not None


def run_python(example: Example, names: dict[str, Any], page: pathlib.Path) -> str:
    printed = io.StringIO()
    # So that the line of a failure is the page's.
    code = compile("\n" * example.line + example.text, str(page), "exec")
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.redirect_stderr(printed))
        stack.enter_context(warnings.catch_warnings())
        # What other packages say of each other.
        warnings.simplefilter("ignore", FutureWarning)
        exec(code, names)
    return printed.getvalue()


def run_shell(example: Example) -> str:
    done = subprocess.run(
        ["sh", "-c", example.text],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}"
    return done.stdout


@pytest.fixture
def folder(
    books: pathlib.Path,
    tmp_path: pathlib.Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[pathlib.Path]:
    """A folder as the pages take it: the sample, and the commands of this very package."""
    commands = tmp_path_factory.mktemp("bin")
    for name, command in (
        ("mrrc-ct", f'"{sys.executable}" -m mrrc_ct'),
        ("python", f'"{sys.executable}"'),
    ):
        (commands / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTHONUTF8", "1")
    # What is printed and what is said come in order all the same.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    monkeypatch.setenv("MPLBACKEND", "svg")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    shutil.copy(books, tmp_path / "books.mrc")
    monkeypatch.chdir(tmp_path)
    # A page may put another pymarc in the place of the real one.
    before = {name for name in sys.modules if name.split(".")[0] == "pymarc"}
    modules = {name: sys.modules.pop(name) for name in before}
    yield tmp_path
    spark = sys.modules.get("pyspark.sql")
    if spark and (session := spark.SparkSession.getActiveSession()):
        session.stop()
    for name in [name for name in sys.modules if name.split(".")[0] == "pymarc"]:
        del sys.modules[name]
    sys.modules.update(modules)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_the_examples_of_a_page_print_what_it_says(
    page: pathlib.Path, folder: pathlib.Path
) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    left_out = []
    for example in examples_of(page):
        if example.mark == "file":
            (folder / example.what).write_text(example.text, "utf-8")
        elif example.mark is not None or example.language not in RUN:
            continue
        elif needed := missing(example):
            left_out.append(f"line {example.line} needs {needed}")
        else:
            try:
                if example.language == "python":
                    printed = run_python(example, names, page)
                else:
                    printed = run_shell(example)
            except Exception as error:
                if left_out and isinstance(error, NameError):
                    left_out.append(f"line {example.line} needs what one of these makes")
                    continue
                pytest.fail(f"{page.name}, line {example.line}: {traceback.format_exc()}")
            if not matches(example.output, printed):
                place = f"{page.name}, line {example.line}"
                pytest.fail(f"{place} prints\n{printed}\nand the page says\n{example.output}")
    if left_out:
        pytest.skip(f"all but: {', '.join(left_out)}")


def test_what_is_not_run_says_why() -> None:
    marked = [
        (page.name, example.line, example.what)
        for page in PAGES
        for example in examples_of(page)
        if example.mark == "not run"
    ]
    assert len(marked) == NOT_RUN, marked
    assert all(len(reason) > 10 for _, _, reason in marked)


def anchors_of(page: pathlib.Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "benchmarks" / "README.md"])
def test_links_of_pages_beside_the_site_lead_somewhere(page: pathlib.Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text("utf-8"))
    assert links
    for name, anchor in links:
        target = page.parent / name if name else page
        assert target.is_file(), name
        assert not anchor or anchor in anchors_of(target), f"{name}#{anchor}"


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("one\n", "two\n"),
        ("one\n", "one\ntwo\n"),
        ("", "one\n"),
        ("one …\n", "two 1\n"),
        ("one\n…\nfour\n", "one\ntwo\n"),
        ("one …\n", "one 1\ntwo\n"),
    ],
)
def test_what_a_page_does_not_say_is_seen(expected: str, printed: str) -> None:
    assert not matches(expected, printed)


@pytest.mark.parametrize(
    ("expected", "printed"),
    [
        ("", ""),
        ("one\n", "one  \n"),
        ("one …\n", "one 1\n"),
        ("one\n…\nfour\n", "one\ntwo\nthree\nfour\n"),
    ],
)
def test_what_a_page_says_is_seen(expected: str, printed: str) -> None:
    assert matches(expected, printed)

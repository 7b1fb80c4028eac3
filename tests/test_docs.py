"""The examples of the guides, run as they stand."""

from __future__ import annotations

import pathlib
import re
import shutil
from typing import Any

import pytest

DOCS = pathlib.Path(__file__).parents[1] / "docs"
OPTIONAL = ("polars", "duckdb", "pandas", "pyarrow", "matplotlib.pyplot")


def examples(name: str) -> list[str]:
    path = DOCS / name
    return (
        re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.M | re.S)
        if path.exists()
        else []
    )


TABLES = examples("tables.md")


@pytest.mark.parametrize("number", range(len(TABLES)))
def test_an_example_of_the_guide_to_tables_runs(
    number: int, books: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(books, tmp_path / "books.mrc")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "svg")
    for module in OPTIONAL:
        if f"import {module}" in TABLES[number]:
            pytest.importorskip(module, reason=f"the example needs {module}")
    # The first one says what the others work with.
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(TABLES[0], "tables.md", "exec"), names)
    before = set(tmp_path.iterdir())
    if number:
        exec(compile(TABLES[number], "tables.md", "exec"), names)
    for target in re.findall(
        r'(?:to_\w+|savefig|convert)\((?:"books.mrc", )?"([\w.]+)"', TABLES[number]
    ):
        assert (tmp_path / target).stat().st_size > 0 and tmp_path / target not in before


SORT = examples("sort-and-compare.md")


def test_the_examples_of_sorting_and_comparing_run_one_after_the_other(
    books: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(books, tmp_path / "books.mrc")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "example"}
    for text in SORT:
        exec(compile(text, "sort-and-compare.md", "exec"), names)
    written = capsys.readouterr().out
    page = (DOCS / "sort-and-compare.md").read_text()
    for line in re.search(r"^```diff\n(.*?)^```$", page, re.M | re.S)[1].splitlines():  # type: ignore[index]
        assert line.replace(" …", "") in written
    assert re.search(r"print\(report\)  # (.*),", page)[1] in written  # type: ignore[index]


VALIDATION = examples("validation.md")


@pytest.mark.parametrize("number", range(len(VALIDATION)))
def test_an_example_of_the_page_on_validation_runs(
    number: int,
    books: pathlib.Path,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(books, tmp_path / "books.mrc")
    monkeypatch.chdir(tmp_path)
    exec(compile(VALIDATION[number], "validation.md", "exec"), {"__name__": "example"})
    assert "obsolete" in capsys.readouterr().out


@pytest.mark.parametrize("example", examples("interpreters.md"))
def test_an_example_of_the_page_on_interpreters_runs(
    example: str, books: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(books, tmp_path / "books.mrc")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "interpreters.md", "exec"), {})
    assert 0 < (tmp_path / "fewer.mrc").stat().st_size < books.stat().st_size

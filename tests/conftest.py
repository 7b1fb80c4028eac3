"""What the tests share: the sample, the awkward records, and the larger files where they are."""

from __future__ import annotations

import os
import pathlib

import pytest
from command import Command

DATA = pathlib.Path(__file__).parent / "data"
SHARED = pathlib.Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def books() -> pathlib.Path:
    """150 real records in UTF-8."""
    return DATA / "books.mrc"


@pytest.fixture(scope="session")
def awkward() -> pathlib.Path:
    """Sound records with everything that tends to get lost."""
    return DATA / "awkward.mrc"


def _large(name: str, variable: str) -> pathlib.Path:
    path = pathlib.Path(os.environ.get(variable) or SHARED / name)
    if not path.exists():
        pytest.skip(f"there is no {name}: set {variable} to its path to run this")
    return path


@pytest.fixture(scope="session")
def books_20k() -> pathlib.Path:
    """The first 20,000 records of the Library of Congress's "Books All 2016, part 01"."""
    return _large("loc-books-20k.mrc", "MRRC_BOOKS_20K")


@pytest.fixture(scope="session")
def books_20k_marc8() -> pathlib.Path:
    """The same in MARC-8."""
    return _large("loc-books-20k.marc8.mrc", "MRRC_BOOKS_20K_MARC8")


@pytest.fixture(scope="session")
def books_all() -> pathlib.Path:
    """The whole file, 250,000 records."""
    return _large("BooksAll.2016.part01.utf8", "MRRC_BOOKS_ALL")


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs commands of the command line in this process."""
    return Command(monkeypatch)

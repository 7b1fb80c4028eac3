"""Records beside what pymarc 5.4.0 makes of them, on interpreters that it does not run on, too.

tests/data/make_expected.py has stored that. The other tests ask pymarc itself, and more.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import pathlib
from typing import Any

import pytest
from marc import split
from test_formats import plain_json, plain_xml
from test_record import NAMES

import mrrc_ct

SCRIPT = pathlib.Path(__file__).parent / "data" / "make_expected.py"


@pytest.fixture(scope="module")
def script() -> Any:
    specification = importlib.util.spec_from_file_location("make_expected", SCRIPT)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stored(script: Any) -> list[dict[str, Any]]:
    return script.stored()  # type: ignore[no-any-return]


def test_what_is_stored_is_what_pymarc_makes(script: Any, stored: list[Any]) -> None:
    pymarc = pytest.importorskip("pymarc", reason="pymarc 5.4 needs Python 3.10")
    assert script.expected(pymarc) == stored
    assert len(stored) == 150


def test_records_are_read_as_pymarc_reads_them(
    script: Any, stored: list[Any], books: pathlib.Path
) -> None:
    read = list(mrrc_ct.MARCReader(books))
    assert len(read) == len(stored)
    for record, expected in zip(read, stored):
        assert str(record.leader) == expected["leader"]
        assert [field.value() for field in record.fields] == expected["values"]
        assert [field.format_field() for field in record.fields] == expected["shown"]
        assert str(record) == expected["text"]
        told = {theirs: script.text_of(getattr(record, ours)()) for ours, theirs in NAMES.items()}
        assert told == expected["accessors"]


def test_records_are_edited_and_written_as_pymarc_does(
    script: Any, stored: list[Any], books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / "edited.mrc"
    with mrrc_ct.MARCWriter(target) as writer:
        for record in mrrc_ct.MARCReader(books):
            script.edit(record, mrrc_ct)
            writer.write(record)
    assert split(target.read_bytes()) == [one["edited"].encode() for one in stored]
    # What was written is read again, in one piece and as XML and JSON.
    for name in ("edited.xml", "edited.json", "edited.jsonl", "edited.mrk"):
        mrrc_ct.convert(target, tmp_path / name)
        mrrc_ct.convert(tmp_path / name, tmp_path / "again.mrc")
        assert (tmp_path / "again.mrc").read_bytes() == target.read_bytes()


def test_json_holds_what_pymarc_writes(
    stored: list[Any], books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / "books.json"
    mrrc_ct.convert(books, target)
    expected = [json.loads(one["json"]) for one in stored]
    assert plain_json(json.loads(target.read_bytes())) == plain_json(expected)
    for record, one in zip(mrrc_ct.MARCReader(books), expected):
        assert json.loads(record.to_json()) == one
    # And pymarc's own is read.
    target.write_text("[" + ",".join(one["json"] for one in stored) + "]")
    assert [record.as_marc() for record in mrrc_ct.read(target)] == split(books.read_bytes())


def test_xml_holds_what_pymarc_writes(
    stored: list[Any], books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / "books.xml"
    mrrc_ct.convert(books, target)
    theirs = "<collection>" + "".join(one["xml"] for one in stored) + "</collection>"
    assert plain_xml(target.read_bytes()) == plain_xml(theirs.encode())
    for record, one in zip(mrrc_ct.MARCReader(books), stored):
        assert plain_xml(record.to_xml().encode()) == plain_xml(one["xml"].encode())
    # And pymarc's own is read.
    target.write_text(theirs, encoding="utf-8")
    assert [record.as_marc() for record in mrrc_ct.read(target)] == split(books.read_bytes())


def test_what_takes_pymarcs_place_makes_the_same_to_the_byte(
    script: Any, stored: list[Any], books: pathlib.Path
) -> None:
    library = importlib.import_module("mrrc_ct.pymarc")
    assert script.expected(library) == stored
    array = library.parse_json_to_array(
        io.StringIO("[" + ",".join(one["json"] for one in stored) + "]")
    )
    assert [record.as_marc() for record in array] == split(books.read_bytes())
    theirs = "<collection>" + "".join(one["xml"] for one in stored) + "</collection>"
    array = library.parse_xml_to_array(io.BytesIO(theirs.encode()))
    assert [record.as_marc() for record in array] == split(books.read_bytes())

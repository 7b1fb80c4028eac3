"""What a user's type checker sees."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest

PROGRAM = """
from typing import Optional, assert_type

import mrrc_ct
from mrrc_ct import Field, Indicators, Leader, MARCReader, MARCWriter, Record, Subfield, pymarc, query

for record in MARCReader("in.mrc"):
    assert_type(record, Record)
    assert_type(record.title(), Optional[str])
    assert_type(record.subjects(), list[Field])
    assert_type(record["245"], Field)
    assert_type(record.get("245"), Optional[Field])
    assert_type(record["245"].subfields, list[Subfield])
    assert_type(record.fields, list[Field])
    assert_type(record.leader, Leader)
    record.leader = "00000nam a2200000   4500"
    record.leader.type_of_record = "a"
    assert_type(record.fields_matching(query.tag("6XX") & ~query.has_subfield("v")), list[Field])
    for field in record:
        assert_type(field, Field)
        assert_type(field.value(), str)
        assert_type(field.indicators, Optional[Indicators])
    assert_type(record.as_marc(), bytes)

reader = MARCReader("in.mrc")
assert_type(reader.read_record(), Optional[Record])
for found, error in reader.iter_with_errors():
    if found is not None:
        assert_type(found, Record)

made = Record.from_fields([("001", "42"), ("245", "10", [("a", "Odes")])])
with MARCWriter("out.mrc") as writer:
    writer.write(made)
assert_type(mrrc_ct.write([made], "out.xml"), int)
assert_type(mrrc_ct.convert("out.mrc", "out.json").records_written, int)

with mrrc_ct.ProducerConsumerPipeline.from_file("in.mrc", workers=2) as pipeline:
    for record in pipeline:
        assert_type(record, Record)
    assert_type(pipeline.next(timeout=1), Optional[Record])
    assert_type(pipeline.try_next(), Optional[Record])
    assert_type(pipeline.stats.records, int)
    for batch in pipeline.batches():
        assert_type(batch, list[Record])
assert_type(mrrc_ct.split_offsets("in.mrc", 2), list[tuple[int, int]])
with mrrc_ct.build_index("in.mrc") as index:
    assert_type(index[1], Record)
    assert_type(index.find("42"), list[Record])

with open("in.mrc", "rb") as file:
    for old in pymarc.MARCReader(file):
        if old is None:
            continue
        assert_type(old, pymarc.Record)
        assert_type(old.title, Optional[str])
        assert_type(old.to_unicode, bool)
        assert_type(old["245"], pymarc.Field)
        assert_type(old.get_fields("650"), list[pymarc.Field])
        assert_type(old.leader, pymarc.Leader)
        old.add_field(pymarc.Field("590", pymarc.Indicators(" ", " "), [pymarc.Subfield("a", "x")]))
        assert_type(old.as_marc(), bytes)
"""


def test_a_users_program_passes_a_strict_type_checker(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("mypy", reason="mypy is among the development tools")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11"]
    done = subprocess.run(
        [*command, "--config-file", "", "--cache-dir", str(tmp_path / "cache"), str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_mistake_is_seen(tmp_path: pathlib.Path) -> None:
    pytest.importorskip("mypy", reason="mypy is among the development tools")
    program = tmp_path / "program.py"
    program.write_text(
        "import mrrc_ct\nfrom mrrc_ct import Record\n"
        "Record().titel()\nRecord().title().upper()\nmrrc_ct.reed('x')\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            str(tmp_path / "cache"),
            str(program),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'has no attribute "titel"' in done.stdout
    assert 'has no attribute "reed"' in done.stdout
    assert 'Item "None" of "str | None"' in done.stdout

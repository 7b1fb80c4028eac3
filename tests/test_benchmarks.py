"""What the benchmarks say of figures and results, without taking any."""

from __future__ import annotations

import importlib.util
import json
import pathlib
from types import ModuleType

import pytest

FOLDER = pathlib.Path(__file__).parents[1] / "benchmarks"


def script(name: str) -> ModuleType:
    path = FOLDER / f"{name}.py"
    if not path.exists():
        pytest.skip("there are no benchmarks here")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def instructions() -> ModuleType:
    return script("instructions")


@pytest.fixture
def compare() -> ModuleType:
    pytest.importorskip("pymarc")
    return script("compare")


@pytest.mark.parametrize(
    ("now", "note", "is_wrong"),
    [
        (1000, "", False),
        (1030, "+3.0%", False),
        (1031, "+3.1%, MORE", True),
        (970, "-3.0%", False),
        (900, "-10.0%, a gain: record it", False),
    ],
)
def test_more_instructions_than_the_room_are_wrong_and_fewer_are_told(
    instructions: ModuleType, now: int, note: str, is_wrong: bool
) -> None:
    lines, wrong = instructions.report({"scan": now}, {"scan": 1000}, "baseline")
    assert lines[-1].endswith(f"1,000{now:9,}  {note}".rstrip())
    assert wrong == (
        [f"scan, baseline: 1,000 a record, now {now:,} ({note[:5]})"] if is_wrong else []
    )


def test_only_the_librarys_own_instructions_count(instructions: ModuleType) -> None:
    profile = """events: Ir
ob=(1) /lib/ld.so
fn=(1) start
0 1000
ob=(2) /somewhere/libmrrc_ct.so
fn=(2) mrrc_scan
12 30
cob=(3) /lib/libc.so.6
cfn=(3) malloc
calls=2 0
12 500
13 4
ob=(3)
fn=(3)
0 500
ob=(2)
fn=(4)
0 7
totals: 1541
"""
    assert instructions.own_instructions(profile, "libmrrc_ct.so") == 41


def test_work_that_was_not_counted_before_is_no_failure(instructions: ModuleType) -> None:
    lines, wrong = instructions.report({"scan": 5}, {}, "baseline")
    assert "new: record it" in lines[-1]
    assert wrong == []


def test_two_sides_are_equal_only_when_they_are_equally_long(compare: ModuleType) -> None:
    assert compare.same_each(iter("ab"), ["a", "b"], "letters") == "letters"
    for one, other in (("ab", "a"), ("a", "ab"), ("ab", "ba")):
        with pytest.raises(SystemExit, match="the two sides differ: letters"):
            compare.same_each(one, other, "letters")


def test_parts_may_stand_in_another_order_and_have_other_blanks(compare: ModuleType) -> None:
    ours, theirs = ["one two three"], ["three\ttwo one"]
    assert compare.same_parts(ours, theirs, str.split, "words") == "words"
    with pytest.raises(SystemExit):
        compare.same_parts(["one two two"], ["one one two"], str.split, "words")


def test_json_of_two_shapes_has_the_same_parts_when_it_says_the_same(compare: ModuleType) -> None:
    leader = "00000nam a2200000   4500"
    field = {"ind1": "1", "ind2": "0"}
    ours = [{"245": {**field, "subfields": [{"b": "x"}, {"a": "y"}, {"a": "z"}]}}]
    theirs = [{"leader": leader}, {"245": {**field, "subfields": {"a": "z", "b": "x"}}}]
    one = compare.parts_of_json(json.dumps({"leader": leader, "fields": ours}))
    assert one == compare.parts_of_json(json.dumps(theirs))
    theirs[1]["245"]["ind1"] = "0"
    assert one != compare.parts_of_json(json.dumps(theirs))


def test_the_readme_gets_its_tables_between_two_lines(tmp_path: pathlib.Path) -> None:
    report = script("report")
    row = {"work": "count", "peer": "x", "at_least": 6, "ratio": 7.04, "lowest": 6.9}
    row.update({"highest": 7.2, "seconds": 0.002, "records": 1000, "is_disturbed": False})
    found = {"machine": "a machine", "date": "2026-11-25", "records": 1000, "growth": []}
    found.update({"command": "python benchmarks/suite.py", "rows": [row]})
    readme = tmp_path / "README.md"
    readme.write_text(f"Before.\n\n{report.BEGIN}\nold\n{report.END}\n\nAfter.\n")
    report.update_readme(found, readme)
    once = readme.read_text()
    assert "| count | x | **7.0** | 6.9 to 7.2 | 6 | 2.00 µs |" in once
    assert "a machine; 2026-11-25; 1,000 records; `python benchmarks/suite.py`." in once
    assert "old" not in once and once.startswith("Before.\n\n<!--") and once.endswith("After.\n")
    report.update_readme(found, readme)
    assert readme.read_text() == once


def test_the_readme_has_the_place_for_the_tables() -> None:
    report = script("report")
    text = (FOLDER.parent / "README.md").read_text()
    assert text.index(report.BEGIN) < text.index(report.END)

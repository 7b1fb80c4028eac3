"""What the count of instructions says of figures."""

from __future__ import annotations

import importlib.util
import pathlib
from types import ModuleType

import pytest

SCRIPT = pathlib.Path(__file__).parents[1] / "benchmarks" / "instructions.py"


@pytest.fixture
def instructions() -> ModuleType:
    if not SCRIPT.exists():
        pytest.skip("there are no benchmarks here")
    spec = importlib.util.spec_from_file_location("instructions", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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

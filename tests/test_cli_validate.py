"""`mrrc-ct validate`."""

from __future__ import annotations

import json
import os
import pathlib
import re
from typing import Callable

import pytest
from command import Command
from marc import iso2709

import mrrc_ct
from mrrc_ct.validation import FAULTS

Told = tuple[int, bytes, str]
Run = Callable[..., Told]
F008 = "990101s1999    nyua          000 0 eng  "
SOUND = iso2709(("001", "1"), ("008", F008), ("245", "10$aOdes"))
FAULTY = iso2709(("001", " 2 "), ("008", F008), ("245", "29$aOdes$xy"), ("440", " 0$aA"))


@pytest.fixture
def run(command: Command) -> Run:
    """Runs a command: its status, what it wrote, and what it said."""

    def run_it(*arguments: object, stdin: bytes = b"") -> Told:
        result = command(*arguments, stdin=stdin)
        return result.status, result.out, result.err

    return run_it


@pytest.fixture
def faulty(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A file of three records, the second and the third with faults."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "faulty.mrc"
    path.write_bytes(SOUND + FAULTY + iso2709(("245", "10$aOdes")))
    return path


LINES = [
    'faulty.mrc:2 (2) 245[0] indicator-invalid: indicator 1 is "2", should be one of "01"',
    "faulty.mrc:2 (2) 245[0] subfield-unknown: $x is not defined",
    "faulty.mrc:2 (2) 440[0] field-obsolete: is obsolete",
    "faulty.mrc:3 (-) 001 field-missing: is missing",
    "faulty.mrc:3 (-) 008 field-missing: is missing",
]


def test_a_line_for_each_fault(faulty: pathlib.Path, run: Run) -> None:
    status, out, err = run("validate", "faulty.mrc")
    assert (status, out.decode().splitlines()) == (1, LINES)
    assert err == "mrrc-ct: 3 records checked, 2 with faults: 4 errors, 1 warning\n"
    status, out, err = run("validate", "-", "-q", stdin=FAULTY)
    assert (status, err) == (1, "")
    assert out.startswith(b"<stdin>:1 (2) 245[0] ")


def test_sound_records_end_with_status_0(faulty: pathlib.Path, run: Run) -> None:
    faulty.write_bytes(SOUND)
    said = "mrrc-ct: 1 records checked, 0 with faults\n"
    assert run("validate", "faulty.mrc") == (0, b"", said)
    assert run("validate", "faulty.mrc", "-q", "--format", "jsonl") == (0, b"", "")


def test_warnings_and_codes_can_be_left_out(faulty: pathlib.Path, run: Run) -> None:
    status, out, _ = run("validate", "faulty.mrc", "--errors-only")
    assert (status, out.decode().splitlines()) == (1, [*LINES[:2], *LINES[3:]])
    codes = "subfield-unknown, field-missing"
    status, out, _ = run("validate", "faulty.mrc", "--ignore", codes)
    assert (status, out.decode().splitlines()) == (1, [LINES[0], LINES[2]])
    options = ["--ignore", f"{codes},indicator-invalid", "--errors-only"]
    assert run("validate", "faulty.mrc", "-q", *options) == (0, b"", "")
    status, out, err = run("validate", "faulty.mrc", "--ignore", "subfield-unkown")
    assert (status, out) == (2, b"")
    assert err == "mrrc-ct: there is no fault 'subfield-unkown'; did you mean 'subfield-unknown'?\n"


def test_json_lines_tell_all(faulty: pathlib.Path, run: Run) -> None:
    status, out, _ = run("validate", "faulty.mrc", "--format", "jsonl", "-o", "faults.jsonl")
    assert (status, out) == (1, b"")
    lines = [json.loads(line) for line in pathlib.Path("faults.jsonl").read_text().splitlines()]
    assert (lines[0]["code"], lines[0]["position"]) == ("indicator-invalid", 0)
    assert lines[1] == {
        "source": "faulty.mrc",
        "record": 2,
        "control_number": "2",
        "code": "subfield-unknown",
        "severity": "error",
        "tag": "245",
        "occurrence": 0,
        "subfield": "x",
        "position": None,
        "found": "$x",
        "message": "$x is not defined",
    }
    assert [(line["record"], line["code"]) for line in lines[2:]] == [
        (2, "field-obsolete"),
        (3, "field-missing"),
        (3, "field-missing"),
    ]


def test_the_summary_counts_by_code_and_tag(faulty: pathlib.Path, run: Run) -> None:
    status, out, _ = run("validate", "faulty.mrc", "faulty.mrc", "--format", "summary")
    assert status == 1
    rows = [re.split("  +", line.strip()) for line in out.decode().splitlines()]
    assert rows[0] == ["fault", "faults", "records", "first record"]
    assert rows[2:] == [
        ["field-missing", "4", "2", "faulty.mrc:3"],
        ["001", "2", "2", "faulty.mrc:3"],
        ["008", "2", "2", "faulty.mrc:3"],
        ["indicator-invalid", "2", "2", "faulty.mrc:2"],
        ["245", "2", "2", "faulty.mrc:2"],
        ["subfield-unknown", "2", "2", "faulty.mrc:2"],
        ["245", "2", "2", "faulty.mrc:2"],
        ["field-obsolete", "2", "2", "faulty.mrc:2"],
        ["440", "2", "2", "faulty.mrc:2"],
    ]


def test_the_summary_agrees_with_the_lines(books: pathlib.Path, run: Run) -> None:
    _, out, _ = run("validate", books)
    _, table, _ = run("validate", books, "--format", "summary")
    for code in FAULTS:
        count = len(re.findall(rf"\] {code}: ".encode(), out))
        found = re.search(rf"^{code} +([0-9]+)".encode(), table, re.M)
        assert int(found[1] if found else 0) == count


def test_own_rules_from_a_file(faulty: pathlib.Path, run: Run) -> None:
    rules = {"fields": {"245": {"subfields": "x"}, "001": {"required": False}}}
    pathlib.Path("ours.json").write_text(json.dumps(rules))
    status, out, _ = run("validate", "faulty.mrc", "--rules", "ours.json")
    assert (status, out.decode().splitlines()) == (1, [LINES[0], LINES[2], LINES[4]])
    pathlib.Path("ours.json").write_text('{"fields": {"245": {"subfield": "x"}}}')
    status, out, err = run("validate", "faulty.mrc", "--rules", "ours.json")
    assert (status, out) == (2, b"")
    assert "ours.json: fields.245: there is no setting 'subfield'; did you mean" in err
    status, out, err = run("validate", "faulty.mrc", "--rules", "none.toml")
    assert (status, out, "none.toml: cannot open" in err) == (2, b"", True)


def test_a_filter_and_other_formats(faulty: pathlib.Path, run: Run) -> None:
    mrrc_ct.convert(faulty, "faulty.xml")
    status, out, err = run("validate", "faulty.xml", "--where", "440")
    expected = [line.replace(".mrc", ".xml") for line in LINES[:3]]
    assert (status, out.decode().splitlines()) == (1, expected)
    assert err.startswith("mrrc-ct: 1 records checked")


def test_lost_and_salvaged_records_are_listed(faulty: pathlib.Path, run: Run) -> None:
    faulty.write_bytes(SOUND.replace(b"00", b"0x", 1) + SOUND)
    status, out, err = run("validate", "faulty.mrc")
    assert (status, out) == (1, b"")
    assert "salvaged: " in err and "2 records checked, 0 with faults" in err


def test_what_stands_in_a_record_does_not_break_the_line(faulty: pathlib.Path, run: Run) -> None:
    faulty.write_bytes(iso2709(("001", "a\nb\x1b[2J"), ("008", F008), ("245", "\r\n$aOdes")))
    _, out, _ = run("validate", "faulty.mrc", "--errors-only")
    assert len(out.splitlines()) == 2 and not re.search(rb"[\x00-\x09\x0b-\x1f]", out)


def test_the_codes_are_listed(run: Run) -> None:
    status, out, _ = run("validate", "--codes")
    assert status == 0
    assert [line.split()[0] for line in out.decode().splitlines()] == list(FAULTS)


def test_an_output_that_is_an_input_is_refused(faulty: pathlib.Path, run: Run) -> None:
    before = faulty.read_bytes()
    status, _, err = run("validate", "faulty.mrc", "-o", "faulty.mrc")
    assert status == 2 and "faulty.mrc" in err
    assert faulty.read_bytes() == before and os.listdir() == ["faulty.mrc"]

"""The commands that change or take apart: `edit`, `split`, `index`, `get`."""

from __future__ import annotations

import gzip
import importlib.util
import json
import logging
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
from typing import Callable

import pytest
from command import ENVIRONMENT, Command
from marc import iso2709
from marc import split as cut

import mrrc_ct
import mrrc_ct.index
from mrrc_ct import MARCReader, Record
from mrrc_ct.editing import Rules

Run = Callable[..., tuple[int, bytes, str]]

DOCS = pathlib.Path(__file__).parents[1] / "docs"


@pytest.fixture
def folder(
    books: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> pathlib.Path:
    """The folder that commands run in, with books.mrc."""
    shutil.copy(books, tmp_path / "books.mrc")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(command: Command) -> Run:
    """Runs a command: its status and what it wrote."""

    def run(*arguments: str, stdin: bytes = b"") -> tuple[int, bytes, str]:
        result = command(*arguments, stdin=stdin)
        return result.status, result.out, result.err

    return run


# ---- edit


def test_edit_writes_all_records_and_says_what_each_rule_did(
    folder: pathlib.Path, run: Run
) -> None:
    rules = [
        {"replace": "245$a", "pattern": " :$", "with": " /"},
        {"copy": "020", "to": "920"},
        {"sort": True},
        {"stamp": "20260102030405.6"},
    ]
    status, out, err = run(
        *("edit", "books.mrc", "-o", "new.mrc"),
        *("--replace", "245$a", " :$", " /", "--copy", "020", "920", "--sort"),
        *("--stamp", "20260102030405.6"),
    )
    assert (status, out) == (0, b"")
    made, expected, counts = Rules(rules), [], [0] * 4
    for record in MARCReader("books.mrc"):
        for number in made.apply(record):
            counts[number - 1] += 1
        expected.append(record.as_marc())
    assert pathlib.Path("new.mrc").read_bytes() == b"".join(expected)
    names = ["replace 245$a", "copy 020 to 920", "sort", "stamp 20260102030405.6"]
    for number, (name, count) in enumerate(zip(names, counts), 1):
        assert f"rule {number}, {name}: {count} records\n" in err
    assert f"{counts[3]} records changed\n" in err
    assert "150 records read, 150 written" in err
    # The same from a file, and with both.
    pathlib.Path("rules.json").write_text(json.dumps({"rules": rules[1:3]}))
    status, _, _ = run(
        *("edit", "books.mrc", "-o", "again.mrc", "-q", "--replace", "245$a", " :$", " /"),
        *("--rules", "rules.json", "--stamp", "20260102030405.6"),
    )
    assert status == 0
    assert pathlib.Path("again.mrc").read_bytes() == b"".join(expected)


def test_edit_of_some_records_only(folder: pathlib.Path, run: Run) -> None:
    status, out, _ = run("edit", "books.mrc", "--delete", "245", "--where", "not 020 or number < 3")
    assert status == 0
    before = cut(pathlib.Path("books.mrc").read_bytes())
    changed = 0
    for number, (old, new) in enumerate(zip(before, cut(out)), 1):
        record = Record(old)
        if "020" in record and number >= 3:
            assert new == old
        else:
            changed += 1
            record.remove_fields("245")
            assert new == record.as_marc()
    assert 0 < changed < 150


def test_edit_shows_what_it_would_do(folder: pathlib.Path, run: Run) -> None:
    status, out, err = run(
        "edit", "books.mrc", "-n", "-o", "new.mrc", "--set", "008[35:38]", "eng", "--delete", "999"
    )
    assert status == 0
    record = next(one for one in MARCReader("books.mrc") if one["008"].data[35:38] != "eng")
    old = next(line for line in record.to_mrk().splitlines() if line.startswith("=008"))
    assert out.decode().splitlines() == [
        f"record {record._number}, 001 {record['001'].data.strip()}",
        f"-{old}",
        f"+{old.replace('spa', 'eng')}",
        "",
    ]
    assert err.splitlines() == [
        "rule 1, set 008[35:38] to eng: 1 records",
        "rule 2, delete 999: 0 records",
        "1 records changed",
    ]
    assert os.listdir(folder) == ["books.mrc"]
    # Nothing else with --quiet.
    assert run("edit", "books.mrc", "-qn", "--set", "008[35:38]", "eng") == (0, out, "")


def test_differences_have_colours_on_a_terminal(
    folder: pathlib.Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(variable, raising=False)
    arguments = ("edit", "books.mrc", "-n", "--set", "008[35:38]", "eng")
    out = command(*arguments, terminal=("stdout",)).out
    assert b"\x1b[31m-=008" in out and b"\x1b[32m+=008" in out
    monkeypatch.setenv("NO_COLOR", "1")
    plain = command(*arguments, terminal=("stdout",)).out
    assert plain == command(*arguments).out
    assert b"\x1b" not in plain and b"-=008" in plain


def test_a_record_that_cannot_be_changed_is_written_as_it_was(
    folder: pathlib.Path, run: Run
) -> None:
    old = [
        iso2709(("001", str(n)), ("245", f"00$a{text}"), leader="00000nam  2200000   4500")
        for n, text in enumerate(["x", "y" * 9000, "z"])
    ]
    pathlib.Path("a.mrc").write_bytes(b"".join(old))
    # MARC-8 has no snowman; a field has no more than 9,999 bytes.
    for rule in (["--replace", "245$a", "x", "☃"], ["--replace", "245$a", "y", "yy"]):
        status, out, err = run("edit", "a.mrc", *rule, "--set", "001", "n")
        number = 1 if rule[2] == "x" else 2
        assert status == 1
        new = cut(out)
        assert [one == other for one, other in zip(old, new)] == [
            position == number for position in (1, 2, 3)
        ]
        assert f"warning: a.mrc: record {number}" in err
        assert "; the record stays as it was" in err
        assert Record(new[2])["001"].data == "n"
    # In another format there is room for it.
    status, out, err = run("edit", "a.mrc", "--replace", "245$a", "y", "yy", "--to", "mrk")
    assert (status, err) == (0, "")
    assert b"y" * 18_000 in out
    # A rule that fails.
    status, out, err = run("edit", "books.mrc", "--replace", "008[35:38]", "spa", "Spanish")
    assert status == 1
    assert out == pathlib.Path("books.mrc").read_bytes()
    assert "rule 1, replace 008[35:38]: 'spa' would become 'Spanish', of another length" in err


def test_edit_of_damaged_records_keeps_what_it_does_not_touch(
    folder: pathlib.Path, run: Run
) -> None:
    bad = iso2709(("001", "1"), ("245", b"00\x1fa\xff"), ("500", "  $ax"))
    pathlib.Path("bad.mrc").write_bytes(bad)
    status, out, err = run("edit", "bad.mrc", "--delete", "999")
    assert (status, out) == (1, bad)
    assert "salvaged: bad.mrc: record 1" in err
    status, out, err = run("edit", "bad.mrc", "--delete", "500", "--recovery", "strict")
    assert (status, out, err) == (0, iso2709(("001", "1"), ("245", b"00\x1fa\xff")), "")


def test_edit_from_and_to_other_formats(folder: pathlib.Path, run: Run) -> None:
    arguments = ("--delete", "245$c", "--add", "500 __ $aä")
    status, expected, _ = run("edit", "books.mrc", *arguments, "--to", "jsonl")
    assert status == 0
    for name in ("books.xml", "books.json", "books.mrk", "books.mrc.gz"):
        assert run("convert", "books.mrc", "-o", name, "-q")[0] == 0
        assert run("edit", name, *arguments, "--to", "jsonl") == (0, expected, "")
    data = pathlib.Path("books.mrc").read_bytes()
    status, out, _ = run("edit", "-", *arguments, stdin=data)
    assert status == 0
    assert len(cut(out)) == 150


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to change: --rules FILE"),
        (["--delete", "9"], "rule 1, delete: '9' is no place"),
        (["--delete", "9XX", "--set", "245", "x"], "rule 2, set: say which subfield"),
        (["--rules", "a.json"], "a.json: rule 2, pattern: this is no regular expression"),
        (["--rules", "b.json"], "b.json: the file cannot be read"),
        (["--rules", "none.toml"], "none.toml: cannot open"),
        (["--copy", "020"], "--copy: expected 2 arguments"),
        (["--delete", "9XX", "--where", "245$a = 'x'"], "a comparison is written =="),
        (["--delete", "9XX", "--where", "offset > 3"], "not known here"),
        (["--stamp", "today"], "now or yyyymmddhhmmss.f"),
        (["--delet", "9XX"], "--delet"),
    ],
)
def test_wrong_rules_are_told_before_anything_is_read(
    folder: pathlib.Path, run: Run, arguments: list[str], said: str
) -> None:
    rules = [{"delete": "9XX"}, {"replace": "245$a", "pattern": "(", "with": ""}]
    (folder / "a.json").write_text(json.dumps({"rules": rules}))
    (folder / "b.json").write_text("{")
    # The input is not there: nobody looks.
    status, out, err = run("edit", "none.mrc", "-o", "new.mrc", *arguments)
    assert (status, out) == (2, b"")
    assert said in err
    assert "none.mrc" not in err
    assert not (folder / "new.mrc").exists()


def test_the_guide_to_editing(folder: pathlib.Path, run: Run) -> None:
    """Its commands run, its files of rules say the same, its Python does."""
    text = (DOCS / "editing.md").read_text()
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)
    kinds = [kind for kind, _ in blocks]
    assert {"sh", "toml", "yaml", "json", "python"} <= set(kinds)
    by_kind = dict(blocks)
    for kind in ("toml", "yaml", "json"):
        (folder / f"rules.{kind}").write_text(by_kind[kind])
    names = [rule.name for rule in Rules.load("rules.json").rules]
    assert names == ["delete 9XX, 029", "copy 020 to 920", "stamp now"]
    if importlib.util.find_spec("yaml") and sys.version_info >= (3, 11):
        shown = [
            [(rule.name, rule.concerns and rule.concerns.program) for rule in rules.rules]
            for rules in (Rules.load("rules.toml"), Rules.load("rules.yaml"))
        ]
        assert shown[0] == shown[1]
    command = f'mrrc-ct () {{ "{sys.executable}" -m mrrc_ct "$@"; }}; set -e; '
    for kind, block in blocks:
        if kind == "sh" and ("rules.toml" not in block or sys.version_info >= (3, 11)):
            done = subprocess.run(
                ["bash", "-c", command + block], env=ENVIRONMENT, capture_output=True, check=False
            )
            assert done.returncode == 0, block + done.stderr.decode()
    exec(compile(by_kind["python"], "editing.md", "exec"), {})
    assert len(list(MARCReader("new.mrc"))) == 150
    # Every rule of the table, and the option beside it, are rules.
    rows = re.findall(r"^\| `(\S+?: .*?)` \| `(--.*?)` \|", text, re.M)
    assert len(rows) == 10
    for keys, option in rows:
        rule = dict(pair.split(": ", 1) for pair in keys.split("`<br>`"))
        rule = {key: value.strip('"') for key, value in rule.items()}
        (made,) = Rules([rule]).rules
        done = subprocess.run(
            ["bash", "-c", f"{command} mrrc-ct edit books.mrc -n {option}"],
            env=ENVIRONMENT,
            capture_output=True,
            check=False,
        )
        assert f"rule 1, {made.name}: " in done.stderr.decode()


# ---- split


def test_split_lists_what_it_wrote(folder: pathlib.Path, run: Run) -> None:
    status, out, err = run("split", "books.mrc", "--records", "70")
    assert (status, err) == (0, "")
    assert out == b"books-0001.mrc\t70\nbooks-0002.mrc\t70\nbooks-0003.mrc\t10\n"
    data = pathlib.Path("books.mrc").read_bytes()
    parts = [pathlib.Path(f"books-000{n}.mrc").read_bytes() for n in (1, 2, 3)]
    assert b"".join(parts) == data
    status, out, err = run("split", "books.mrc", "--by", "008[35:38]", "-o", "by-{}.xml.gz")
    assert (status, out) == (0, b"by-eng.xml.gz\t149\teng\nby-spa.xml.gz\t1\tspa\n")
    assert "150 records read, 150 written" in err
    assert len(list(mrrc_ct.read("by-eng.xml.gz"))) == 149


def test_split_of_standard_input_and_to_other_formats(folder: pathlib.Path, run: Run) -> None:
    data = pathlib.Path("books.mrc").read_bytes()
    status, out, _ = run("split", "--bytes", "100K", "--to", "marcxml", stdin=data)
    assert status == 0
    names = [line.split("\t")[0] for line in out.decode().splitlines()]
    assert names == [f"records-{n:04}.xml" for n in range(1, len(names) + 1)]
    assert all(os.path.getsize(name) <= 100 * 1024 for name in names)
    assert sum(len(mrrc_ct.xml_to_records(pathlib.Path(name))) for name in names) == 150


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of the arguments --records --bytes --by is required"),
        (["--records", "5", "--by", "001"], "not allowed with"),
        (["--records", "0"], "at least one record"),
        (["--records", "x"], "invalid int value"),
        (["--records", "5", "-o", "x.mrc"], "one {} in the name"),
        (["--by", "24"], "is no place"),
        (["--by", "001", "--max-files", "20"], "more than 20 files"),
        (["--records", "5", "-o", "no/{}.mrc"], "no/0001.mrc: cannot write"),
    ],
)
def test_what_cannot_be_split(
    folder: pathlib.Path, run: Run, arguments: list[str], said: str
) -> None:
    status, out, err = run("split", "books.mrc", *arguments)
    assert (status, out) == (2, b"")
    assert said in err
    assert os.listdir(folder) == ["books.mrc"]


# ---- index and get


def test_get_finds_all_that_match(folder: pathlib.Path, run: Run) -> None:
    one, two, three = cut(pathlib.Path("books.mrc").read_bytes())[:3]
    pathlib.Path("a.mrc").write_bytes(one + two + three + two)
    assert run("index", "a.mrc") == (0, b"a.mrc.mrrc-index\t4\n", "")
    control_number = Record(two)["001"].data.strip()
    assert run("get", "a.mrc", control_number) == (0, two + two, "")
    assert run("get", "a.mrc", "#3", control_number, "#1", "#3") == (0, three + two + two + one, "")
    pathlib.Path("ids.txt").write_text(f"\n#1\n  {control_number} \n")
    assert run("get", "a.mrc", "--ids", "ids.txt") == (0, one + two + two, "")
    assert run("get", "a.mrc", "--ids", "-", stdin=b"#3\r\n") == (0, three, "")
    status, out, _ = run("get", "a.mrc", "#2", "--to", "mrk")
    assert (status, out.decode()) == (0, Record(two).to_mrk())
    status, out, err = run("get", "a.mrc", "#2", "-o", "b.jsonl")
    assert (status, out) == (0, b"")
    assert "1 records read, 1 written" in err
    assert [record.as_marc() for record in mrrc_ct.read("b.jsonl")] == [two]


def test_get_names_what_is_not_there(folder: pathlib.Path, run: Run) -> None:
    status, out, err = run("get", "books.mrc", "#151", "nope", "#1", "#0")
    assert status == 1
    assert cut(out) == cut(pathlib.Path("books.mrc").read_bytes())[:1]
    for said in ("no record #151", "no record with 001 nope", "no record #0"):
        assert f"mrrc-ct: books.mrc: there is {said}\n" in err


def test_an_index_out_of_date_is_built_again(folder: pathlib.Path, run: Run) -> None:
    records = cut(pathlib.Path("books.mrc").read_bytes())
    status, out, err = run("get", "books.mrc", "#2")
    assert (status, out) == (0, records[1])
    assert err == "mrrc-ct: building an index, books.mrc.mrrc-index\n"
    assert run("get", "books.mrc", "#2") == (0, records[1], "")
    pathlib.Path("books.mrc").write_bytes(b"".join(records[5:]))
    status, out, err = run("get", "books.mrc", "#2")
    assert (status, out) == (0, records[6])
    assert "the file has changed since the index was built" in err
    assert run("get", "books.mrc", "#2") == (0, records[6], "")
    pathlib.Path("books.mrc.mrrc-index").write_bytes(b"mrrc-ct index 1\n{}\n")
    status, out, err = run("get", "books.mrc", "#2")
    assert (status, out) == (0, records[6])
    assert "this is no index, or it is damaged" in err
    assert sorted(os.listdir(folder)) == ["books.mrc", "books.mrc.mrrc-index"]


def test_an_index_that_cannot_be_kept_is_of_use_all_the_same(
    folder: pathlib.Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(target: str) -> None:
        raise mrrc_ct.errors.SourceError("cannot write to: no room", source=target)

    monkeypatch.setattr(mrrc_ct.index, "open_target", fail)
    status, out, err = run("get", "books.mrc", "#2")
    assert (status, len(cut(out))) == (0, 1)
    assert "mrrc-ct: it is not kept: books.mrc.mrrc-index: cannot write to: no room" in err
    status, out, err = run("index", "books.mrc")
    assert (status, out) == (2, b"")
    assert "no room" in err


def test_get_counts_damaged_records_as_the_other_commands_do(
    folder: pathlib.Path, run: Run
) -> None:
    records = [iso2709(("001", str(n)), ("245", f"00$aTitle {n}")) for n in (1, 2, 3)]
    damaged = b"0x" + records[1][2:]
    pathlib.Path("a.mrc").write_bytes(records[0] + damaged + records[2])
    status, _, err = run("index", "a.mrc")
    assert status == 1
    assert "a.mrc: record 2" in err
    assert run("get", "a.mrc", "#3", "3") == (0, records[2], "")
    status, out, err = run("get", "a.mrc", "#2")
    assert (status, out) == (1, records[1])
    assert "salvaged: a.mrc: record 2" in err
    status, out, err = run("get", "a.mrc", "2", "--recovery", "strict")
    assert (status, out) == (1, b"")
    assert "lost: a.mrc: record 2" in err


def test_index_and_get_of_several_files(folder: pathlib.Path, run: Run) -> None:
    one, two, three, four = cut(pathlib.Path("books.mrc").read_bytes())[:4]
    pathlib.Path("a.mrc").write_bytes(one + two)
    pathlib.Path("b.mrc").write_bytes(three + two + two)
    pathlib.Path("c.mrc").write_bytes(four)
    status, out, err = run("index", "[a-c].mrc", "a.mrc", "--threads", "2")
    assert (status, err) == (0, "")
    assert out == b"a.mrc.mrrc-index\t2\nb.mrc.mrrc-index\t3\nc.mrc.mrrc-index\t1\n"
    first, second, fourth = (Record(data)["001"].data.strip() for data in (one, two, four))
    files = ["a.mrc", "b.mrc", "c.mrc"]
    # In the order of the keys, and for each in that of the files.
    assert run("get", *files, second, first) == (0, two + two + two + one, "")
    assert run("get", "b.mrc", second, "a.mrc", first) == (0, two + two + two + one, "")
    assert run("get", *files, "#2", "#1", "#2") == (0, two + two + one + three + four, "")
    assert run("get", "[bc].mrc", fourth, "#3") == (0, four + two, "")
    assert run("get", "c.mrc", "[ab].mrc", "a.mrc", fourth) == (0, four, "")
    pathlib.Path("ids.txt").write_text(f"{fourth}\n{first}\n")
    assert run("get", *files, "--ids", "ids.txt") == (0, four + one, "")
    # Only what no file has is missing.
    status, out, err = run("get", *files, "nope", "#3", "#4")
    assert (status, out) == (1, two)
    assert err.splitlines()[:2] == [
        "mrrc-ct: a.mrc and 2 more: there is no record with 001 nope",
        "mrrc-ct: a.mrc and 2 more: there is no record #4",
    ]
    # A file that is not there is no key, as its name tells; and nothing is read before that is said.
    shutil.copy("c.mrc", "d.mrc")
    for arguments in (["index", "d.mrc", "e.mrc"], ["get", "d.mrc", "#1", "e.mrc"]):
        status, out, err = run(*arguments)
        assert (status, out, err) == (
            2,
            b"",
            "mrrc-ct: e.mrc: cannot open: No such file or directory\n",
        )
    assert not os.path.exists("d.mrc.mrrc-index")
    status, out, err = run("get", *files, "#1", "-o", "b.mrc")
    assert status == 2
    assert "the same file" in err


#: Of a run: its status, what it wrote, and the files that there are behind it.
Ran = tuple[int, bytes, str, dict[str, bytes]]


@pytest.mark.parametrize(
    "arguments",
    [
        "edit @ --delete 9XX --stamp 20200101000000.0 --where 650 -o out.mrc",
        "edit @ --replace 245$a ^The A -o out.xml --recovery strict",
        "edit @ --set 008[35:38] xxx --dry-run",
        "split @ --by 008[35:38] -o by-{}.mrc",
        "split @ --records 40 --where 650 -o part-{}.json.gz",
        "head @ -n 130 --where 650 -o out.mrc",
        "head @ -n 300 -o out.mrk",
        "repair damaged.mrc books.mrc.gz - -o out.mrc --report report.jsonl",
        "validate @ --where 650",
        "index damaged.mrc books.mrc",
        "get damaged.mrc books.mrc #18 #63 #132 #149 00000505 00009532 #400 -o out.mrc",
    ],
)
def test_threads_change_nothing(
    folder: pathlib.Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    arguments: str,
) -> None:
    books = pathlib.Path("books.mrc").read_bytes()
    damage = bytearray(books)
    dice = random.Random(5)
    for _ in range(12):
        damage[dice.randrange(len(damage))] = dice.choice(b"\x1d\x1e\x1f0z\xff")
    pathlib.Path("damaged.mrc").write_bytes(damage)
    pathlib.Path("books.mrc.gz").write_bytes(gzip.compress(books, mtime=0))
    mrrc_ct.convert("books.mrc", "more.xml")
    words = arguments.replace("@", "damaged.mrc books.mrc.gz more.xml - books.mrc").split()
    stdin = bytes(damage[:-500])
    before = set(os.listdir())
    # Pieces of few records, so that there are many.
    monkeypatch.setitem(mrrc_ct._pieces.Pieces.__init__.__kwdefaults__, "size", 5000)
    monkeypatch.setattr(mrrc_ct.tables, "_PIECE_BYTES", 5000)
    seconds = re.compile(r'\d+\.\d\d s\b|"seconds": [\d.e-]+')
    found: list[Ran] = []
    for threads in ("1", "2", "4"):
        caplog.clear()
        with caplog.at_level(logging.DEBUG, "mrrc_ct"):
            status, out, err = run(*words, "--threads", threads, stdin=stdin)
        assert ("threads start" in caplog.text) == (threads > "1")
        made = sorted(set(os.listdir()) - before)
        files = {name: pathlib.Path(name).read_bytes() for name in made}
        if "report.jsonl" in files:
            files["report.jsonl"] = seconds.sub("", files["report.jsonl"].decode()).encode()
        for name in made:
            os.unlink(name)
        found.append((status, out, seconds.sub("", err), files))
    assert found[0][0] == 1, found[0][2]
    assert found[0][2].count("salvaged: ") + found[0][2].count("lost: ") > 3
    assert found[0][1] or found[0][3]
    assert found[1] == found[0]
    assert found[2] == found[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["get", "-", "1"], "cannot be gone back in"),
        (["index", "books.mrc", "-"], "cannot be gone back in"),
        (["get", "books.mrc", "books.mrc.gz", "1"], "unpack it first"),
        (["get", "books.mrc"], "say which records"),
        (["get", "books.mrc", "#x"], "#x: behind # should be the number of a record"),
        (["get", "none.mrc", "1"], "none.mrc: cannot open"),
        (["get", ".", "1"], "directory"),
        (["get", "books.mrc.gz", "1"], "unpack it first"),
        (["get", "books.xml", "1"], "only ISO 2709 can be indexed, and this is marcxml"),
        (["get", "books.mrc", "--ids", "none.txt"], "none.txt: cannot read"),
        (["get", "books.mrc", "#1", "-o", "books.mrc"], "the same file"),
        (["get"], "the following arguments are required: FILE"),
        (["index", "books.mrc.gz"], "unpack it first"),
        (["index", "none.mrc"], "none.mrc: cannot open"),
        (["index", "books.xml"], "only ISO 2709"),
    ],
)
def test_what_cannot_be_got(
    folder: pathlib.Path, run: Run, arguments: list[str], said: str
) -> None:
    mrrc_ct.convert("books.mrc", "books.xml")
    mrrc_ct.convert("books.mrc", "books.mrc.gz")
    before = pathlib.Path("books.mrc").read_bytes()
    status, out, err = run(*arguments)
    assert (status, out) == (2, b"")
    assert said in err
    assert pathlib.Path("books.mrc").read_bytes() == before

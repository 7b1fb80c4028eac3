"""The drop-in beside pymarc itself: the same calls, the same answers."""

from __future__ import annotations

import copy
import importlib
import inspect
import io
import os
import pathlib
import pickle
import pkgutil
import re
import subprocess
import sys
import tarfile
import warnings
from typing import Any

import pytest
from marc import LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import errors

theirs = pytest.importorskip("pymarc", reason="pymarc 5.4 needs Python 3.10")
ours = importlib.import_module("mrrc_ct.pymarc")

VERSION = "5.4.0"

#: Tests of pymarc's own that cannot pass because they assert a bug, with the reason.
TESTS_LEFT_OUT: dict[str, str] = {}


# ---- pymarc's own tests


@pytest.fixture(scope="session")
def pymarc_tests(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> pathlib.Path:
    """A folder with pymarc's tests, fetched from the package index, and kept for the next run."""
    kept = request.config.cache.mkdir(f"pymarc-{VERSION}") / "sdist.tar.gz"
    if not kept.exists():
        folder = tmp_path_factory.mktemp("download")
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", ":all:"]
        done = subprocess.run(
            [*command, "--quiet", "--dest", str(folder), f"pymarc=={VERSION}"],
            capture_output=True,
            text=True,
            check=False,
        )
        found = list(folder.glob("pymarc-*.tar.gz"))
        if not found:
            pytest.skip(f"pymarc's sources cannot be fetched: {done.stderr.strip()[-200:]}")
        kept.write_bytes(found[0].read_bytes())
    target = tmp_path_factory.mktemp("pymarc")
    with tarfile.open(kept) as archive:
        for member in archive:
            _, _, name = member.name.partition("/")
            if name.startswith("test/") and member.isfile() and ".." not in name:
                content = archive.extractfile(member)
                assert content is not None
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
    return target


def test_pymarcs_own_tests_pass(pymarc_tests: pathlib.Path) -> None:
    (pymarc_tests / "conftest.py").write_text(
        "import mrrc_ct.pymarc\nmrrc_ct.pymarc.install()\n"
        "def pytest_report_header(config):\n"
        "    import pymarc\n"
        "    return f'tested: {pymarc.__name__}'\n"
    )
    left_out = [f"--deselect={name}" for name in TESTS_LEFT_OUT]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", *left_out, "test"],
        cwd=pymarc_tests,
        env={**os.environ, "PYTHONPATH": str(pathlib.Path(mrrc_ct.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "tested: mrrc_ct.pymarc" in done.stdout
    # `MARCReaderBaseTest` and the like included, pymarc 5.4.0 has 174.
    assert re.search(r"174 passed", done.stdout), done.stdout[-300:]
    assert "skipped" not in done.stdout.rsplit("\n", 2)[-2]


# ---- names


MODULES = [info.name for info in pkgutil.iter_modules(theirs.__path__)]


def public(module: Any) -> dict[str, Any]:
    """What a module of pymarc defines itself, or as a constant."""
    found = {}
    for name, value in vars(module).items():
        if name.startswith("_") or inspect.ismodule(value) or name == "feature_namespaces":
            continue
        if getattr(value, "__module__", "pymarc").startswith("pymarc"):
            found[name] = value
    return found


@pytest.mark.parametrize("module", ["", *MODULES])
def test_every_public_name_is_there(module: str) -> None:
    name = f".{module}" if module else ""
    own = importlib.import_module(f"mrrc_ct.pymarc{name}")
    expected = public(importlib.import_module(f"pymarc{name}"))
    if module != "constants":
        # Most modules import these from there.
        expected = {
            one: value for one, value in expected.items() if not hasattr(theirs.constants, one)
        }
        # And what they need of each other, errors above all.
        expected = {
            one: value
            for one, value in expected.items()
            if getattr(value, "__module__", "") in ("", f"pymarc{name}") or not module
        }
    assert [one for one in expected if not hasattr(own, one)] == []


def signatures(value: Any) -> dict[str, list[tuple[str, Any, Any]]]:
    """Parameters of a function, or of a class's own public methods."""
    if inspect.isclass(value):
        members = {
            name: member
            for name, member in inspect.getmembers(value, inspect.isroutine)
            if name == "__init__" or not name.startswith("_")
        }
    else:
        members = {"": value}
    found = {}
    for name, member in members.items():
        if getattr(member, "__module__", "") and "pymarc" in str(member.__module__):
            parameters = inspect.signature(member).parameters.values()
            found[name] = [(one.name, one.kind, one.default) for one in parameters]
    return found


@pytest.mark.parametrize(
    "name", [name for name, value in public(theirs).items() if callable(value)]
)
def test_signatures_are_pymarcs(name: str) -> None:
    own, other = getattr(ours, name), getattr(theirs, name)
    if name in ("Subfield", "Indicators"):
        assert own._fields == other._fields
        return
    for method, expected in signatures(other).items():
        member = getattr(own, method) if method else own
        parameters = list(inspect.signature(member).parameters.values())
        # What pymarc does not have can only be given by its name.
        extra = {"recovery_mode"} if name == "MARCReader" else set()
        found = [(one.name, one.kind, one.default) for one in parameters if one.name not in extra]
        for one in parameters:
            assert one.name not in extra or one.kind == inspect.Parameter.KEYWORD_ONLY
        if name == "Record" and method == "__init__":
            # The default is an empty text in pymarc; nothing but bytes is of use.
            expected = [(*one[:2], b"") if one[0] == "data" else one for one in expected]
        # One that takes any number may call them what it likes.
        unnamed = inspect.Parameter.VAR_POSITIONAL
        found = [("", *one[1:]) if one[1] == unnamed else one for one in found]
        expected = [("", *one[1:]) if one[1] == unnamed else one for one in expected]
        assert found == expected, method


@pytest.mark.parametrize("name", list(public(theirs.exceptions)))
def test_exceptions_have_pymarcs_inheritance_and_text(name: str) -> None:
    own, other = getattr(ours, name), getattr(theirs, name)
    assert [one.__name__ for one in own.__mro__] == [one.__name__ for one in other.__mro__]
    if name == "MissingLinkedFields":
        assert str(own(ours.Field("245"))) == str(other(theirs.Field("245")))
    elif name == "BadSubfieldCodeWarning":
        assert str(own(b"\xc3\xa1x")) == str(other(b"\xc3\xa1x"))
    else:
        assert str(own()) == str(other())


def test_installed_it_is_what_import_pymarc_finds() -> None:
    program = (
        "import mrrc_ct.pymarc; mrrc_ct.pymarc.install()\n"
        "import pymarc, pymarc.marcxml\n"
        "from pymarc.record import Record\n"
        "from pymarc.marc8_mapping import CODESETS\n"
        "assert pymarc is mrrc_ct.pymarc and Record is mrrc_ct.pymarc.Record\n"
        "print(len(CODESETS))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("12\n", "")


def test_the_mapping_is_pymarcs_where_docs_say_nothing_else() -> None:
    own = importlib.import_module("mrrc_ct.pymarc.marc8_mapping")
    other = importlib.import_module("pymarc.marc8_mapping")
    assert own.ODD_MAP == other.ODD_MAP
    different = {}
    for final, table in other.CODESETS.items():
        codes = {code for code, entry in table.items() if own.CODESETS[final].get(code) != entry}
        if codes:
            different[final] = len(codes)
    # EACC: five codes that docs/marc8.md names and eight whose ideographs are the same in NFC;
    # Greek: three whose characters are; ASCII: four control characters.
    assert different == {0x31: 13, 0x53: 3, 0x42: 4}


# ---- reading


def everything(module: Any, record: Any) -> dict[str, Any]:
    """All that a record says of itself."""
    said: dict[str, Any] = {
        name: getattr(record, name)
        for name in ("title", "issn_title", "isbn", "issn", "issnl", "sudoc", "author")
    }
    for name in ("uniformtitle", "publisher", "pubyear"):
        said[name] = getattr(record, name)
    for name in ("series", "subjects", "addedentries", "location", "notes", "physicaldescription"):
        said[name] = [str(field) for field in getattr(record, name)]
    said["values"] = [field.value() for field in record.fields]
    said["formatted"] = [field.format_field() for field in record.fields]
    said["json"] = record.as_json()
    said["dict"] = record.as_dict()
    said["text"] = str(record)
    said["leader"] = str(record.leader)
    said["xml"] = module.record_to_xml(record)
    said["xml with namespace"] = module.record_to_xml(record, namespace=True)
    said["marc"] = record.as_marc()
    said["leader behind"] = str(record.leader)
    return said


@pytest.mark.parametrize("size", ["books", "books_20k", "books_20k_marc8"])
def test_every_record_says_what_pymarcs_says(size: str, request: pytest.FixtureRequest) -> None:
    data = request.getfixturevalue(size).read_bytes()
    records = zip(ours.MARCReader(data), theirs.MARCReader(data), split(data))
    for number, (own, other, chunk) in enumerate(records, 1):
        said = everything(theirs, other)
        assert everything(ours, own) == said, number
        if size == "books":
            assert everything(ours, ours.Record(chunk)) == said


def test_awkward_records_say_what_pymarcs_say(awkward: pathlib.Path) -> None:
    data = awkward.read_bytes()
    for own, other in zip(ours.MARCReader(data), theirs.MARCReader(data)):
        assert own.as_dict() == other.as_dict()
        assert own.as_marc() == other.as_marc()
        assert str(own) == str(other)


@pytest.mark.parametrize(
    "options", [{}, {"to_unicode": False}, {"force_utf8": True}, {"hide_utf8_warnings": True}]
)
def test_options_are_pymarcs(options: dict[str, bool], books: pathlib.Path) -> None:
    marc8 = iso2709(("245", b"  \x1faDe la solitude \xe1a la communaut\xe2e"), leader=LEADER_MARC8)
    unflagged = iso2709(("245", "  $aÀ la communauté"), leader=LEADER_MARC8)
    data = b"".join(split(books.read_bytes())[:20]) + marc8 + unflagged
    records = list(ours.MARCReader(data, **options))
    expected = list(theirs.MARCReader(data, **options))
    assert len(records) == len(expected) == 22
    for own, other in zip(records, expected):
        assert (own is None) == (other is None)
        if own is None:
            continue
        assert [type(field).__name__ for field in own] == [type(field).__name__ for field in other]
        assert own.as_dict() == other.as_dict()
        assert own.as_marc() == other.as_marc()


def outcome(module: Any, data: bytes, **options: Any) -> list[Any]:
    """What a reader makes of data, up to where it stops."""
    found: list[Any] = []
    reader = module.MARCReader(data, **options)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for record in reader:
            found.append(
                (
                    record and record.as_dict(),
                    type(reader.current_exception).__name__,
                    reader.current_chunk,
                )
            )
    found.append([type(one.message).__name__ for one in warned])
    return found


SOUND = iso2709(("001", "1"), ("245", "10$aOdes"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"0012",
        b"0012X",
        b"00120cam",
        b"00006 ",
        SOUND + b"\n" + SOUND,
        SOUND + SOUND[:-10],
        SOUND + b"x" + SOUND[1:] + SOUND,
        SOUND + SOUND.replace(b"\x1d", b" ") + SOUND,
        SOUND[:12] + b"00000" + SOUND[17:] + SOUND,
        SOUND[:12] + b"99999" + SOUND[17:] + SOUND,
        SOUND[:12] + b"f0037" + SOUND[17:] + SOUND,
        SOUND[:12] + b"00038" + SOUND[17:] + SOUND,
        SOUND[:24] + b"0\xc31" + SOUND[27:] + SOUND,
        SOUND[:39] + b"9999" + SOUND[43:] + SOUND,
        iso2709() + SOUND,
        iso2709(("245", b"10\x1fa\xff\xfe")) + SOUND,
        iso2709(("001", b"\xff"), ("245", "10$aOdes")) + SOUND,
        iso2709(("245", b"\xe9 \x1faOdes")) + SOUND,
        iso2709(("245", b"10\x1f\xc3\xa1Odes")) + SOUND,
        iso2709(("245", b"\x1faOdes"), ("246", b"1\x1faOdes"), ("247", b"123\x1faOdes")) + SOUND,
        iso2709(("245", b"10\x1f\x1faOdes\x1f")) + SOUND,
        iso2709(("245", b"10\x1faO\x1fb\x1b"), leader=LEADER_MARC8) + SOUND,
        iso2709(("001", b"\xe9"), ("245", b"10\x1faO\xcc\x80\xff"), leader=LEADER_MARC8) + SOUND,
    ],
)
@pytest.mark.parametrize("options", [{}, {"utf8_handling": "replace"}, {"utf8_handling": "ignore"}])
def test_damage_is_noticed_where_pymarc_notices_it(data: bytes, options: dict[str, str]) -> None:
    assert outcome(ours, data, **options) == outcome(theirs, data, **options)


@pytest.mark.parametrize("byte", [b"\x1e", b"\x1d"])
def test_a_terminator_inside_a_field_stays_there(byte: bytes) -> None:
    data = iso2709(("245", "10$aOdes and more"), ("500", "  $anote"))
    data = data.replace(b"Odes and", b"Odes" + byte + b"and")
    assert outcome(ours, data) == outcome(theirs, data)
    for module in (ours, theirs):
        record = module.Record(data)
        assert record["500"]["a"] == "note"
        assert record.as_marc() == data


def test_an_encoding_of_pythons_is_read(books: pathlib.Path) -> None:
    data = iso2709(
        ("245", "10$aОсновы".encode("cp1251").replace(b"$", b"\x1f")), leader=LEADER_MARC8
    )
    assert outcome(ours, data, file_encoding="cp1251") == outcome(
        theirs, data, file_encoding="cp1251"
    )


def test_a_file_object_is_read_and_closed(books: pathlib.Path) -> None:
    with books.open("rb") as file:
        reader = ours.MARCReader(file)
        assert len(list(reader)) == 150
        reader.close()
        assert file.closed


# ---- fields and records


def test_fields_keep_their_identity_and_their_edits() -> None:
    record = ours.Record(SOUND)
    held = record["245"]
    assert record["245"] is held
    assert held in record.fields
    held["a"] = "Hymns"
    assert record.title == "Hymns"
    assert b"Hymns" in record.as_marc()
    assert record.get_fields() is record.fields
    assert [held] == [record.get("245")]
    assert held != copy.deepcopy(held)
    assert {held: 1}[held] == 1


def test_records_are_copied_and_pickled(books: pathlib.Path) -> None:
    for record in ours.MARCReader(books.read_bytes()[:5000]):
        if record is None:
            continue
        for again in (copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
            assert again.as_dict() == record.as_dict()
            again["245"]["a"] = "Other"
            assert record.title != again.title
        record.remove_fields("650")
        assert "650" not in pickle.loads(pickle.dumps(record))


def test_next_goes_through_fields_and_subfields() -> None:
    for module in (ours, theirs):
        record = module.Record(SOUND)
        iter(record)
        assert [next(record).tag, next(record).tag] == ["001", "245"]
        with pytest.raises(StopIteration):
            next(record)
        field = module.Field("245", subfields=[module.Subfield("a", "Odes")])
        iter(field)
        assert next(field).value == "Odes"


def test_what_cannot_be_written_says_so() -> None:
    record = ours.Record(SOUND)
    record.add_field(ours.Field("500", subfields=[ours.Subfield("a", "x" * 9_999)]))
    with pytest.raises(errors.FieldTooLong):
        record.as_marc()
    record = ours.Record(SOUND)
    for _ in range(12):
        record.add_field(ours.Field("500", subfields=[ours.Subfield("a", "x" * 9_000)]))
    with pytest.raises(errors.RecordTooLong):
        record.as_marc()
    record = ours.Record(SOUND)
    record.add_field(ours.Field("TOOLONG"))
    with pytest.raises(errors.TagInvalid):
        record.as_marc()


def test_terminators_in_values_are_written_as_pymarc_writes_them() -> None:
    for value in (
        "a\x1eb",
        "a\x1db",
        "a\x1fb",
        "a\x1e\x1d\x01\x02",
        "\x1e\x1d",
        "a\x1e500  \x1fab",
    ):
        written = []
        for module in (ours, theirs):
            record = module.Record(SOUND)
            record["245"]["a"] = value
            written.append(record.as_marc())
        assert written[0] == written[1]


def test_writers_write_what_pymarcs_write(books: pathlib.Path) -> None:
    data = books.read_bytes()
    for writer, file in (
        ("JSONWriter", io.StringIO),
        ("MARCWriter", io.BytesIO),
        ("TextWriter", io.StringIO),
        ("XMLWriter", io.BytesIO),
    ):
        written = []
        for module in (ours, theirs):
            target: Any = file()
            own = getattr(module, writer)(target)
            for record in module.MARCReader(data):
                own.write(record)
            with pytest.raises(module.WriteNeedsRecord):
                own.write("a record")
            own.close(close_fh=False)
            written.append(target.getvalue())
        assert written[0] == written[1], writer


def test_a_record_of_the_drop_in_is_taken_by_the_native_writer(tmp_path: pathlib.Path) -> None:
    record = ours.Record(SOUND)
    record["245"]["a"] = "Hymns"
    with mrrc_ct.MARCWriter(tmp_path / "out.mrc") as writer:
        writer.write(record)
    (read,) = mrrc_ct.MARCReader(tmp_path / "out.mrc")
    assert read.title() == "Hymns"
    assert mrrc_ct.xml_to_record(record.to_xml()).title() == "Hymns"


def test_xml_that_pymarc_would_break_is_an_error() -> None:
    record = ours.Record(SOUND)
    record["245"]["a"] = "a\x07b"
    with pytest.raises(errors.XmlCharacterForbidden):
        ours.record_to_xml(record)
    record["245"]["a"] = "a\rb"
    assert b"a&#xD;b" in ours.record_to_xml(record)


def test_a_record_is_written_however_little_was_looked_at() -> None:
    for change in (
        lambda record: setattr(record, "to_unicode", False),
        lambda record: record.leader.__setitem__(7, "é"),
        lambda record: setattr(record, "leader", "00000cam a2200000 a 4500"),
    ):
        written = []
        for module in (ours, theirs):
            record = module.Record(SOUND)
            change(record)
            written.append(record.as_marc())
        assert written[0] == written[1]


def test_a_copy_shares_what_pymarcs_shares_and_breaks_nothing() -> None:
    for module in (ours, theirs):
        record = module.Record(SOUND)
        held = record["245"]
        again = copy.copy(record)
        assert again.fields is record.fields
        assert again.leader is record.leader
        again.remove_fields("001")
        assert [field.tag for field in record.fields] == ["245"]
        assert copy.copy(held).subfields is held.subfields


def test_attributes_of_a_subclass_are_copied() -> None:
    for module in (ours, theirs):
        own = type("Own", (module.Record,), {})(SOUND)
        own.note = "mine"
        assert copy.deepcopy(own).note == "mine"
        assert copy.copy(own).note == "mine"


def test_control_fields_of_marc8_are_read_as_pymarc_reads_them() -> None:
    for data in (b"\xe2e", b"caf\xc3\xa9", b"caf\x1b(Bx"):
        record = iso2709(("001", data), ("245", b"10\x1fa\xe2e"), leader=LEADER_MARC8)
        assert ours.Record(record).as_dict() == theirs.Record(record).as_dict()


def test_values_that_are_none_are_there() -> None:
    for module in (ours, theirs):
        field = module.Field("500", subfields=[module.Subfield("a", None)])
        assert "a" in field
        assert field["a"] is None
        assert field.delete_subfield("a") is None
        assert field.subfields == []


def test_indicators_of_any_length_stay_what_they_are() -> None:
    for module in (ours, theirs):
        field = module.Record(SOUND)["245"]
        field.indicators = module.Indicators("", "12")
        assert field.indicators == ("", "12")
        assert module.Record(SOUND, to_unicode=False)["001"].indicator1 == ""


def test_decoding_adds_to_the_fields_that_are_there() -> None:
    for module in (ours, theirs):
        record = module.Record(SOUND)
        record.decode_marc(SOUND)
        assert [field.tag for field in record.fields] == ["001", "245", "001", "245"]

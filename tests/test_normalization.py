"""Text brought into a form of Unicode as it is written. The oracle is `unicodedata2`, Python's own tables
of a later version, or else those of Python for the characters that they have.
"""

from __future__ import annotations

import io
import json
import pathlib
from types import ModuleType
from typing import Any

import pytest
from command import Command
from marc import LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import Field, MARCReader, MARCWriter, Record, Subfield, _core, errors

hypothesis = pytest.importorskip("hypothesis")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

try:
    import unicodedata2

    ORACLE: ModuleType = unicodedata2
    IS_NEW = True
except ImportError:
    import unicodedata

    ORACLE = unicodedata
    IS_NEW = False

FORMS = ["nfc", "nfd"]
FORMATS = ["marc", "marcxml", "json", "jsonl", "marcjson", "mrk", "seq", "line"]


def is_known(character: str) -> bool:
    """Whether the oracle can tell what becomes of a character; these cannot stand in a value."""
    return character not in "\x1d\x1e\x1f" and (IS_NEW or ORACLE.category(character) != "Cn")


def expected(form: str, text: str) -> str:
    return str(ORACLE.normalize(form.upper(), text))


def normalized(form: str, values: list[str]) -> list[str]:
    """What the core makes of each of these, as subfields of one field."""
    content = "".join(f"\x1fa{value}" for value in values)
    flat = f"00000nam a2200000   4500500000000000\x1e  {content}\x1e\x1d".encode()
    number = _core.normalization_number(form)
    out = _core.Converter("flat", "flat", normalization=number, is_single=True).convert_one(flat)
    parts = out.decode().split("\x1e")[1].split("\x1fa")
    assert parts[0] == "  "
    return parts[1:]


def converted(source: Any, to: str, from_: str = "marc", **options: Any) -> bytes:
    out = io.BytesIO()
    report = mrrc_ct.convert(source, out, to, from_, **options)
    assert report.errors == []
    return out.getvalue()


CHARACTERS = [
    character
    for number in range(0x110000)
    if not 0xD800 <= number < 0xE000 and is_known(character := chr(number))
]


#: Where something happens: marks, jamo, what is composed, what composes with both neighbours.
LIVELY = [
    character
    for character in CHARACTERS
    if ORACLE.combining(character) or ORACLE.decomposition(character)[:1] not in ("", "<")
] + [
    chr(number)
    for number in (*range(0x1100, 0x1200), *range(0x16D63, 0x16D6B))
    if is_known(chr(number))
]


@pytest.mark.parametrize("form", FORMS)
def test_every_character(form: str) -> None:
    found = normalized(form, CHARACTERS)
    assert len(found) == len(CHARACTERS)
    pairs = zip(CHARACTERS, found)
    assert [pair for pair in pairs if expected(form, pair[0]) != pair[1]] == []


@pytest.mark.parametrize("form", FORMS)
def test_every_character_beside_others(form: str) -> None:
    # Of letters without case, which are most, some have to do for those that are alike.
    some = [
        character
        for number, character in enumerate(CHARACTERS)
        if number % 100 == 0 or ORACLE.category(character) not in ("Cn", "Co", "Lo")
    ]
    beside = "{0}\u0301|e{0}\u0323|\u1100{0}\u11a8|\u0301{0}e{0}"
    texts = [beside.format(character) for character in [*some, *LIVELY]]
    pairs = zip(texts, normalized(form, texts))
    assert [pair for pair in pairs if expected(form, pair[0]) != pair[1]] == []


def test_every_decomposition_composes_again_or_does_not() -> None:
    """A character taken apart, and with a mark between the parts, which may block them."""
    apart = [ORACLE.normalize("NFD", character) for character in CHARACTERS]
    pairs = [text for text in apart if len(text) > 1]
    texts = [
        *pairs,
        *(text[:-1] + mark + text[-1] for text in pairs for mark in "\u0301\u0327\u200d"),
    ]
    assert len(texts) > 40_000
    assert normalized("nfc", texts) == [expected("nfc", text) for text in texts]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.text(st.sampled_from(LIVELY) | st.sampled_from("aeo "), max_size=40), max_size=5)
)
def test_text_in_which_much_happens(texts: list[str]) -> None:
    for form in FORMS:
        assert normalized(form, texts) == [expected(form, text) for text in texts]


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]).filter(is_known), max_size=200))
def test_any_text(text: str) -> None:
    for form in FORMS:
        (once,) = normalized(form, [text])
        assert once == expected(form, text)
        assert normalized(form, [once]) == [once]


def test_many_marks_are_put_in_order() -> None:
    marks = [character for character in LIVELY if ORACLE.combining(character)]
    for text in ("e" + "".join(marks), "".join(reversed(marks)), "\u0301\u0323" * 20_000):
        for form in FORMS:
            assert normalized(form, [text]) == [expected(form, text)]


# ---- what is brought into the form, and what is not


def values_of(data: bytes) -> list[Any]:
    """All that records hold but their lengths. Reading checks those."""
    out: list[Any] = []
    for record in MARCReader(data):
        out.append(str(record.leader)[5:12] + str(record.leader)[17:])
        for field in record.fields:
            if field.is_control_field():
                out.append((field.tag, field.data))
            else:
                out.append((field.tag, *field.indicators, [tuple(sub) for sub in field.subfields]))
    return out


def in_form(form: str, value: Any) -> Any:
    """Values in a form; tags, indicators and codes are ASCII."""
    if isinstance(value, str):
        return expected(form, value)
    return type(value)(in_form(form, part) for part in value)


@pytest.mark.parametrize("size", ["books", "books_20k"])
def test_records_hold_the_same_in_the_form(size: str, request: pytest.FixtureRequest) -> None:
    path: pathlib.Path = request.getfixturevalue(size)
    data = path.read_bytes()
    values = values_of(data)
    for form in FORMS:
        there = converted(path, "marc", normalize=form)
        assert values_of(there) == in_form(form, values)
        assert converted(path, "marc", normalize=form, threads=2) == there
        assert converted(there, "marc", normalize=form) == there
        out = io.BytesIO()
        with MARCWriter(out, normalize=form) as writer:
            for record in MARCReader(path):
                writer.write(record)
        assert out.getvalue() == there
    for none in (None, "none"):
        assert converted(path, "marc", normalize=none) == data


def test_marc8_in_a_form(books_20k_marc8: pathlib.Path) -> None:
    path = books_20k_marc8
    decoded = converted(path, "marc", encoding="utf-8")
    for form in FORMS:
        there = converted(path, "marc", encoding="utf-8", normalize=form)
        assert there == converted(decoded, "marc", normalize=form)
        # MARC-8 has a form of its own.
        assert converted(path, "marc", normalize=form) == path.read_bytes()
        assert converted(there, "marc", encoding="marc-8") == converted(
            decoded, "marc", encoding="marc-8"
        )


COMPOSED, DECOMPOSED = "Bücher \u1eb9\u0301", "Bu\u0308cher e\u0323\u0301"


def odd(text: str) -> Record:
    """A record with text everywhere, and marks where they belong to nothing."""
    return Record(
        iso2709(
            ("001", f"1{text}"),
            ("245", f"10$a{text}$b\u0301{text}$c"),
            ("500", f"  $a{text}"),
            ("500", "  $aASCII"),
        )
    )


@pytest.mark.parametrize("to", FORMATS)
@pytest.mark.parametrize("form", FORMS)
def test_every_format_is_written_in_the_form(to: str, form: str) -> None:
    wanted = {"nfc": COMPOSED, "nfd": DECOMPOSED}[form]
    plain = iso2709(("001", "2"))
    source = plain + odd(COMPOSED).as_marc() + odd(DECOMPOSED).as_marc() + plain
    should = plain + odd(wanted).as_marc() * 2 + plain
    out, reference = converted(source, to, normalize=form), converted(should, to)
    assert out != converted(source, to)
    written = io.BytesIO()
    mrrc_ct.write(MARCReader(source), written, to, normalize=form)
    assert written.getvalue() == out
    if to != "marc":  # where the leader has the length that the record was read with
        for record in split(source) + split(should):
            out = out.replace(record[:5], b"00000")
            reference = reference.replace(record[:5], b"00000")
    assert out == reference


def test_a_mark_does_not_go_into_a_code() -> None:
    record = odd(COMPOSED)
    for form in FORMS:
        there = MARCReader(converted(record.as_marc(), "marc", normalize=form)).read_record()
        assert there is not None
        assert [sub.code for sub in there["245"].subfields] == ["a", "b", "c"]
        assert there["245"]["b"] == "\u0301" + expected(form, COMPOSED)


@pytest.mark.parametrize("from_", ["marcxml", "jsonl", "mrk", "seq"])
def test_text_formats_are_read_and_written_in_the_form(from_: str) -> None:
    source = converted(odd(DECOMPOSED).as_marc(), from_)
    assert converted(source, "marc", from_, normalize="nfc") == odd(COMPOSED).as_marc()
    assert converted(odd(COMPOSED).as_marc(), from_, normalize="nfd").count(b"\xcc") > 0


def test_what_becomes_too_long_is_an_error_that_says_so() -> None:
    long = iso2709(("001", "1"), ("500", "  $a" + "é" * 4000))
    short = iso2709(("001", "2"))
    out = io.BytesIO()
    report = mrrc_ct.convert(short + long + short, out, "marc", "marc", normalize="nfd")
    (error,) = report.errors
    assert isinstance(error, errors.FieldTooLong)
    assert (error.record_number, error.tag) == (2, "500")
    assert "12005 bytes" in str(error)
    assert out.getvalue() == short * 2
    with pytest.raises(errors.FieldTooLong, match="field 500"):
        MARCWriter(io.BytesIO(), normalize="nfd").write(Record(long))


def test_records_of_any_kind_are_written_in_the_form() -> None:
    made = Record(fields=[Field("245", ("1", "0"), [Subfield("a", DECOMPOSED)])])
    changed = odd(COMPOSED)
    changed["245"]["a"] = DECOMPOSED
    read = odd(DECOMPOSED)
    assert read["245"]["a"] == DECOMPOSED
    for record in (made, changed, read):
        out = io.BytesIO()
        with MARCWriter(out, normalize="nfc") as writer:
            writer.write(record)
        (there,) = MARCReader(out.getvalue())
        assert there["245"]["a"] == COMPOSED
        # The record itself stays.
        assert record["245"]["a"] == DECOMPOSED


def test_marc8_has_no_other_form() -> None:
    data = iso2709(("245", b"10\x1fa\xe8uber"), leader=LEADER_MARC8)
    record = Record(data)
    for form in FORMS:
        out = io.BytesIO()
        writer = MARCWriter(out, normalize=form)
        writer.write(record)
        assert out.getvalue() == data
        assert converted(data, "marc", normalize=form) == data
        writer = MARCWriter(target := io.BytesIO(), encoding="utf-8", normalize=form)
        writer.write(record)
        (there,) = MARCReader(target.getvalue())
        assert there["245"]["a"] == expected(form, "über")


def test_encodings_that_only_python_knows() -> None:
    source = iso2709(("245", "10$aBu\u0308cher"))
    with pytest.raises(errors.UnmappableCharacter):
        MARCWriter(io.BytesIO(), encoding="latin-1").write(Record(source))
    latin = iso2709(("245", b"10\x1faB\xfccher"), leader=LEADER_MARC8)
    MARCWriter(out := io.BytesIO(), encoding="latin-1", normalize="nfc").write(Record(source))
    assert out.getvalue() == latin
    assert converted(source, "marc", encoding="latin-1", normalize="nfc") == latin
    lines = converted(latin, "jsonl", from_encoding="latin-1", normalize="nfd")
    assert json.loads(lines)["fields"][0]["245"]["subfields"] == [{"a": "Bu\u0308cher"}]
    (record,) = MARCReader(latin, from_encoding="latin-1")
    MARCWriter(out := io.BytesIO(), normalize="nfc").write(record)
    assert out.getvalue() == latin


def test_damaged_text_is_looked_at_where_it_is_normalized() -> None:
    good = iso2709(("245", "10$aé"))
    bad = iso2709(("245", b"10\x1fa\xe9"), ("500", "  $aé"))
    out = io.BytesIO()
    report = mrrc_ct.convert(
        good + bad, out, "marc", "marc", normalize="nfc", recovery_mode="strict"
    )
    assert [(one.code, one.record_number) for one in report.errors] == [("utf8-invalid", 2)]
    assert out.getvalue() == good
    report = mrrc_ct.convert(good + bad, out := io.BytesIO(), "marc", "marc", normalize="nfc")
    assert [(one.code, one.outcome) for one in report.errors] == [("utf8-invalid", "salvaged")]
    assert [record["245"]["a"] for record in MARCReader(out.getvalue())] == ["é", "\ufffd"]
    with pytest.raises(errors.Utf8Invalid):
        MARCWriter(io.BytesIO(), normalize="nfc").write(Record(bad))
    # A field without indicators stays as it is, or is mended first.
    odd_one = iso2709(("001", "1"), ("245", "e\u0301$aé\u0323"))
    assert converted(odd_one, "marc", normalize="nfd", recovery_mode="strict") == iso2709(
        ("001", "1"), ("245", "e\u0301$ae\u0323\u0301")
    )
    report = mrrc_ct.convert(odd_one, out := io.BytesIO(), "marc", "marc", normalize="nfd")
    (error,) = report.errors
    assert (error.outcome, error.tag, error.offset_in_record) == ("salvaged", "245", 51)
    (record,) = MARCReader(out.getvalue())
    assert record["245"].subfields[-1] == ("a", "e\u0323\u0301")


@pytest.mark.parametrize("form", ["NFC", "nfkc", "", "no"])
def test_other_forms_are_refused_before_anything_is_written(
    form: str, tmp_path: pathlib.Path
) -> None:
    target = tmp_path / "out.mrc"
    target.write_bytes(b"kept")
    for call in (
        lambda: mrrc_ct.convert(b"", target, "marc", "marc", normalize=form),
        lambda: mrrc_ct.write([], target, normalize=form),
        lambda: mrrc_ct.write([], tmp_path / "out.xml", normalize=form),
        lambda: MARCWriter(target, normalize=form),
    ):
        with pytest.raises(ValueError, match="one of none, nfc, nfd"):
            call()
    assert [path.name for path in tmp_path.iterdir()] == ["out.mrc"]
    assert target.read_bytes() == b"kept"


@pytest.mark.parametrize("to", ["marc", "jsonl"])
@pytest.mark.parametrize(
    "words",
    [
        ["concat"],
        ["convert"],
        ["dedup"],
        ["edit", "--delete", "999"],
        ["filter", "--where", "001"],
        ["get", "#1"],
        ["grep", "B"],
        ["head", "-n", "1"],
        ["merge"],
        ["sample", "-n", "1"],
        ["sort"],
        ["split", "--records", "1"],
    ],
    ids=lambda words: words[0],
)
def test_every_command_that_writes_records_takes_the_form(
    command: Command, tmp_path: pathlib.Path, words: list[str], to: str
) -> None:
    source = tmp_path / "source.mrc"
    source.write_bytes(odd(COMPOSED).as_marc())
    inputs = [source, source] if words[0] == "merge" else [source]
    target = tmp_path / ("out-{}" if words[0] == "split" else "out-0001")
    for form, wanted in {"nfc": COMPOSED, "nfd": DECOMPOSED, "none": COMPOSED}.items():
        # `get` wants the file before what it is to get.
        named = [*inputs, words[1]] if words[0] == "get" else [*words[1:], *inputs]
        done = command(words[0], *named, "--to", to, "--normalize", form, "-o", target)
        assert done.status == 0, done.err
        (record,) = mrrc_ct.read(tmp_path / "out-0001", to)
        assert record["500"]["a"] == wanted
    assert command(words[0], *named, "--normalize", "nfkc", "-o", target).status == 2

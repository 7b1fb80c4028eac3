"""MARC-8 (MARC 21 Specifications, Character Sets and Encoding Options), both ways."""

from __future__ import annotations

import concurrent.futures
import io
import lzma
import pathlib
import unicodedata
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

import pytest
from marc import LEADER_MARC8, iso2709

import mrrc_ct
from mrrc_ct import Field, Record, Subfield, errors

TABLES = pathlib.Path(__file__).parents[1] / "zig" / "tables" / "codetables.xml.xz"

# Escape sequences that put each set into G0 and into G1 (Technique 2), by its final byte.
TO_G0 = {0x31: b"\x1b$1", 0x45: b"\x1b(!E"}
TO_G1 = {0x31: b"\x1b$)1", 0x45: b"\x1b)!E"}


class Row(NamedTuple):
    charset: int
    code: bytes
    #: The character to expect; of the halves of double-width marks the half mark.
    character: str
    is_combining: bool


def read_rows() -> list[Row]:
    rows = []
    with lzma.open(TABLES) as file:
        root = ElementTree.parse(file).getroot()
    for charset in root.iter("characterSet"):
        for code in charset.iter("code"):
            name, ucs, alternative = (code.findtext(tag) or "" for tag in ("name", "ucs", "alt"))
            is_half = name.startswith(("LIGATURE,", "DOUBLE TILDE,"))
            rows.append(
                Row(
                    int(charset.attrib["ISOcode"], 16),
                    bytes.fromhex(code.findtext("marc") or ""),
                    chr(int(alternative if is_half else ucs, 16)),
                    code.findtext("isCombining") == "true",
                )
            )
    return rows


ROWS = read_rows()


def in_marc8(*fields: tuple[str, str | bytes]) -> bytes:
    return iso2709(*fields, leader=LEADER_MARC8)


def decode(value: bytes) -> str:
    """The text of a subfield that is encoded in MARC-8."""
    record = Record(in_marc8(("245", b"10\x1fa" + value)))
    return record["245"]["a"]


def encode(value: str, **options: str) -> bytes:
    """The MARC-8 bytes of a subfield."""
    record = Record(fields=[Field("245", ("1", "0"), [Subfield("a", value)])])
    data = record.as_marc("marc-8", **options)
    return data[data.rindex(b"\x1fa") + 2 : -2]


def expected_of(row: Row) -> str:
    text = "a" + row.character if row.is_combining else row.character
    return unicodedata.normalize("NFC", text)


def is_control(row: Row) -> bool:
    """Control codes (ESC and the delimiters in C0, non-sorting marks and joiners in C1) belong to
    no graphic set: they stand for themselves whatever is designated."""
    return len(row.code) == 1 and row.code[0] & 0x7F < 0x20


def names(rows: list[Row]) -> list[str]:
    return [f"{row.charset:X}-{row.code.hex()}" for row in rows]


GRAPHIC = [row for row in ROWS if not is_control(row)]


def test_every_row_is_there() -> None:
    assert len(ROWS) == 99 + 69 + 3 + 14 + 14 + 78 + 94 + 42 + 83 + 90 + 73 + 15739
    assert [row.code.hex() for row in ROWS if is_control(row)] == [
        "1b", "1d", "1e", "1f", "88", "89", "8d", "8e",
    ]  # fmt: skip


@pytest.mark.parametrize("row", GRAPHIC, ids=names(GRAPHIC))
def test_row_in_g0_and_in_g1(row: Row) -> None:
    base = b"\x1b(Ba" if row.is_combining else b""
    low = bytes(byte & 0x7F for byte in row.code)
    high = bytes(byte | 0x80 for byte in row.code)
    to_g0 = TO_G0.get(row.charset) or b"\x1b(" + bytes([row.charset])
    to_g1 = TO_G1.get(row.charset) or b"\x1b)" + bytes([row.charset])
    assert decode(to_g0 + low + base) == expected_of(row)
    if row.code != b"\x20":
        assert decode(to_g1 + high + base) == expected_of(row)
    # And back: whatever code is chosen for it, it reads as the same character.
    assert decode(encode(expected_of(row))) == expected_of(row)


def test_the_space_has_no_place_in_g1() -> None:
    # ISO 2022: a set of 94 characters has nothing at A0.
    with pytest.raises(errors.Marc8Invalid):
        decode(b"\xa0")


@pytest.mark.parametrize(
    ("code", "character"),
    [(b"\x88", "\x98"), (b"\x89", "\x9c"), (b"\x8d", "\u200d"), (b"\x8e", "\u200c")],
)
def test_c1_codes_stand_in_any_set(code: bytes, character: str) -> None:
    assert decode(code + b"x") == character + "x"
    assert decode(b"\x1b)N" + code) == character
    assert encode(character) == code


@pytest.mark.parametrize("control", ["\t", "\n", "\r"])
def test_control_codes_stand_for_themselves(control: str) -> None:
    assert decode(f"a{control}b".encode()) == f"a{control}b"
    assert encode(f"a{control}b") == f"a{control}b".encode()


@pytest.mark.parametrize(
    ("escape", "text", "code"),
    [(b"g", "αβγ", b"abc"), (b"b", "₀₉₊", b"09+"), (b"p", "⁰⁹⁺", b"09+")],
)
def test_technique_1(escape: bytes, text: str, code: bytes) -> None:
    assert decode(b"H\x1b" + escape + code + b"\x1bsO") == f"H{text}O"


@pytest.mark.parametrize("intermediate", [b"(", b","])
def test_either_intermediate_designates_g0(intermediate: bytes) -> None:
    assert decode(b"\x1b" + intermediate + b"N\x41\x1b" + intermediate + b"Bx") == "аx"
    assert decode(b"\x1b$" + intermediate + b"1\x21\x42\x73") == "日"


@pytest.mark.parametrize("intermediate", [b")", b"-"])
def test_either_intermediate_designates_g1(intermediate: bytes) -> None:
    assert decode(b"\x1b" + intermediate + b"N\xc1x") == "аx"
    assert decode(b"\x1b$" + intermediate + b"1\xa1\xc2\xf3") == "日"


def test_each_subfield_begins_with_the_default_sets() -> None:
    record = Record(in_marc8(("245", b"10\x1fa\x1b(NA\x1fbA")))
    assert record["245"].get_subfields("a", "b") == ["а", "A"]


def test_066_names_the_sets_that_a_record_begins_with() -> None:
    record = Record(in_marc8(("066", b"  \x1fa(N\x1fb)Q"), ("245", b"10\x1faA\xc3")))
    assert record["245"]["a"] == "ає"


def test_marks_come_behind_their_base_in_their_order() -> None:
    # LC: "double dieresis and macron over u".
    assert decode(b"\xe8\xe5u") == "ǖ"
    assert decode(b"\xf2\xe3a") == "ậ"
    assert encode("ậ") == b"\xf2\xe3a"
    assert encode("a\u0302\u0323") == b"\xf2\xe3a"


def test_a_mark_without_a_base_is_kept() -> None:
    assert decode(b"e\xe2") == "é"
    assert decode(b"\xe2") == "\u0301"


def test_double_width_marks() -> None:
    assert decode(b"\xebi\xeca") == "i\ufe20a\ufe21"
    assert decode(b"\xfan\xfbg") == "n\ufe22g\ufe23"
    assert encode("i\ufe20a\ufe21") == encode("i\u0361a") == b"\xebi\xeca"
    assert encode("n\ufe22g\ufe23") == encode("n\u0360g") == b"\xfan\xfbg"


def test_any_normal_form_can_be_encoded() -> None:
    text = "Dvořák, Việt, Ёлка, ガギ, 한국, ἐ".replace("ἐ", "ό")
    expected = encode(unicodedata.normalize("NFC", text))
    assert encode(unicodedata.normalize("NFD", text)) == expected
    assert decode(expected) == unicodedata.normalize("NFC", text)
    # In a thread, which has converters of its own, that have not met such characters yet.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert pool.submit(encode, "\u2329").result() == encode("\u3008") == b"\x1b$1i!R\x1b(B"


def test_sets_are_left_before_the_subfield_ends() -> None:
    assert encode("Война и мир") == b"\x1b(NwOJNA I MIR\x1b(B"
    assert encode("日x") == b"\x1b$1\x21\x42\x73\x1b(Bx"
    assert encode("H₂O") == b"H\x1bb2\x1bsO"


def test_066_lists_the_sets_that_were_used() -> None:
    record = Record(fields=[Field("001", data="1")])
    record.add_field(Field("245", ("1", "0"), [Subfield("a", "Мир"), Subfield("b", "日本")]))
    data = record.as_marc("marc-8")
    again = Record(data)
    assert [field.tag for field in again.fields] == ["001", "066", "245"]
    assert again["066"].get_subfields("c") == ["(N", "$1"]
    assert data[9:10] == b" "
    # In UTF-8 there is nothing to list.
    assert "066" not in Record(again.as_marc("utf-8"))
    assert Record(again.as_marc("utf-8"))["245"]["a"] == "Мир"


def test_ascii_and_ansel_need_no_066() -> None:
    record = Record(fields=[Field("245", ("1", "0"), [Subfield("a", "Dvořák")])])
    assert "066" not in Record(record.as_marc("marc-8"))


def test_what_marc8_does_not_have_is_an_error() -> None:
    with pytest.raises(errors.UnmappableCharacter, match="U\\+1F600") as caught:
        encode("a 😀")
    assert caught.value.tag == "245"
    assert caught.value.found == "😀".encode()
    # A mark that is not there on a base that is; a mark with no base at all.
    for text in ("x\u0330", "\u0301x", "t\u0361"):
        with pytest.raises(errors.UnmappableCharacter):
            encode(text)


def test_what_marc8_does_not_have_is_told_with_the_control_number() -> None:
    # The text before it is shorter in MARC-8, and what it says has been encoded by then.
    source = "=LDR  00049nam a2200049   4500\n=500  \\\\$a" + "é€" * 99
    source += "\n=001  42\n=500  \\\\$a😀\n\n"
    report = mrrc_ct.convert(source.encode(), io.BytesIO(), "marc", "mrk", encoding="marc-8")
    [error] = report.errors
    assert (error.control_number, error.tag) == ("42", "500")


def test_ncr_is_lossless_and_read_back_on_request() -> None:
    record = Record(fields=[Field("245", ("1", "0"), [Subfield("a", "x\u0330\u0301 😀é")])])
    data = record.as_marc("marc-8", unmappable="ncr")
    assert b"x&#x0330;&#x0301; &#x1F600;\xe2e" in data
    read = next(mrrc_ct.MARCReader(data, references=True))
    assert read["245"]["a"] == "x\u0330\u0301 😀é"
    plain = next(mrrc_ct.MARCReader(data))
    assert plain["245"]["a"] == "x&#x0330;&#x0301; &#x1F600;é"


def test_fill_writes_the_fill_character() -> None:
    assert encode("a😀b", unmappable="fill") == b"a|b"


@pytest.mark.parametrize("text", ["H₂{esc}O", "x²{esc}", "α{esc}β", "Мир{esc}", "北{esc}京"])
def test_what_bulk_work_fills_is_in_ascii(text: str) -> None:
    source = f"=LDR  00049nam a2200049   4500\n=880  \\\\$a{text}\n\n".encode()
    target = io.BytesIO()
    mrrc_ct.convert(source, target, "marc", "mrk", encoding="marc-8")
    [record] = mrrc_ct.MARCReader(target.getvalue())
    assert record["880"]["a"] == text.replace("{esc}", "|")


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="unmappable"):
        encode("a", unmappable="ignore")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"ab\xffcd", b"\xffcd"),
        (b"ab\x7f", b"\x7f"),
        (b"ab\x80", b"\x80"),
        (b"ab\x1b(Zx", b"\x1b(Zx"),
        (b"ab\x1b", b"\x1b"),
        (b"ab\x1b$1\x21\x42", b"\x21\x42"),
        (b"ab\x1b$1\x21\x42\x1b", b"\x21\x42\x1b"),
        (b"ab\x1b$1\x7d\x7d\x7d", b"\x7d\x7d\x7d"),
    ],
)
def test_bytes_that_mean_nothing_are_an_error_that_says_where(value: bytes, found: bytes) -> None:
    data = in_marc8(("001", "1"), ("245", b"10\x1fa" + value))
    record = next(mrrc_ct.MARCReader(data))
    with pytest.raises(errors.Marc8Invalid) as caught:
        record.title()
    error = caught.value
    assert (error.tag, error.record_number, error.byte_offset) == ("245", 1, 0)
    assert error.found is not None and error.found.startswith(found)
    assert error.offset_in_record is not None
    assert data[error.offset_in_record :].startswith(found)


# ---- pymarc as the oracle

#: The codes of EACC for which pymarc 5.4.0 gives another text than the code tables, which win:
#: three ideographs of CJK Extension B, two hangul. (In eight more its table has a compatibility
#: ideograph that NFC makes the same.)
PYMARC_EACC = {"217559", "222a34", "223339", "6f7625", "6f773c"}


def test_every_row_reads_as_pymarc_reads_it_but_for_five_of_eacc() -> None:
    pymarc = pytest.importorskip("pymarc")
    different = set()
    for row in GRAPHIC:
        base = b"\x1b(Ba" if row.is_combining else b""
        escape = TO_G0.get(row.charset) or b"\x1b(" + bytes([row.charset])
        code = row.code
        # pymarc takes the two-byte final of ANSEL for another set's, and knows the extended sets
        # of Cyrillic and Arabic in G1 only.
        if row.charset == 0x45:
            escape = b""
        elif row.charset in (0x51, 0x34):
            escape, code = b"\x1b)" + bytes([row.charset]), bytes([code[0] | 0x80])
        value = escape + code + base
        if decode(value) != pymarc.marc8_to_unicode(value, hide_utf8_warnings=True):
            different.add(row.code.hex())
    assert different == PYMARC_EACC


def test_the_vendor_codes_that_pymarc_reads_are_read() -> None:
    pymarc = pytest.importorskip("pymarc")
    for code in ("21203d", "212040", "7f2014", "7f2019", "7f2020", "7f2122"):
        value = b"\x1b$1" + bytes.fromhex(code)
        if all(0x21 <= byte <= 0x7E for byte in bytes.fromhex(code)):
            assert decode(value) == pymarc.marc8_to_unicode(value)


def fields_of(record: object) -> list[object]:
    return [
        (f.tag, f.data)
        if f.control_field
        else (f.tag, tuple(f.indicators), [tuple(s) for s in f.subfields])
        for f in record.fields  # type: ignore[attr-defined]
    ]


def test_the_marc8_file_reads_as_pymarc_reads_it(books_20k_marc8: pathlib.Path) -> None:
    pymarc = pytest.importorskip("pymarc")
    count = 0
    with books_20k_marc8.open("rb") as file:
        for ours, theirs in zip(mrrc_ct.MARCReader(books_20k_marc8), pymarc.MARCReader(file)):
            assert fields_of(ours) == fields_of(theirs)
            count += 1
    assert count == 20_000


def test_the_marc8_file_survives_being_decoded_and_encoded(books_20k_marc8: pathlib.Path) -> None:
    for record in mrrc_ct.MARCReader(books_20k_marc8):
        before = [field for field in fields_of(record) if field[0] != "066"]  # type: ignore[index]
        again = Record(Record(record.as_marc("utf-8")).as_marc("marc-8"))
        assert [field for field in fields_of(again) if field[0] != "066"] == before  # type: ignore[index]


def _mixed() -> list[bytes]:
    """MARC-8 records, each 50th of them with bytes that are none, each 30th in UTF-8."""
    return [
        iso2709(
            ("001", str(number)),
            ("245", b"10\x1fa" + (b"\xff" if number % 50 == 7 else b"caf\xe2e")),
            leader=LEADER_MARC8,
        )
        if number % 30 != 11
        else iso2709(("001", str(number)), ("245", "10$acafé"))
        for number in range(1000)
    ]


@pytest.mark.parametrize("touched", [1, 2, 3])
def test_records_decoded_beforehand_are_those_decoded_one_by_one(touched: int) -> None:
    records = _mixed()
    for number, record in enumerate(mrrc_ct.MARCReader(b"".join(records))):
        assert record.as_marc() == records[number]
        if number % touched:
            continue
        if number % 50 == 7 and number % 30 != 11:
            with pytest.raises(errors.Marc8Invalid) as caught:
                record.title()
            assert caught.value.record_number == number + 1
            continue
        assert record.title() == "café"
        assert record["001"].data == str(number)
        # Looked into and not changed.
        assert record.as_marc() == records[number]
        record["245"]["a"] = "thé"
        again = Record(record.as_marc())
        assert again.title() == "thé"
        assert again.leader[9] == record.leader[9] == ("a" if number % 30 == 11 else " ")

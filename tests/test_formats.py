"""MARCXML, JSON, JSON lines, MARCJSON, MRK and Aleph sequential, written and read, and yaz's lines.

The oracles are Python's own XML and JSON parsers, pymarc, yaz-marcdump and Catmandu.
"""

from __future__ import annotations

import io
import json
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from typing import Any

import pytest
from marc import LEADER, LEADER_MARC8, iso2709, split

import mrrc_ct
from mrrc_ct import Field, MARCReader, Record, Subfield, errors

TEXT_FORMATS = ["marcxml", "json", "jsonl", "marcjson", "mrk", "seq"]
SLIM = "{http://www.loc.gov/MARC21/slim}"


def converted(source: Any, from_: str, to: str, **options: Any) -> bytes:
    out = io.BytesIO()
    report = mrrc_ct.convert(source, out, to, from_, **options)
    assert report.errors == []
    return out.getvalue()


# What a record holds, as plain data: a leader and for each field its tag with a string, or with
# indicators and subfields.
Plain = tuple[str, list[Any]]


def plain_iso2709(data: bytes) -> list[Plain]:
    """Taken apart here, by hand."""
    records = []
    for record in split(data):
        base = int(record[12:17])
        fields: list[Any] = []
        for at in range(24, base - 1, 12):
            entry = record[at : at + 12]
            start = base + int(entry[7:])
            content = record[start : start + int(entry[3:7]) - 1].decode()
            tag = entry[:3].decode()
            if tag < "010" and tag.isdigit():
                fields.append((tag, content))
            else:
                parts = content.split("\x1f")
                fields.append((tag, parts[0], [(part[0], part[1:]) for part in parts[1:]]))
        records.append((record[:24].decode(), fields))
    return records


def plain_xml(text: bytes) -> list[Plain]:
    records = []
    for record in ElementTree.fromstring(text).iter(SLIM + "record"):
        fields: list[Any] = []
        for element in record[1:]:
            tag = element.attrib["tag"]
            if element.tag == SLIM + "controlfield":
                fields.append((tag, element.text or ""))
            else:
                assert element.tag == SLIM + "datafield"
                subfields = [(sub.attrib["code"], sub.text or "") for sub in element]
                fields.append((tag, element.attrib["ind1"] + element.attrib["ind2"], subfields))
        assert record[0].tag == SLIM + "leader"
        records.append((record[0].text or "", fields))
    return records


def plain_json(records: list[Any]) -> list[Plain]:
    out = []
    for record in records:
        fields: list[Any] = []
        for field in record["fields"]:
            ((tag, content),) = field.items()
            if isinstance(content, str):
                fields.append((tag, content))
            else:
                subfields = [next(iter(sub.items())) for sub in content["subfields"]]
                fields.append((tag, content["ind1"] + content["ind2"], subfields))
        out.append((record["leader"], fields))
    return out


def plain_seq(text: bytes) -> list[Plain]:
    """Cut at its columns, by hand. Each record begins with its leader."""
    records: list[Plain] = []
    for line in text.decode().split("\n")[:-1]:
        assert line[:9].isdigit() and line[9] == " " and line[15:18] == " L "
        tag, indicators, content = line[10:13], line[13:15], line[18:]
        if tag == "LDR":
            records.append((content.replace("^", " "), []))
        elif tag < "010" and tag.isdigit():
            assert indicators == "  "
            records[-1][1].append((tag, content.replace("^", " ")))
        else:
            subfields = [(part[0], part[1:]) for part in content.split("$$")[1:]]
            records[-1][1].append((tag, indicators, subfields))
    return records


def is_held(format_: str, record: bytes) -> bool:
    """Whether a format can hold a record: Aleph sequential has no escapes."""
    if format_ != "seq":
        return True
    ((leader, fields),) = plain_iso2709(record)
    fixed = [leader, *(field[1] for field in fields if len(field) == 2)]
    subfields = [sub for field in fields if len(field) == 3 for sub in field[2]]
    texts = [*fixed, *(value for _, value in subfields)]
    return not (
        any("\n" in text or "\r" in text or "$$" in text for text in texts)
        or any("^" in text for text in fixed)
        or any(code == "$" for code, _ in subfields)
    )


def held(format_: str, data: bytes) -> bytes:
    """The records of `data` that a format can hold."""
    return b"".join(record for record in split(data) if is_held(format_, record))


def flat_to_json(record: list[Any]) -> Any:
    return {"leader": record[0]["leader"], "fields": record[1:]}


@pytest.fixture(params=["books", "awkward"])
def sample(request: pytest.FixtureRequest) -> bytes:
    path: pathlib.Path = request.getfixturevalue(request.param)
    return path.read_bytes()


# ---- to each format and back


@pytest.mark.parametrize("format_", TEXT_FORMATS)
def test_there_and_back_gives_the_same_bytes(sample: bytes, format_: str) -> None:
    sample = held(format_, sample)
    assert sample
    there = converted(sample, "marc", format_)
    assert converted(there, format_, "marc") == sample


@pytest.mark.parametrize("format_", TEXT_FORMATS)
def test_there_and_back_for_20000_records(books_20k: pathlib.Path, format_: str) -> None:
    there = converted(books_20k, "marc", format_)
    assert converted(there, format_, "marc") == books_20k.read_bytes()


@pytest.mark.parametrize("format_", TEXT_FORMATS)
def test_there_and_back_for_the_whole_file(
    books_all: pathlib.Path, tmp_path: pathlib.Path, format_: str
) -> None:
    report = mrrc_ct.convert(books_all, tmp_path / "there", format_, "marc")
    # Eight records have 1F in 001, which XML cannot hold.
    forbidden = [23523, 101570, 146623, 201116, 201145, 201146, 206092, 206601]
    records = split(books_all.read_bytes())
    expected_lost = [
        number for number, record in enumerate(records, 1) if not is_held(format_, record)
    ]
    if format_ == "marcxml":
        expected_lost = forbidden
    assert [error.record_number for error in report.errors] == expected_lost
    assert mrrc_ct.convert(tmp_path / "there", tmp_path / "back", "marc", format_).ok
    for number in reversed(expected_lost):
        del records[number - 1]
    assert (tmp_path / "back").read_bytes() == b"".join(records)


@pytest.mark.parametrize("from_", TEXT_FORMATS)
@pytest.mark.parametrize("to", TEXT_FORMATS)
def test_from_each_text_format_to_each_other(sample: bytes, from_: str, to: str) -> None:
    sample = held(from_, held(to, sample))
    source = converted(sample, "marc", from_)
    assert converted(source, from_, to) == converted(sample, "marc", to)


# ---- the oracles


def test_marcxml_holds_what_the_records_hold(sample: bytes) -> None:
    assert plain_xml(converted(sample, "marc", "marcxml")) == plain_iso2709(sample)


def test_json_holds_what_the_records_hold(sample: bytes) -> None:
    expected = plain_iso2709(sample)
    assert plain_json(json.loads(converted(sample, "marc", "json"))) == expected
    lines = converted(sample, "marc", "jsonl").splitlines()
    assert plain_json([json.loads(line) for line in lines]) == expected
    lines = converted(sample, "marc", "marcjson").splitlines()
    assert plain_json([flat_to_json(json.loads(line)) for line in lines]) == expected


def yaz(path: pathlib.Path, *options: str) -> bytes:
    if not shutil.which("yaz-marcdump"):
        pytest.skip("yaz-marcdump (Debian's package yaz) is not installed")
    return subprocess.run(
        ["yaz-marcdump", *options, str(path)], stdout=subprocess.PIPE, check=True
    ).stdout


@pytest.mark.parametrize("size", ["books", "books_20k"])
def test_marcxml_and_json_hold_what_yaz_marcdump_writes(
    size: str, request: pytest.FixtureRequest
) -> None:
    path: pathlib.Path = request.getfixturevalue(size)
    ours = plain_xml(converted(path, "marc", "marcxml"))
    assert ours == plain_xml(yaz(path, "-o", "marcxml"))
    assert plain_json(json.loads(converted(path, "marc", "json"))) == ours
    text = yaz(path, "-o", "json").decode()
    decoder, at, theirs = json.JSONDecoder(), 0, []
    while at < len(text):
        record, at = decoder.raw_decode(text, at)
        at += len(text[at : at + 100]) - len(text[at : at + 100].lstrip())
        theirs.append(record)
    assert ours == plain_json(theirs)
    # And what yaz writes reads as the same records, white space and all.
    assert converted(text.encode(), "json", "marc") == path.read_bytes()
    assert converted(yaz(path, "-o", "marcxml"), "marcxml", "marc") == path.read_bytes()


@pytest.mark.parametrize("size", ["books", "books_20k"])
def test_aleph_sequential_holds_what_the_records_hold(
    size: str, request: pytest.FixtureRequest
) -> None:
    data: bytes = request.getfixturevalue(size).read_bytes()
    assert plain_seq(converted(data, "marc", "seq")) == plain_iso2709(data)


def catmandu(data: bytes, *arguments: str) -> bytes:
    if not shutil.which("catmandu"):
        pytest.skip("catmandu (Debian's package libcatmandu-marc-perl) is not installed")
    return subprocess.run(
        ["catmandu", "convert", "MARC", "--type", *arguments],
        input=data,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def test_catmandu_reads_what_is_written(books: pathlib.Path) -> None:
    records = list(MARCReader(books))
    for record in records:
        # By which Catmandu parts records.
        record.fields.insert(0, Field("FMT", (" ", " "), [Subfield("a", "BK")]))
    text = io.BytesIO()
    mrrc_ct.write(records, text, "seq")
    lines = catmandu(text.getvalue(), "ALEPHSEQ", "to", "JSON", "--line_delimited", "1")
    theirs = [json.loads(line)["record"] for line in lines.splitlines()]
    assert len(theirs) == len(records)

    def as_catmandu(tag: str, *rest: str) -> list[str]:
        # It takes blanks at the end of a line for nothing, and `^` for a blank only here and there.
        value = rest[-1].replace("^", " ") if tag[:2] == "00" or tag == "LDR" else rest[-1]
        return [tag, *rest[:-1], value.rstrip(" ")]

    for record, their in zip(records, theirs):
        leader = as_catmandu("LDR", " ", " ", "_", str(record.leader))
        expected = [as_catmandu("FMT", " ", " ", "_", "BK"), leader]
        for field in record.fields[1:]:
            if field.is_control_field():
                expected.append(as_catmandu(field.tag, " ", " ", "_", field.data or ""))
            else:
                parts = [part for sub in field.subfields for part in sub]
                expected.append(as_catmandu(field.tag, *field.indicators, *parts))
        assert [as_catmandu(*field) for field in their] == expected


def test_what_catmandu_writes_is_read(books: pathlib.Path) -> None:
    text = catmandu(books.read_bytes(), "ISO", "to", "MARC", "--type", "ALEPHSEQ")
    records = list(mrrc_ct.read(text, "seq"))
    assert [record["FMT"].subfields for record in records] == [[("a", "BK")]] * 150
    for record in records:
        record.remove_fields("FMT")
    assert [record.as_marc() for record in records] == split(books.read_bytes())


@pytest.mark.parametrize("size", ["books", "books_20k"])
def test_lines_are_those_of_yaz_marcdump(size: str, request: pytest.FixtureRequest) -> None:
    path: pathlib.Path = request.getfixturevalue(size)
    assert converted(path, "marc", "line") == yaz(path, "-o", "line")


def test_odd_records_have_the_lines_of_yaz_marcdump(
    awkward: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    records = split(awkward.read_bytes())
    # yaz takes a control field without data for one without an end.
    del records[2]
    path = tmp_path / "odd.mrc"
    path.write_bytes(b"".join(records))
    assert converted(path, "marc", "line") == yaz(path, "-o", "line")


@pytest.mark.parametrize("size", ["books", "books_20k"])
def test_marcxml_and_json_hold_what_pymarc_writes(
    size: str, request: pytest.FixtureRequest
) -> None:
    pymarc = pytest.importorskip("pymarc")
    path: pathlib.Path = request.getfixturevalue(size)
    xml = plain_xml(converted(path, "marc", "marcxml"))
    with path.open("rb") as file:
        for ours, theirs in zip(xml, pymarc.MARCReader(file)):
            text = pymarc.record_to_xml(theirs, namespace=True)
            assert plain_xml(b"<c>" + text + b"</c>") == [ours]
            assert plain_json([json.loads(theirs.as_json())]) == [ours]


def test_what_is_read_from_xml_is_what_pymarc_reads(books: pathlib.Path) -> None:
    pymarc = pytest.importorskip("pymarc")
    text = converted(books, "marc", "marcxml")
    theirs = pymarc.parse_xml_to_array(io.BytesIO(text))
    assert [record.as_marc() for record in theirs] == split(books.read_bytes())


# ---- MARCXML, written


def one(*fields: tuple[str, str | bytes]) -> Record:
    return Record(iso2709(*fields))


def test_one_record_is_an_element_with_its_namespace() -> None:
    text = one(("001", "1"), ("245", "10$aOdes <&>")).to_xml()
    assert text == (
        '<record xmlns="http://www.loc.gov/MARC21/slim">\n'
        "  <leader>00062nam a2200049   4500</leader>\n"
        '  <controlfield tag="001">1</controlfield>\n'
        '  <datafield tag="245" ind1="1" ind2="0">\n'
        '    <subfield code="a">Odes &lt;&amp;&gt;</subfield>\n'
        "  </datafield>\n"
        "</record>\n"
    ).replace("00062", f"{len(iso2709(('001', '1'), ('245', '10$aOdes <&>'))):05}")


def test_white_space_and_quotes_survive_in_attributes_and_text() -> None:
    record = one(("245", '"<$&x$"y\r\n\tz'))
    assert mrrc_ct.xml_to_record(record.to_xml()).as_marc() == record.as_marc()
    element = ElementTree.fromstring(record.to_xml())[1]
    assert (element.attrib["ind1"], element.attrib["ind2"]) == ('"', "<")
    assert [(sub.attrib["code"], sub.text) for sub in element] == [("&", "x"), ('"', "y\r\n\tz")]


@pytest.mark.parametrize("character", ["\0", "\x08", "\x0b", "\x1b", "\ufffe", "\uffff"])
def test_a_character_that_xml_forbids_is_an_error_or_replaced(character: str) -> None:
    record = one(("001", "1"), ("500", f"  $ab{character}d"))
    with pytest.raises(errors.XmlCharacterForbidden) as caught:
        record.to_xml()
    assert caught.value.tag == "500"
    assert caught.value.found == character.encode()
    assert f"U+{ord(character):04X}" in str(caught.value)
    text = record.to_xml(invalid_xml="replace")
    assert mrrc_ct.xml_to_record(text)["500"]["a"] == "b\ufffdd"
    # In a file it costs that record, or is counted.
    source = iso2709(("001", "0")) + record.as_marc() + iso2709(("001", "2"))
    out = io.BytesIO()
    report = mrrc_ct.convert(source, out, "marcxml", "marc")
    assert [error.record_number for error in report.errors] == [2]
    assert report.records_written == 2
    assert len(plain_xml(out.getvalue())) == 2
    report = mrrc_ct.convert(source, io.BytesIO(), "marcxml", "marc", invalid_xml="replace")
    assert (report.records_written, report.characters_replaced, report.errors) == (3, 1, [])


def test_a_subfield_delimiter_in_a_control_field_is_data() -> None:
    record = one(("001", b"a\x1fb"), ("245", "10$aT"))
    assert record["001"].data == "a\x1fb"
    assert mrrc_ct.json_to_record(record.to_json()).as_marc() == record.as_marc()
    assert mrrc_ct.marcjson_to_record(record.to_marcjson()).as_marc() == record.as_marc()
    assert mrrc_ct.mrk_to_record(record.to_mrk()).as_marc() == record.as_marc()
    with pytest.raises(errors.XmlCharacterForbidden):
        record.to_xml()


def test_text_formats_are_unicode_whatever_the_record_was() -> None:
    record = Record(iso2709(("245", b"10\x1fa\xe2e"), leader=LEADER_MARC8))
    assert json.loads(record.to_json())["leader"][9] == "a"
    assert json.loads(record.to_json())["fields"][0]["245"]["subfields"] == [{"a": "é"}]
    assert "=LDR  00045nam a" in record.to_mrk()
    assert record.leader[9] == " "


@pytest.mark.parametrize(
    "content",
    [b"", b"1", b"\x1faT", b"1\x1faT", b"123\x1faT", b"10T", b"\xc3\xa9\x1faT", b"\t0\x1faT"],
)
def test_a_field_without_two_indicators_has_no_place_in_a_text_format(content: bytes) -> None:
    record = one(("001", "1"), ("245", content))
    for to in ("to_xml", "to_json", "to_marcjson", "to_mrk"):
        with pytest.raises(errors.IndicatorsInvalid) as caught:
            getattr(record, to)()
        assert caught.value.tag == "245"
    assert record.as_marc() == iso2709(("001", "1"), ("245", content))


@pytest.mark.parametrize("content", [b"10\x1f", b"10\x1f\x1faT", b"10\x1faT\x1f", b"10\x1f\tT"])
def test_a_delimiter_without_a_code_has_no_place_in_a_text_format(content: bytes) -> None:
    for to in ("to_xml", "to_json", "to_marcjson", "to_mrk"):
        with pytest.raises(errors.SubfieldCodeInvalid):
            getattr(one(("245", content)), to)()


# ---- MARCXML, read

BODY = (
    "<leader>00000nam a2200000   4500</leader>"
    "<controlfield tag='001'>1</controlfield>"
    "<datafield tag='245' ind1='1' ind2='0'><subfield code='a'>Odes</subfield></datafield>"
)
EXPECTED = iso2709(("001", "1"), ("245", "10$aOdes"))


def as_iso2709(xml: str | bytes) -> list[bytes]:
    return [record.as_marc() for record in mrrc_ct.xml_to_records(xml)]


@pytest.mark.parametrize(
    "xml",
    [
        f"<record>{BODY}</record>",
        f"<record xmlns='http://www.loc.gov/MARC21/slim'>{BODY}</record>",
        f"<collection xmlns='http://www.loc.gov/MARC21/slim'>\n<record>{BODY}</record>\n</collection>\n",
        "<marc:record xmlns:marc='x'>"
        + BODY.replace("</", "</marc:").replace("<", "<marc:").replace("<marc:/marc:", "</marc:")
        + "</marc:record>",
        f"\ufeff<?xml version='1.0'?>\n<!-- <record/> --><?pi <record>?><record>{BODY}</record><!-- -->",
        f"<!DOCTYPE collection [<!ELEMENT record ANY> <!ATTLIST record e CDATA '>'>]><record>{BODY}</record>",
        f"<record type='Bibliographic'>{BODY}<extra><deep a='b'>x</deep></extra></record>",
        f"<record>{BODY.replace('Odes', '<![CDATA[Od]]>e<!-- x --><?y?>s')}</record>",
        f"<record>{BODY.replace('Odes', '&#79;d&#x65;s')}</record>",
        f"<record>{BODY.replace(chr(39), chr(34))}</record>",
        f"<record>\n{BODY.replace('><', '>  <')}</record>".replace("<subfield", "\n<subfield"),
        "<record><leader >00000nam a2200000   4500</leader ><controlfield\n\ttag = '001' >1"
        "</controlfield><datafield ind2='0' x='<y' tag='245' ind1='1'>".replace("<y", "y")
        + "<subfield y='' code='a'>Odes</subfield></datafield></record>",
        f"<record>{BODY.replace('tag=' + chr(39) + '001', 'tag=' + chr(39) + '1')}</record>",
    ],
)
def test_marcxml_is_read_as_the_world_writes_it(xml: str) -> None:
    assert as_iso2709(xml) == [EXPECTED]
    assert as_iso2709(xml.encode()) == [EXPECTED]


def test_records_are_found_in_an_oai_pmh_answer() -> None:
    xml = f"""<?xml version="1.0" encoding="UTF-8"?>
    <OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">
      <responseDate>2002-06-01T19:20:30Z</responseDate>
      <request verb="ListRecords">http://example.org/oai</request>
      <ListRecords>
        <record><header><identifier>oai:1</identifier></header>
          <metadata><m:record xmlns:m="http://www.loc.gov/MARC21/slim">{BODY.replace("</", "</m:").replace("<", "<m:").replace("<m:/m:", "</m:")}</m:record></metadata>
        </record>
        <record><header status="deleted"><identifier>oai:2</identifier></header></record>
        <record><header/><metadata><record xmlns="http://www.loc.gov/MARC21/slim">{BODY}</record></metadata></record>
        <resumptionToken/>
      </ListRecords>
    </OAI-PMH>"""
    assert as_iso2709(xml) == [EXPECTED, EXPECTED]


def test_records_are_found_in_an_sru_answer() -> None:
    xml = f"""<zs:searchRetrieveResponse xmlns:zs="http://www.loc.gov/zing/srw/">
      <zs:version>1.1</zs:version><zs:numberOfRecords>2</zs:numberOfRecords><zs:records>
      <zs:record><zs:recordSchema>marcxml</zs:recordSchema><zs:recordData>
        <record xmlns="http://www.loc.gov/MARC21/slim">{BODY}</record></zs:recordData></zs:record>
      <zs:record><zs:recordData><record>{BODY}</record></zs:recordData></zs:record>
      </zs:records></zs:searchRetrieveResponse>"""
    assert as_iso2709(xml) == [EXPECTED, EXPECTED]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16BE"),
        ("iso8859-1", "ISO-8859-1"),
        ("cp1252", "windows-1252"),
    ],
)
@pytest.mark.parametrize("step", [None, 3])
def test_marcxml_in_other_encodings(encoding: str, declared: str, step: int | None) -> None:
    text = f"<?xml version='1.0' encoding='{declared}'?><record>{BODY}</record>"
    data = text.replace("Odes", "Élégies ü").encode(encoding)
    source: Any = io.BytesIO(data)
    if step:
        source = Slow(data, step)
    records = mrrc_ct.xml_to_records(source)
    assert [record["245"]["a"] for record in records] == ["Élégies ü"]


class Slow(io.RawIOBase):
    """Gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.file, self.step = io.BytesIO(data), step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.file.readinto(memoryview(buffer)[: self.step])


def test_text_in_the_wrong_encoding_is_an_error() -> None:
    with pytest.raises(errors.Utf8Invalid):
        mrrc_ct.xml_to_records(f"<record>{BODY}</record>".replace("Odes", "é").encode("latin-1"))
    with pytest.raises(errors.FormatUnknown, match="klingon"):
        mrrc_ct.xml_to_records(b"<?xml version='1.0' encoding='klingon'?><record/>")


def test_line_ends_are_line_feeds_but_references_are_not() -> None:
    xml = f"<record>{BODY}</record>".replace("Odes", "a\r\nb\rc&#13;d&#xA;e")
    assert mrrc_ct.xml_to_record(xml)["245"]["a"] == "a\nb\nc\rd\ne"


def test_a_missing_leader_or_indicator_is_blank() -> None:
    xml = (
        "<record><datafield tag='245' ind2=''><subfield code='a'>T</subfield></datafield></record>"
    )
    record = mrrc_ct.xml_to_record(xml)
    assert record["245"].indicators == (" ", " ")
    assert record.as_marc()[9:10] == b"a"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (("Odes", "Od&nbsp;es"), errors.XmlSyntaxInvalid),
        (("Odes", "Od&es"), errors.XmlSyntaxInvalid),
        (("Odes", "Od&#0;es"), errors.XmlSyntaxInvalid),
        (("Odes", "Od&#x1F;es"), errors.XmlSyntaxInvalid),
        (("Odes", "Od\x1fes"), errors.XmlCharacterForbidden),
        (("Odes", "Od<b>es</b>"), errors.XmlSyntaxInvalid),
        (("Odes</subfield>", "Odes</subfeld>"), errors.XmlSyntaxInvalid),
        (("<subfield code='a'>", "<subfield>"), errors.SubfieldCodeInvalid),
        (("code='a'", "code=''"), errors.SubfieldCodeInvalid),
        (("code='a'", "code='ab'"), errors.SubfieldCodeInvalid),
        (("code='a'", "code=a"), errors.XmlSyntaxInvalid),
        (("tag='245'", "tig='245'"), errors.TagInvalid),
        (("tag='245'", "tag='24'"), None),
        (("tag='245'", "tag='2456'"), errors.TagInvalid),
        (("tag='245'", "tag='005'"), errors.TagInvalid),
        (("tag='001'", "tag='101'"), errors.TagInvalid),
        (("ind1='1'", "ind1='12'"), errors.IndicatorsInvalid),
        (("ind1='1'", "ind1='é'"), errors.IndicatorsInvalid),
        (("4500</leader>", "450</leader>"), errors.RecordLeaderInvalid),
        (("4500</leader>", "450é</leader>"), errors.RecordLeaderInvalid),
        (("</datafield>", "text</datafield>"), errors.XmlSyntaxInvalid),
        (("</datafield>", "</datafield>text"), errors.XmlSyntaxInvalid),
    ],
)
def test_a_bad_record_in_xml_costs_that_record(
    change: tuple[str, str], kind: type[Exception] | None
) -> None:
    good = f"<record>{BODY}</record>"
    xml = f"<collection>{good}{good.replace(*change)}{good}</collection>"
    assert good.replace(*change) != good
    out = io.BytesIO()
    report = mrrc_ct.convert(xml.encode(), out, "marc", "marcxml")
    if kind is None:
        assert report.ok
        return
    assert [type(error) for error in report.errors] == [kind]
    assert report.errors[0].byte_offset == len(f"<collection>{good}".encode())
    assert out.getvalue() == EXPECTED * 2


def test_xml_that_ends_early_is_an_error() -> None:
    good = f"<record>{BODY}</record>"
    with pytest.raises(errors.XmlSyntaxInvalid, match="ends inside <collection>"):
        as_iso2709(f"<collection>{good}")
    with pytest.raises(errors.TruncatedRecord):
        as_iso2709(f"<collection>{good}<record>{BODY}")
    with pytest.raises(errors.XmlSyntaxInvalid):
        as_iso2709(f"<collection>{good}</other>")
    with pytest.raises(errors.XmlSyntaxInvalid, match="begins with <"):
        as_iso2709("no xml")
    assert as_iso2709("<collection/>") == []


def test_entities_are_never_expanded() -> None:
    bomb = "<!DOCTYPE r [<!ENTITY a 'x'><!ENTITY b '&a;&a;'><!ENTITY f SYSTEM '/etc/passwd'>]>"
    for name in ("a", "b", "f"):
        with pytest.raises(errors.XmlSyntaxInvalid):
            as_iso2709(f"{bomb}<record>{BODY.replace('Odes', f'&{name};')}</record>")


def test_elements_nested_without_end_are_refused() -> None:
    with pytest.raises(errors.XmlSyntaxInvalid, match="nested"):
        as_iso2709("<a>" * 100_000)


# ---- JSON

JSON = {
    "leader": LEADER,
    "fields": [
        {"001": "1"},
        {"245": {"ind1": "1", "ind2": "0", "subfields": [{"a": "Odes"}]}},
    ],
}


def from_json(value: Any) -> list[bytes]:
    text = value if isinstance(value, (str, bytes)) else json.dumps(value)
    return [record.as_marc() for record in mrrc_ct.json_to_records(text)]


def test_json_is_written_on_one_line_as_it_is_spelled() -> None:
    record = Record(EXPECTED)
    assert record.to_json() == (
        f'{{"leader":"{record.leader}","fields":[{{"001":"1"}},'
        '{"245":{"ind1":"1","ind2":"0","subfields":[{"a":"Odes"}]}}]}'
    )
    assert record.to_marcjson() == (
        f'[{{"leader":"{record.leader}"}},{{"001":"1"}},'
        '{"245":{"ind1":"1","ind2":"0","subfields":[{"a":"Odes"}]}}]'
    )


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(JSON),
        json.dumps(JSON, indent=2),
        json.dumps([JSON]),
        f" [ {json.dumps(JSON)} ] ",
        json.dumps(
            {"fields": JSON["fields"], "x": {"y": [1, -2.5e3, True, None, "\\"]}, "leader": LEADER}
        ),
        json.dumps([{"leader": LEADER}, *JSON["fields"]]),
        json.dumps([[{"leader": LEADER}, *JSON["fields"]]]),
        json.dumps([{"leader": LEADER}, {"001": "1", "245": JSON["fields"][1]["245"]}]),  # type: ignore[index]
        json.dumps(JSON).replace("Odes", "\\u004f\\u0064es"),
        "\ufeff" + json.dumps(JSON),
    ],
)
def test_each_form_of_json_is_read(text: str) -> None:
    assert from_json(text) == [EXPECTED]


def test_mrrcs_older_json_is_read() -> None:
    subfields = {"a": "Odes", "c": ["one", "two"]}
    record = mrrc_ct.json_to_record(
        json.dumps(
            [{"leader": LEADER}, {"245": {"ind1": "1", "ind2": "0", "subfields": subfields}}]
        )
    )
    assert record["245"].subfields == [("a", "Odes"), ("c", "one"), ("c", "two")]


def test_what_mrrc_writes_is_read(books: pathlib.Path) -> None:
    mrrc = pytest.importorskip("mrrc")
    for ours, theirs in zip(MARCReader(books), mrrc.MARCReader(str(books))):
        if [f.tag for f in theirs.fields()] != [f.tag for f in ours.fields]:
            continue  # mrrc puts fields in another order
        assert mrrc_ct.marcjson_to_record(theirs.to_marcjson()).to_json() == ours.to_json()


def test_many_records_one_after_the_other() -> None:
    text = json.dumps(JSON)
    assert from_json(text * 3) == [EXPECTED] * 3
    assert from_json(f"{text}\r\n\n{text}\t{text}\n") == [EXPECTED] * 3
    assert from_json([JSON, JSON]) == [EXPECTED] * 2
    assert from_json("[]") == from_json("") == []


def test_surrogate_pairs_are_one_character_and_halves_none() -> None:
    good = json.dumps(JSON).replace("Odes", "\\ud83d\\ude00")
    assert mrrc_ct.json_to_record(good)["245"]["a"] == "😀"
    for half in ("\\ud83d", "\\ude00", "\\ud83dx", "\\ud83d\\u0041"):
        with pytest.raises(errors.JsonSyntaxInvalid):
            from_json(json.dumps(JSON).replace("Odes", half))


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (('"Odes"', '"Od\nes"'), errors.JsonSyntaxInvalid),
        (('"Odes"', '"Od\\es"'), errors.JsonSyntaxInvalid),
        (('"Odes"', '"Od\\u00zz"'), errors.JsonSyntaxInvalid),
        (('"Odes"', '"Od\\u001ees"'), errors.DelimiterInData),
        (('"Odes"', '"Od\\u001fes"'), errors.DelimiterInData),
        (('"Odes"', "1"), errors.JsonStructureInvalid),
        (('"Odes"', "null"), errors.JsonStructureInvalid),
        (('"Odes"}', '"Odes"'), errors.JsonSyntaxInvalid),
        (('"a"', '"ab"'), errors.SubfieldCodeInvalid),
        (('"a"', '""'), errors.SubfieldCodeInvalid),
        (('"ind1": "1"', '"ind1": "12"'), errors.IndicatorsInvalid),
        (('"ind1": "1"', '"ind1": 1'), errors.JsonStructureInvalid),
        (('"245"', '"2456"'), errors.TagInvalid),
        (('"245"', '"005"'), errors.JsonStructureInvalid),
        (('"001": "1"', '"001": 1'), errors.JsonStructureInvalid),
        (('"001"', '"101"'), errors.JsonStructureInvalid),
        (('"leader"', '"loader"'), errors.JsonStructureInvalid),
        (('"fields"', '"feilds"'), errors.JsonStructureInvalid),
        ((LEADER, LEADER[:-1]), errors.RecordLeaderInvalid),
        (('"fields": [', '"fields": {'), errors.JsonSyntaxInvalid),
    ],
)
def test_a_bad_record_in_json_costs_that_record(
    change: tuple[str, str], kind: type[Exception]
) -> None:
    good = json.dumps(JSON)
    bad = good.replace(*change)
    assert bad != good
    for text in (f"{good}\n{bad}\n{good}\n", f"[{good},{bad},{good}]"):
        out = io.BytesIO()
        report = mrrc_ct.convert(text.encode(), out, "marc", "json")
        assert [type(error) for error in report.errors] == [kind], report.errors
        assert report.errors[0].byte_offset == text.index(bad)
        assert out.getvalue() == EXPECTED * 2


def test_json_that_ends_early_is_an_error() -> None:
    good = json.dumps(JSON)
    with pytest.raises(errors.TruncatedRecord):
        from_json(good[:-1])
    with pytest.raises(errors.TruncatedRecord):
        from_json(f"[{good}")
    with pytest.raises(errors.JsonSyntaxInvalid):
        from_json(f"[{good} {good}]")
    with pytest.raises(errors.JsonSyntaxInvalid):
        from_json("no json")


def test_json_nested_without_end_is_refused() -> None:
    with pytest.raises(errors.MarcError):
        from_json("[" * 100_000)
    with pytest.raises(errors.JsonSyntaxInvalid, match="nested"):
        from_json('{"x":' + "[" * 100_000)


def test_one_record_is_one_record() -> None:
    for text in ("", json.dumps([JSON, JSON])):
        with pytest.raises(errors.NotOneRecord):
            mrrc_ct.json_to_record(text)


# ---- MRK


def test_mrk_is_lossless_and_reads_well() -> None:
    record = one(
        ("001", "  a\\"),
        ("245", "1 $a  {Odes} \x1fbfor \x1f$5$c".replace("\x1f$5", "$55")),
        ("500", b"  \x1faCost $5 \\ \r\n\x1b"),
    )
    text = record.to_mrk()
    assert text == (
        f"=LDR  {record.leader}\n"
        "=001  \\\\a{bsol}\n"
        "=245  1\\$a  {lcub}Odes{rcub} $bfor $55$c\n"
        "=500  \\\\$aCost {dollar}5 \\ {U+000D}{U+000A}{esc}\n\n"
    )
    assert mrrc_ct.mrk_to_record(text).as_marc() == record.as_marc()
    assert mrrc_ct.mrk_to_record(text.replace("\n", "\r\n")).as_marc() == record.as_marc()


def test_mrk_as_marcedit_writes_it() -> None:
    text = "=LDR  00000nam\\a2200000\\\\\\4500\r\n=008  001\\\\$\r\n=245  10$aCost{dollar}$b{x}\r\n\r\n"
    record = mrrc_ct.mrk_to_record(text.replace("\\\\$", "\\\\"))
    assert str(record.leader) == LEADER
    assert record["008"].data == "001  "
    assert record["245"].subfields == [("a", "Cost$"), ("b", "{x}")]


def test_mrk_records_are_parted_by_blank_lines_or_leaders() -> None:
    text = "=LDR  " + LEADER + "\n=001  1\n"
    for separator in ("\n", "", "\r\n\n\n"):
        records = mrrc_ct.mrk_to_records("\n" + text + separator + text)
        assert len(records) == 2


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("245  10$aT", errors.MrkSyntaxInvalid),
        ("=245 10$aT", errors.MrkSyntaxInvalid),
        ("=24  10$aT", errors.MrkSyntaxInvalid),
        ("=245  1", errors.IndicatorsInvalid),
        ("=245  1$aT", errors.IndicatorsInvalid),
        ("=245  1é$aT", errors.IndicatorsInvalid),
        ("=245  10T$aT", errors.MrkSyntaxInvalid),
        ("=245  10$aT$", errors.SubfieldCodeInvalid),
        ("=245  10$$aT", errors.SubfieldCodeInvalid),
        ("=245  10$a{U+001F}", errors.DelimiterInData),
        ("=001  {U+001E}", errors.DelimiterInData),
        ("=LDR  " + LEADER, errors.RecordLeaderInvalid),
        ("=000  short", errors.RecordLeaderInvalid),
    ],
)
def test_a_bad_record_in_mrk_costs_that_record(line: str, kind: type[Exception]) -> None:
    good = f"=LDR  {LEADER}\n=001  1\n=245  10$aOdes\n\n"
    bad = f"=LDR  {LEADER}\n{line}\n\n"
    if line.startswith(("=LDR", "=000")):
        bad = f"=LDR  {LEADER[:-1]}\n\n"
    text = (good + bad + good).encode()
    out = io.BytesIO()
    report = mrrc_ct.convert(text, out, "marc", "mrk", recovery_mode="strict")
    assert [type(error) for error in report.errors] == [kind]
    assert report.errors[0].byte_offset == len(good)
    assert report.errors[0].line_number == 5 + (bad.count("\n") > 2)
    assert out.getvalue() == EXPECTED * 2


def test_a_record_in_mrk_without_a_leader_is_an_error() -> None:
    with pytest.raises(errors.MrkSyntaxInvalid, match="leader"):
        mrrc_ct.mrk_to_record("=001  1\n")


UNKNOWN = "00000    a2200000   4500"


def salvaged(text: str, from_: str) -> tuple[list[Record], list[errors.MarcError]]:
    """The records, and what was wrong; a conversion tells the same."""
    reading = mrrc_ct.read(text.encode(), from_, recovery_mode="lenient")
    records = list(reading)
    assert all(error.outcome == "salvaged" for record in records for error in record.errors)
    out = io.BytesIO()
    report = mrrc_ct.convert(text.encode(), out, "marc", from_)
    assert out.getvalue() == b"".join(record.as_marc() for record in records)
    assert [str(one) for one in report.errors] == [str(one) for one in reading.summary.errors]
    assert mrrc_ct.count(text.encode(), from_) == sum(not record.errors for record in records)
    return records, reading.summary.errors


def test_a_line_in_mrk_that_cannot_be_read_costs_only_itself_where_damage_is_put_up_with() -> None:
    good = f"=LDR  {LEADER}\n=001  1\n=245  10$aOdes\n"
    bad = good + "=5  $aLost\nno line\n=500  \\\\$aKept\n"
    records, found = salvaged(f"{bad}\n{good}\n=001  2\n\nnothing\n", "mrk")
    assert [[field.tag for field in record] for record in records] == [
        ["001", "245", "500"],
        ["001", "245"],
        ["001"],
    ]
    assert [str(record.leader)[5:] for record in records] == [LEADER[5:]] * 2 + [UNKNOWN[5:]]
    lines = [(error.record_number, error.line_number, error.outcome) for error in found]
    assert lines == [
        (1, 4, "salvaged"),
        (1, 5, "salvaged"),
        (3, 12, "salvaged"),
        (4, 14, "lost"),
    ]
    assert (found[1].found, found[3].found) == (b"no line", b"nothing")
    assert "record 1, line 5, byte 65" in str(found[1])
    assert "line number: 5" in found[1].detailed()


def test_bytes_in_mrk_that_are_no_utf_8_are_replaced_where_damage_is_put_up_with() -> None:
    text = f"=LDR  {LEADER}\n=245  10$aB\xfccher\n=500  \\\\$aé\n".encode("latin-1")
    (record,) = mrrc_ct.read(text, "mrk", recovery_mode="lenient")
    assert record["245"]["a"] == "B\ufffdcher"
    assert [(type(one), one.line_number) for one in record.errors] == [
        (errors.Utf8Invalid, 2),
        (errors.Utf8Invalid, 3),
    ]
    with pytest.raises(errors.Utf8Invalid):
        next(mrrc_ct.read(text, "mrk"))


# ---- Aleph sequential

ALEPH = """\
000000004 FMT   L BK
000000004 LDR   L ^^^^^cam^a22002777i^4500
000000004 008   L 850308s1983^^^^be^||||||
000000004 24510 L $$aHomélies :$$barménien /$$c$5.
000000004 650 7 L $$aBible$$2atla
000000004 CAT   L $$aLOAD$$b$$c20090122$$lFIN01
000000004 Z30-1 L $$11
"""


def seq_of(*records: Record) -> str:
    out = io.BytesIO()
    mrrc_ct.write(records, out, "seq")
    return out.getvalue().decode()


def test_aleph_sequential_as_aleph_writes_it() -> None:
    (record,) = mrrc_ct.read(ALEPH.encode())
    assert str(record.leader) == "     cam a22002777i 4500"
    assert [field.tag for field in record] == ["FMT", "001", "008", "245", "650", "CAT", "Z30"]
    assert record["FMT"].subfields == [("a", "BK")]
    assert record["001"].data == "000000004"
    assert record["008"].data == "850308s1983    be ||||||"
    assert record["245"].subfields == [("a", "Homélies :"), ("b", "arménien /"), ("c", "$5.")]
    assert list(record["650"].indicators) == [" ", "7"]
    assert record["CAT"].get_subfields("b", "l") == ["", "FIN01"]
    assert list(record["Z30"].indicators) == ["-", "1"]
    # Written again, it has its number as 001, too.
    lines = ALEPH.splitlines()
    lines.insert(2, "000000004 001   L 000000004")
    assert seq_of(record).splitlines() == lines
    for text in (ALEPH.replace("\n", "\r\n"), "\ufeff\n" + ALEPH, ALEPH.replace("\n", "\n\n")):
        assert [seq_of(one) for one in mrrc_ct.read(text.encode())] == [seq_of(record)]


def test_records_in_aleph_sequential_are_parted_by_numbers_or_leaders() -> None:
    other = ALEPH.replace("000000004", "000000005")
    for text in (ALEPH + ALEPH, ALEPH + other, ALEPH + ALEPH[ALEPH.index("\n") + 1 :]):
        assert next(len(record.fields) for record in mrrc_ct.read(text.encode())) == 7
        assert mrrc_ct.count(text.encode()) == 2
    # The alphabet is read over; blanks at the end of a line may have gone.
    text = ALEPH.replace(" L ", " H ") + "000000004 500   L\n"
    (record,) = mrrc_ct.read(text.encode())
    assert record["500"].subfields == []


@pytest.mark.parametrize(
    ("control_number", "number"),
    [
        ("000000228", "000000228"),
        (" ocm0012 ", "000000012"),
        ("(x)", "000000002"),
        (None, "000000002"),
    ],
)
def test_the_system_number_is_of_001_or_the_records_position(
    control_number: str | None, number: str
) -> None:
    fields = [("245", "10$aOdes")] if control_number is None else [("001", control_number)]
    text = seq_of(one(("001", "7")), one(*fields))
    assert text.startswith("000000007 LDR")
    assert [line[:9] for line in text.splitlines()[2:]] == [number] * 2
    # With threads there is no position in the source.
    data = (one(("001", "x")).as_marc() + one(*fields).as_marc()) * 1000
    assert converted(data, "marc", "seq", threads=2) == converted(data, "marc", "seq")


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (("001", "a^b"), "^ in a leader or control field"),
        (("500", "  $aone\ntwo"), "a line end"),
        (("500", "  $aone\rtwo"), "a line end"),
        (("500", b"  \x1faone$$two"), "$$"),
        (("500", b"  \x1faone$$"), "$$"),
        (("500", b"  \x1f$one"), "subfield code $"),
        (("LDR", "  $aone"), "read as the leader"),
    ],
)
def test_what_aleph_sequential_cannot_hold_is_an_error(
    field: tuple[str, str | bytes], said: str
) -> None:
    good = iso2709(("001", "1"))
    out = io.BytesIO()
    report = mrrc_ct.convert(good + iso2709(field) + good, out, "seq", "marc")
    ((error),) = report.errors
    assert (error.tag, error.record_number, error.outcome) == (field[0], 2, "lost")
    assert isinstance(error, (errors.SeqTextForbidden, errors.TagInvalid))
    assert said in str(error)
    assert out.getvalue().decode() == seq_of(one(("001", "1"))) * 2
    with pytest.raises(type(error), match="field"):
        seq_of(one(field))


@pytest.mark.parametrize(
    ("text", "line", "format_"),
    [
        (f"=LDR  {LEADER}\n=001  1\n", "no field\n", "mrk"),
        (f"000000001 LDR   L {LEADER}\n", "000000001 no field\n", "seq"),
    ],
)
def test_of_very_many_lines_that_cannot_be_read_the_number_is_told(
    text: str, line: str, format_: str
) -> None:
    _, found = salvaged(text + 100 * line, format_)
    # Each of the first, and in the last place how many more there are.
    assert len(found) == 64
    assert [one.message for one in found].count("37 more things are wrong") == 1
    assert found[-1].message == "37 more things are wrong"
    assert len({one.line_number for one in found}) == 64
    assert type(found[-1]) is type(found[0])


def test_dollars_in_aleph_sequential() -> None:
    record = one(("001", "1"), ("500", b"  \x1faUS$\x1fb$5\x1fc$ $\x1fd$"))
    text = seq_of(record)
    assert "500   L $$aUS$$$b$5$$c$ $$$d$\n" in text
    assert [one.as_marc() for one in mrrc_ct.read(text.encode())] == [record.as_marc()]


def test_a_line_in_aleph_sequential_that_cannot_be_read_costs_only_itself() -> None:
    bad = (
        ALEPH.replace("arménien", "armé\nnien")
        .replace("000000004 008", "0000O0004 008")
        .replace("$$aBible", "Bible")
        .replace("CAT   L", "CAT  L")
    )
    records, found = salvaged(ALEPH + bad.replace("000000004", "000000005"), "seq")
    assert not records[0].errors
    record = records[1]
    assert [field.tag for field in record] == ["FMT", "001", "008", "245", "650", "Z30"]
    for tag in ("008", "245", "650"):
        assert str(record[tag]) == str(records[0][tag])
    assert [(one.record_number, one.line_number, one.tag) for one in found] == [
        (2, 10, None),
        (2, 12, None),
        (2, 13, "650"),
        (2, 14, None),
    ]
    assert [one.found for one in found] == [
        b"0000O0004 008   L 850308s1983^^^^be^||||||"[:40],
        b"nien /$$c$5.",
        b"Bible$$2atla",
        b"000000005 CAT  L $$aLOAD$$b$$c20090122$$",
    ]
    reading = mrrc_ct.read((ALEPH + bad).encode(), "seq")
    assert next(reading)
    with pytest.raises(errors.SeqSyntaxInvalid, match="record 2, line 10"):
        next(reading)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("000000007 24510  $$aT", errors.SeqSyntaxInvalid),
        ("000000007 24  10 L $$aT", errors.SeqSyntaxInvalid),
        ("000000007", errors.SeqSyntaxInvalid),
        ("000000007 245é0 L $$aT", errors.SeqSyntaxInvalid),
        ("000000007 245\t0 L $$aT", errors.IndicatorsInvalid),
        ("000000007 00110 L 7", errors.IndicatorsInvalid),
        ("000000007 24510 L T", errors.SeqSyntaxInvalid),
        ("000000007 24510 L $$aT$$", errors.SubfieldCodeInvalid),
        ("000000007 24510 L $$\x01", errors.SubfieldCodeInvalid),
        ("000000007 24510 L $$a\x1fb", errors.DelimiterInData),
        ("000000007 001   L \x1e", errors.DelimiterInData),
        ("000000007 LDR   L short", errors.RecordLeaderInvalid),
        ("7 24510 L $$aT", errors.SeqSyntaxInvalid),
    ],
)
def test_a_bad_record_in_aleph_sequential_costs_that_record(
    line: str, kind: type[Exception]
) -> None:
    bad = f"000000007 LDR   L {LEADER}\n{line}\n"
    if "LDR" in line:
        bad = line + "\n"
    text = ALEPH + bad + ALEPH
    report = mrrc_ct.convert(text.encode(), io.BytesIO(), "marc", "seq", recovery_mode="strict")
    assert [type(error) for error in report.errors] == [kind]
    assert report.errors[0].byte_offset == len(ALEPH.encode())
    assert report.errors[0].line_number == 8 + ("LDR" not in line)
    assert report.records_written == 2


def test_a_record_in_aleph_sequential_without_a_leader() -> None:
    text = "000000007 24510 L $$aOdes\n"
    with pytest.raises(errors.SeqSyntaxInvalid, match="leader"):
        next(mrrc_ct.read(text.encode(), "seq"))
    (record,), found = salvaged(text, "seq")
    assert str(record.leader)[5:] == UNKNOWN[5:]
    assert [field.tag for field in record] == ["001", "245"]
    assert [one.code for one in found] == ["seq-syntax-invalid"]


# ---- the line format


def test_lines_are_only_written(tmp_path: pathlib.Path, books: pathlib.Path) -> None:
    path = tmp_path / "books.line"
    mrrc_ct.convert(books, path)
    for call in (mrrc_ct.read, mrrc_ct.count):
        with pytest.raises(errors.FormatUnknown, match="only written") as caught:
            call(path)
        assert caught.value.source == str(path)
    with pytest.raises(errors.FormatUnknown, match="only written"):
        mrrc_ct.convert(books, io.BytesIO(), "marc", "line")


# ---- larger than ISO 2709


def test_a_field_or_a_record_too_large_for_iso2709_is_an_error_that_says_how_long() -> None:
    # Bytes count, not characters; 9,998 and the terminator are the most.
    largest = Record(fields=[Field("500", (" ", " "), [Subfield("a", "é" * 4997)])])
    assert len(largest.as_marc()) == 24 + 12 + 1 + 9999 + 1
    largest["500"]["a"] = "é" * 4998
    with pytest.raises(errors.FieldTooLong, match="10001 bytes") as caught:
        largest.as_marc()
    assert caught.value.tag == "500"

    many = Record(fields=[Field("500", (" ", " "), [Subfield("a", "x" * 9990)])] * 10)
    with pytest.raises(errors.RecordTooLong, match="100") as long:
        many.as_marc()
    assert str(24 + 120 + 1 + 10 * 9995 + 1) in str(long.value)

    for record in (largest, many):
        for to, back in (
            ("to_xml", mrrc_ct.xml_to_record),
            ("to_json", mrrc_ct.json_to_record),
            ("to_marcjson", mrrc_ct.marcjson_to_record),
            ("to_mrk", mrrc_ct.mrk_to_record),
        ):
            text = getattr(record, to)()
            again = back(text)
            assert [str(field) for field in again.fields] == [str(f) for f in record.fields]
            assert getattr(again, to)() == text


def test_a_record_too_large_for_iso2709_is_left_out_whole() -> None:
    small, large = (
        f"<record>{BODY}</record>",
        f"<record>{BODY}</record>".replace("Odes", "x" * 9999),
    )
    out = io.BytesIO()
    report = mrrc_ct.convert(
        f"<collection>{small}{large}{small}</collection>".encode(), out, "marc", "marcxml"
    )
    assert [type(error) for error in report.errors] == [errors.FieldTooLong]
    assert "field 245" in str(report.errors[0]) and "10004 bytes" in str(report.errors[0])
    assert out.getvalue() == EXPECTED * 2


def test_a_value_of_ten_megabytes() -> None:
    record = Record(fields=[Field("500", (" ", " "), [Subfield("a", "<é>" * 2_500_000)])])
    for to, back in (("to_xml", mrrc_ct.xml_to_record), ("to_json", mrrc_ct.json_to_record)):
        assert back(getattr(record, to)())["500"]["a"] == record["500"]["a"]

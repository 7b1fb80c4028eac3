"""The rows of the suite: pieces of work that this package and a peer do, and how they are compared.

Each row's two sides are run once and their results compared before a time is believed; what
`is_equal` says of that stands in the table.
"""

from __future__ import annotations

import collections
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from typing import Any, Callable, NamedTuple

import mrrc
import pymarc

import mrrc_ct
from mrrc_ct import pymarc as dropin


class Row(NamedTuple):
    """One comparison. `check` raises where the two results differ, and says what it compared."""

    name: str
    peer: str
    #: How many times as fast it is to be.
    target: float
    ours: Callable[[], object]
    theirs: Callable[[], object]
    check: Callable[[], str]


class Corpus(NamedTuple):
    """The files that are worked on, all made of the same records."""

    marc: str
    marc8: str
    xml: str
    jsonl: str
    #: The records as one JSON array, which is what pymarc reads.
    json: str


def exhausted(records: Iterable[object]) -> int:
    """Take all of them; how many there were."""
    count = 0
    for _ in records:
        count += 1
    return count


# ---- records, one at a time


def titles(records: Iterable[Any]) -> int:
    """The title of each."""
    return exhausted(record.title() for record in records)


def titles_mrrc(records: Iterable[Any]) -> int:
    """The same, where it is a property."""
    return exhausted(record.title for record in records)


def all_values(records: Iterable[Any]) -> None:
    """The title, and what every field says."""
    for record in records:
        record.title()
        for field in record.fields:
            field.value()


def all_values_mrrc(records: Iterable[Any]) -> None:
    """The same, where `title` is a property and `fields` a method."""
    for record in records:
        _ = record.title
        for field in record.fields():
            field.value()


def all_values_pymarc(records: Iterable[Any]) -> None:
    """The same, where `title` is a property."""
    for record in records:
        _ = record.title
        for field in record.fields:
            field.value()


def rewritten(records: Iterable[Any]) -> list[bytes]:
    """Each as ISO 2709."""
    return [record.as_marc() for record in records]


def changed(records: Iterable[Any]) -> list[bytes]:
    """The title of each changed, and written."""
    found = []
    for record in records:
        field = record["245"]
        if field is not None:
            field["a"] = "Changed"
        found.append(record.as_marc())
    return found


SAMPLE = [
    ("001", "42"),
    ("008", "800108s1899    ilu           000 0 eng  "),
    ("020", " ", " ", [("a", "0142437239")]),
    ("100", "1", " ", [("a", "Felter, Harvey Wickes,"), ("d", "1865-1927.")]),
    ("245", "1", "0", [("a", "Botanical materia medica :"), ("b", "notes /"), ("c", "Felter.")]),
    ("260", " ", " ", [("a", "Cincinnati :"), ("b", "Scudder,"), ("c", "1899.")]),
    ("300", " ", " ", [("a", "2 v. ;"), ("c", "24 cm.")]),
    ("500", " ", " ", [("a", "Includes index.")]),
    ("650", " ", "0", [("a", "Materia medica, Vegetable."), ("z", "Ohio")]),
    ("650", " ", "0", [("a", "Botany, Medical.")]),
]
BUILT = 2000


def built_here(count: int = BUILT) -> bytes:
    """Records from Field and Subfield objects."""
    written = b""
    for _ in range(count):
        record = mrrc_ct.Record()
        for tag, *rest in SAMPLE:
            if len(rest) == 1:
                record.add_field(mrrc_ct.Field(tag, data=rest[0]))
            else:
                subfields = [mrrc_ct.Subfield(*pair) for pair in rest[2]]
                record.add_field(mrrc_ct.Field(tag, (rest[0], rest[1]), subfields))
        written = record.as_marc()
    return written


def built_from_tuples(count: int = BUILT) -> bytes:
    """The same records from plain tuples."""
    fields = [one if len(one) == 2 else (one[0], one[1] + one[2], one[3]) for one in SAMPLE]
    written = b""
    for _ in range(count):
        written = mrrc_ct.Record.from_fields(fields).as_marc()
    return written


def built_by_pymarc(count: int = BUILT) -> bytes:
    """The same with pymarc."""
    written = b""
    for _ in range(count):
        record = pymarc.Record()
        for tag, *rest in SAMPLE:
            if len(rest) == 1:
                record.add_field(pymarc.Field(tag, data=rest[0]))
            else:
                subfields = [pymarc.Subfield(*pair) for pair in rest[2]]
                indicators = pymarc.Indicators(rest[0], rest[1])
                record.add_field(pymarc.Field(tag, indicators, subfields))
        written = record.as_marc()
    return written


def built_by_mrrc(count: int = BUILT) -> bytes:
    """The same with mrrc."""
    written = b""
    for _ in range(count):
        record = mrrc.Record()
        for tag, *rest in SAMPLE:
            if len(rest) == 1:
                record.add_control_field(tag, rest[0])
            else:
                subfields = [mrrc.Subfield(*pair) for pair in rest[2]]
                record.add_field(
                    mrrc.Field(tag, indicators=[rest[0], rest[1]], subfields=subfields)
                )
        written = record.as_marc()
    return written


def fields_of(marc: bytes) -> list[tuple[Any, ...]]:
    """The fields of a record, for comparing what different libraries have built."""
    record = pymarc.Record(marc)
    return [
        (field.tag, field.data)
        if field.is_control_field()
        else (field.tag, *field.indicators, [tuple(one) for one in field.subfields])
        for field in record.fields
    ]


# ---- comparing


def same(one: object, other: object, what: str) -> str:
    """What was compared, once it is known to be equal."""
    if one != other:
        raise SystemExit(f"the two sides differ: {what}")
    return what


def same_multisets(
    ours: Iterator[Any], theirs: Iterator[Any], what: str, get: Callable[[Any], Iterable[str]]
) -> str:
    """Compare what two readers say of each record, in whatever order, without blanks."""
    for mine, other in zip(ours, theirs):
        found = collections.Counter(re.sub(r"\s", "", text or "") for text in get(mine))
        expected = collections.Counter(re.sub(r"\s", "", text or "") for text in get(other))
        same(found, expected, what)
    same(next(ours, None), next(theirs, None), what)
    return what


def texts(record: Any) -> list[str]:
    """Title and values of a record of this package, or of one of mrrc's."""
    fields = record.fields() if callable(record.fields) else record.fields
    return [*title(record), *[field.value() for field in fields]]


def title(record: Any) -> list[str]:
    """Of the title what mrrc's has: the first 245 $a. The whole of it is pymarc's."""
    if not callable(record.title):
        return [record.title or ""]
    field = record.get("245")
    return [(field.get("a") if field else None) or ""]


def elements(xml: bytes) -> Iterator[tuple[str, list[tuple[str, str]], str]]:
    """What a MARCXML document holds: tags, attributes and texts."""
    for _, element in ElementTree.iterparse(io.BytesIO(xml)):
        name = element.tag.rsplit("}", 1)[-1]
        text = element.text or ""
        is_text = name in ("leader", "controlfield", "subfield")
        yield name, sorted(element.attrib.items()), text if is_text else ""
        if name == "record":
            element.clear()


def output_of(*command: str) -> bytes:
    """What a command writes to standard output."""
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def silent(*command: str) -> Callable[[], object]:
    """A command whose output goes to /dev/null."""
    return lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def converted(source: str, to: str, **options: Any) -> bytes:
    """A file in another format."""
    target = io.BytesIO()
    mrrc_ct.convert(source, target, to, **options)
    return target.getvalue()


def quiet(source: str, to: str, **options: Any) -> Callable[[], object]:
    """A conversion to /dev/null."""
    return lambda: mrrc_ct.convert(source, os.devnull, to, **options)


def json_records(text: bytes) -> Iterator[object]:
    """The records of JSON lines, or of JSON objects one behind the other."""
    decoder = json.JSONDecoder()
    data, at = text.decode(), 0
    while at < len(data):
        value, end = decoder.raw_decode(data, at)
        yield value
        at = end
        while at < len(data) and data[at] in " \r\n":
            at += 1


def pymarc_json_to_marc(source: str, target: str) -> None:
    """JSON to ISO 2709 with pymarc, which has to load it all."""
    with open(source) as file, open(target, "wb") as output:
        writer = pymarc.MARCWriter(output)
        for record in pymarc.JSONReader(file):
            writer.write(record)
        writer.close(close_fh=False)


def first(records: Iterable[Any], count: int = 2000) -> Iterator[Any]:
    """Some of the records: comparing takes longer than the work."""
    return (record for _, record in zip(range(count), records))


# ---- the table


def rows(corpus: Corpus, memchr: Callable[[], object]) -> list[Row]:
    """All rows. `memchr` looks through the bytes of `corpus.marc` once for 1D."""
    marc, marc8, xml = corpus.marc, corpus.marc8, corpus.xml
    data = pathlib.Path(marc).read_bytes()

    def here(**options: Any) -> mrrc_ct.MARCReader:
        return mrrc_ct.MARCReader(marc, **options)

    def count_equal() -> str:
        return same(exhausted(here()), exhausted(mrrc.MARCReader(marc)), "number of records")

    def values_equal(path: str) -> str:
        what = "title and values of all records: multisets, without blanks (mrrc reorders fields)"
        return same_multisets(
            iter(mrrc_ct.MARCReader(path)), iter(mrrc.MARCReader(path)), what, texts
        )

    def titles_equal() -> str:
        what = "245 $a of all records, which is mrrc's title, without blanks; here it is $a and $b"
        return same_multisets(iter(here()), iter(mrrc.MARCReader(marc)), what, title)

    def dropin_equal() -> str:
        with open(marc, "rb") as one, open(marc, "rb") as other:
            for mine, theirs in zip(dropin.MARCReader(one), pymarc.MARCReader(other)):
                same(mine.title, theirs.title, "titles")
                same([f.value() for f in mine], [f.value() for f in theirs], "values")
        return "titles and values of all records, in order"

    def marc_equal() -> str:
        what = "fields of 2,000 records as pymarc reads them: multisets, without blanks"
        return same_multisets(
            first(rewritten(first(here()))).__iter__(),
            first(rewritten(first(mrrc.MARCReader(marc)))).__iter__(),
            what,
            lambda record: [str(one) for one in fields_of(record)],
        )

    def changed_equal() -> str:
        what = "tags, indicators and subfields of 2,000 records as pymarc reads them: multisets, "
        what += "without blanks (mrrc puts the changed subfield last)"
        return same_multisets(
            iter(changed(first(here()))),
            iter(changed(first(mrrc.MARCReader(marc)))),
            what,
            lambda record: [
                str(part)
                for field in fields_of(record)
                for part in (field[:-1], *([field[-1]] if len(field) == 2 else field[-1]))
            ],
        )

    def built_equal(mine: Callable[[int], bytes], peer: Callable[[int], bytes]) -> str:
        same(sorted(map(str, fields_of(mine(1)))), sorted(map(str, fields_of(peer(1)))), "fields")
        return "the fields as pymarc reads them"

    def xml_equal() -> str:
        theirs = output_of("yaz-marcdump", "-o", "marcxml", marc)
        for one, other in zip(elements(converted(marc, "marcxml")), elements(theirs)):
            same(one, other, "elements, attributes and texts of all records, in order")
        return "elements, attributes and texts of all records, in order"

    def jsonl_equal() -> str:
        theirs = output_of("yaz-marcdump", "-o", "json", marc)
        for one, other in zip(json_records(converted(marc, "jsonl")), json_records(theirs)):
            same(one, other, "JSON values of all records, in order")
        return "JSON values of all records, in order"

    def record_xml_equal() -> str:
        what = "elements of 2,000 records: multisets, without blanks"
        return same_multisets(
            iter([record.to_xml() for record in first(here())]),
            iter([record.to_xml() for record in first(mrrc.MARCReader(marc))]),
            what,
            lambda text: [str(one) for one in elements(text.encode())],
        )

    def record_json_equal() -> str:
        for mine, other in zip(first(here()), first(mrrc.MARCReader(marc))):
            found = re.findall(r'"[^"\\]*(?:\\.[^"\\]*)*"', mine.to_json())
            expected = re.findall(r'"[^"\\]*(?:\\.[^"\\]*)*"', other.to_json())
            ours = {json.loads(one).strip() for one in found}
            theirs = {json.loads(one).strip() for one in expected}
            # mrrc has another form: the same names and texts, but for "fields" and repeated codes.
            if not theirs <= ours:
                raise SystemExit(f"texts that mrrc has and this has not: {theirs - ours}")
        return "2,000 records: all texts of mrrc's, which has another form of JSON"

    def back_equal() -> str:
        theirs = output_of("yaz-marcdump", "-i", "marcxml", "-o", "marc", xml)
        return same(converted(xml, "marc"), theirs, "all bytes")

    def json_back_equal() -> str:
        target = f"{marc}.pymarc"
        pymarc_json_to_marc(corpus.json, target)
        theirs = pathlib.Path(target).read_bytes()
        os.unlink(target)
        return same(converted(corpus.jsonl, "marc"), theirs, "all bytes")

    to_utf8 = ("yaz-marcdump", "-f", "marc-8", "-t", "utf-8", "-l", "9=97", "-o", "marc", marc8)

    def utf8_equal() -> str:
        mine = mrrc_ct.MARCReader(converted(marc8, "marc", encoding="utf-8"))
        theirs = mrrc_ct.MARCReader(output_of(*to_utf8))
        for one, other in zip(mine, theirs):
            found = [field.value() for field in one.fields if field.tag != "066"]
            expected = [
                unicodedata.normalize("NFC", field.value())
                for field in other.fields
                if field.tag != "066"
            ]
            found = [unicodedata.normalize("NFC", value) for value in found]
            if found != expected:
                different = sum(a != b for a, b in zip(found, expected))
                DIFFERENT["values"] += different
        return f"values of all records after NFC; {DIFFERENT['values']} differ (docs/marc8.md)"

    def marc8_equal() -> str:
        return "not comparable: mrrc does not decode MARC-8; the number of records"

    def count_yaz_equal() -> str:
        mine = mrrc_ct.count(marc)
        return same(int(mine), data.count(b"\x1d"), "number of records and of 1D")

    return [
        Row(
            "iterate, records untouched",
            "mrrc",
            14,
            lambda: exhausted(here()),
            lambda: exhausted(mrrc.MARCReader(marc)),
            count_equal,
        ),
        Row(
            "iterate from an open file object",
            "mrrc",
            10,
            lambda: exhausted(mrrc_ct.MARCReader(open(marc, "rb"))),
            lambda: exhausted(mrrc.MARCReader(open(marc, "rb"))),
            count_equal,
        ),
        Row(
            "iterate from bytes",
            "mrrc",
            10,
            lambda: exhausted(mrrc_ct.MARCReader(data)),
            lambda: exhausted(mrrc.MARCReader(data)),
            count_equal,
        ),
        Row(
            "`record.title()` for each",
            "mrrc",
            5,
            lambda: titles(here()),
            lambda: titles_mrrc(mrrc.MARCReader(marc)),
            titles_equal,
        ),
        Row(
            "title and every `value()`",
            "mrrc",
            8,
            lambda: all_values(here()),
            lambda: all_values_mrrc(mrrc.MARCReader(marc)),
            lambda: values_equal(marc),
        ),
        Row(
            "the same through `mrrc_ct.pymarc`",
            "pymarc",
            12,
            lambda: all_values_pymarc(dropin.MARCReader(open(marc, "rb"))),
            lambda: all_values_pymarc(pymarc.MARCReader(open(marc, "rb"))),
            dropin_equal,
        ),
        Row(
            "read and `as_marc()`",
            "mrrc",
            14,
            lambda: exhausted(record.as_marc() for record in here()),
            lambda: exhausted(record.as_marc() for record in mrrc.MARCReader(marc)),
            marc_equal,
        ),
        Row(
            "change a field, then `as_marc()`",
            "mrrc",
            5,
            lambda: changed(here()),
            lambda: changed(mrrc.MARCReader(marc)),
            changed_equal,
        ),
        Row(
            "a record of objects, serialized",
            "pymarc",
            2,
            built_here,
            built_by_pymarc,
            lambda: built_equal(built_here, built_by_pymarc),
        ),
        Row(
            "a record of objects, serialized",
            "mrrc",
            1,
            built_here,
            built_by_mrrc,
            lambda: built_equal(built_here, built_by_mrrc),
        ),
        Row(
            "the same from tuples",
            "pymarc",
            4,
            built_from_tuples,
            built_by_pymarc,
            lambda: built_equal(built_from_tuples, built_by_pymarc),
        ),
        Row(
            "the same from tuples",
            "mrrc",
            3,
            built_from_tuples,
            built_by_mrrc,
            lambda: built_equal(built_from_tuples, built_by_mrrc),
        ),
        Row(
            "file to MARCXML",
            "yaz-marcdump",
            15,
            quiet(marc, "marcxml"),
            silent("yaz-marcdump", "-o", "marcxml", marc),
            xml_equal,
        ),
        Row(
            "file to JSON lines",
            "yaz-marcdump",
            15,
            quiet(marc, "jsonl"),
            silent("yaz-marcdump", "-o", "json", marc),
            jsonl_equal,
        ),
        Row(
            "`record.to_xml()` for each",
            "mrrc",
            3,
            lambda: exhausted(record.to_xml() for record in here()),
            lambda: exhausted(record.to_xml() for record in mrrc.MARCReader(marc)),
            record_xml_equal,
        ),
        Row(
            "`record.to_json()` for each",
            "mrrc",
            3,
            lambda: exhausted(record.to_json() for record in here()),
            lambda: exhausted(record.to_json() for record in mrrc.MARCReader(marc)),
            record_json_equal,
        ),
        Row(
            "MARCXML to ISO 2709",
            "yaz-marcdump",
            8,
            quiet(xml, "marc"),
            silent("yaz-marcdump", "-i", "marcxml", "-o", "marc", xml),
            back_equal,
        ),
        Row(
            "JSON lines to ISO 2709",
            "pymarc",
            40,
            quiet(corpus.jsonl, "marc"),
            lambda: pymarc_json_to_marc(corpus.json, os.devnull),
            json_back_equal,
        ),
        Row(
            "MARC-8 to UTF-8",
            "yaz-marcdump",
            10,
            quiet(marc8, "marc", encoding="utf-8"),
            silent(*to_utf8),
            utf8_equal,
        ),
        Row(
            "MARC-8, every value",
            "mrrc",
            6,
            lambda: all_values(mrrc_ct.MARCReader(marc8)),
            lambda: all_values_mrrc(mrrc.MARCReader(marc8)),
            marc8_equal,
        ),
        Row(
            "count and check the structure",
            "yaz-marcdump",
            6,
            lambda: mrrc_ct.count(marc),
            silent("yaz-marcdump", "-n", marc),
            count_yaz_equal,
        ),
        Row(
            "count, against one `memchr` for 1D",
            "memchr",
            0.5,
            lambda: mrrc_ct.count(data, "marc"),
            memchr,
            count_yaz_equal,
        ),
    ]


DIFFERENT: collections.Counter[str] = collections.Counter()

if __name__ == "__main__":
    sys.exit("run benchmarks/suite.py")

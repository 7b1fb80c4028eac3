"""The rows about whole files: one format into another, and counting.

Peers: yaz-marcdump, pymarc, and one pass of `memchr`. Ours is a call, yaz-marcdump a process: what
its start takes is measured with an empty file and taken off its times. One row has both as
processes, start and all.
"""

from __future__ import annotations

import io
import os
import pathlib
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any, Callable

import pymarc
from compare import elements, json_values, same, same_each
from measure import Work
from rows import Corpus, Row, output_of, silent

import mrrc_ct


def converted(source: str, to: str, **options: Any) -> bytes:
    """A file in another format."""
    target = io.BytesIO()
    mrrc_ct.convert(source, target, to, **options)
    return target.getvalue()


def to_nowhere(source: str, to: str, **options: Any) -> Work:
    """A conversion to /dev/null."""
    return lambda: mrrc_ct.convert(source, os.devnull, to, **options)


def converting(corpus: Corpus) -> list[Row]:
    """ISO 2709 to MARCXML, JSON lines and yaz's lines, and back."""
    marc, xml = corpus.marc, corpus.xml
    to_xml = ("yaz-marcdump", "-o", "marcxml")
    to_json = ("yaz-marcdump", "-o", "json")
    to_lines = ("yaz-marcdump", "-o", "line")
    from_xml = ("yaz-marcdump", "-i", "marcxml", "-o", "marc")

    def xml_equal() -> str:
        ours, theirs = converted(marc, "marcxml"), output_of(*to_xml, marc)
        what = "elements, attributes and texts of all records, in order"
        return same_each(elements(ours), elements(theirs), what)

    def jsonl_equal() -> str:
        ours, theirs = converted(marc, "jsonl"), output_of(*to_json, marc)
        return same_each(
            json_values(ours), json_values(theirs), "JSON values of all records, in order"
        )

    def marc_equal() -> str:
        return same(converted(xml, "marc"), output_of(*from_xml, xml), "all bytes")

    command = (sys.executable, "-m", "mrrc_ct", "convert", marc, "--to", "marcxml")
    return [
        Row(
            "file to MARCXML",
            "yaz-marcdump",
            15,
            to_nowhere(marc, "marcxml"),
            silent(*to_xml, marc),
            xml_equal,
            corpus.records,
            silent(*to_xml, corpus.empty),
        ),
        Row(
            "the same, both as commands",
            "yaz-marcdump",
            None,
            silent(*command, "--output", os.devnull),
            silent(*to_xml, marc),
            lambda: same(output_of(*command), converted(marc, "marcxml"), "as above"),
            corpus.records,
        ),
        Row(
            "file to JSON lines",
            "yaz-marcdump",
            15,
            to_nowhere(marc, "jsonl"),
            silent(*to_json, marc),
            jsonl_equal,
            corpus.records,
            silent(*to_json, corpus.empty),
        ),
        Row(
            "file to lines",
            "yaz-marcdump",
            6,
            to_nowhere(marc, "line"),
            silent(*to_lines, marc),
            lambda: same(converted(marc, "line"), output_of(*to_lines, marc), "all bytes"),
            corpus.records,
            silent(*to_lines, corpus.empty),
        ),
        Row(
            "MARCXML to ISO 2709",
            "yaz-marcdump",
            8,
            to_nowhere(xml, "marc"),
            silent(*from_xml, xml),
            marc_equal,
            corpus.records,
            silent(*from_xml, corpus.empty),
        ),
    ]


def pymarc_json_to_marc(source: str, target: str) -> None:
    """JSON to ISO 2709 with pymarc, which has to load it all."""
    with open(source) as file, open(target, "wb") as output:
        writer = pymarc.MARCWriter(output)
        for record in pymarc.JSONReader(file):  # type: ignore[arg-type]
            writer.write(record)
        writer.close(close_fh=False)


def from_json(corpus: Corpus) -> list[Row]:
    """JSON lines to ISO 2709: pymarc reads the same records as one array."""

    def check() -> str:
        target = pathlib.Path(f"{corpus.marc}.pymarc")
        pymarc_json_to_marc(corpus.json, str(target))
        theirs = target.read_bytes()
        target.unlink()
        return same(converted(corpus.jsonl, "marc"), theirs, "all bytes")

    return [
        Row(
            "JSON lines to ISO 2709",
            "pymarc",
            40,
            to_nowhere(corpus.jsonl, "marc"),
            lambda: pymarc_json_to_marc(corpus.json, os.devnull),
            check,
            corpus.records,
        )
    ]


def decoding(corpus: Corpus) -> list[Row]:
    """MARC-8 to UTF-8."""
    to_utf8 = ("yaz-marcdump", "-f", "marc-8", "-t", "utf-8", "-l", "9=97", "-o", "marc")

    def values(marc: bytes) -> Iterator[list[str]]:
        """Of every record what the fields say, but for 066, which tells of MARC-8's sets."""
        for record in mrrc_ct.MARCReader(marc):
            texts = [field.value() for field in record.fields if field.tag != "066"]
            yield [unicodedata.normalize("NFC", text) for text in texts]

    def check() -> str:
        ours = list(values(converted(corpus.marc8, "marc", encoding="utf-8")))
        theirs = list(values(output_of(*to_utf8, corpus.marc8)))
        original = list(values(pathlib.Path(corpus.marc).read_bytes()))
        what = "values of all records after NFC: ours are those of the UTF-8 file that the MARC-8 "
        what += "file was made of"
        same_each(ours, original, what)
        same([len(one) for one in theirs], [len(one) for one in original], "number of fields")
        pairs = [pair for one, other in zip(theirs, original) for pair in zip(one, other)]
        different = sum(one != other for one, other in pairs)
        if different * 1000 > len(pairs):
            raise SystemExit(f"of {len(pairs)} values of yaz-marcdump {different} differ")
        return f"{what}, of yaz-marcdump {different} of {len(pairs):,} differ (docs/marc8.md)"

    return [
        Row(
            "MARC-8 to UTF-8",
            "yaz-marcdump",
            10,
            to_nowhere(corpus.marc8, "marc", encoding="utf-8"),
            silent(*to_utf8, corpus.marc8),
            check,
            corpus.records,
            silent(*to_utf8, corpus.empty),
        )
    ]


def counting(corpus: Corpus, memchr: Callable[[bytes], object] | None) -> list[Row]:
    """Count, with the structure checked. `memchr` goes through bytes once, and counts 1D."""
    marc, data = corpus.marc, pathlib.Path(corpus.marc).read_bytes()

    def check() -> str:
        ends = data.count(b"\x1d")
        what = "number of records and of 1D"
        same(int(mrrc_ct.count(data, "marc")), ends, what)
        return same(int(mrrc_ct.count(marc)), ends, what)

    against_yaz = Row(
        "count and check the structure",
        "yaz-marcdump",
        6,
        lambda: mrrc_ct.count(marc),
        silent("yaz-marcdump", "-n", marc),
        check,
        corpus.records,
        silent("yaz-marcdump", "-n", corpus.empty),
    )
    if memchr is None:
        return [against_yaz]
    # At most twice its time: half as fast.
    against_memchr = Row(
        "the same in memory",
        "one `memchr` for 1D",
        0.5,
        lambda: mrrc_ct.count(data, "marc"),
        lambda: memchr(data),
        lambda: same(memchr(data), int(mrrc_ct.count(data, "marc")), "number of records and of 1D"),
        corpus.records,
    )
    return [against_yaz, against_memchr]

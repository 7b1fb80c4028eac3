"""The rows about records one at a time: read, looked into, changed, built, written.

Peers: mrrc and pymarc; polars-marc21 and marctable where they give the same of each record. In mrrc
`title` is a property and `fields` a method, in pymarc both are attributes.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any, Callable

import mrrc
import pymarc
from compare import (
    fields_of,
    parts_of_json,
    parts_of_marc,
    parts_of_xml,
    pieces_of_marc,
    same,
    same_each,
    same_parts,
)
from mrrc import Field as MrrcField
from mrrc import Record as MrrcRecord
from mrrc import Subfield as MrrcSubfield
from pymarc import Field as PymarcField
from pymarc import Indicators as PymarcIndicators
from pymarc import Record as PymarcRecord
from pymarc import Subfield as PymarcSubfield
from rows import Corpus, Row, ask_title_and_values, exhaust

import mrrc_ct
from mrrc_ct import Field, Record, Subfield
from mrrc_ct import pymarc as dropin

# ---- reading


def reading(corpus: Corpus) -> list[Row]:
    """Iteration from each kind of source, against mrrc."""
    path, data = corpus.marc, pathlib.Path(corpus.marc).read_bytes()

    def opened() -> Any:
        return open(path, "rb")

    def row(name: str, at_least: float, source: Callable[[], Any]) -> Row:
        """`source` gives a context, and that what is read."""

        def read(library: Any) -> None:
            with source() as given:
                exhaust(library.MARCReader(given))

        def check() -> str:
            with source() as one, source() as other:
                ours, theirs = mrrc_ct.MARCReader(one), mrrc.MARCReader(other)
                return same(sum(1 for _ in ours), sum(1 for _ in theirs), "number of records")

        return Row(
            name,
            "mrrc",
            at_least,
            lambda: read(mrrc_ct),
            lambda: read(mrrc),
            check,
            corpus.records,
        )

    return [
        row("iterate, records untouched", 14, lambda: contextlib.nullcontext(path)),
        row("iterate from an open file object", 10, opened),
        row("iterate from bytes", 10, lambda: contextlib.nullcontext(data)),
    ]


# ---- titles and values


def ask_title_and_values_mrrc(records: Iterable[Any]) -> None:
    """The same in mrrc's words."""
    for record in records:
        _ = record.title
        for field in record.fields():
            field.value()


def ask_title_and_values_pymarc(path: str, pymarc: Any) -> None:
    """The same in pymarc's."""
    with open(path, "rb") as file:
        for record in pymarc.MARCReader(file):
            _ = record.title
            for field in record.fields:
                field.value()


def title_of_mrrc(record: Any) -> list[str]:
    """What mrrc takes for the title, the first 245 $a."""
    return [record.title or ""]


def same_of_ours(record: Any) -> list[str]:
    """What of this package's record is mrrc's title."""
    field = record.get("245")
    return [(field and field.get("a")) or ""]


def values(record: Any) -> list[str]:
    """What every field says."""
    fields = record.fields() if callable(record.fields) else record.fields
    return [field.value() or "" for field in fields]


def looking(corpus: Corpus) -> list[Row]:
    """Titles and values."""
    path, marc8 = corpus.marc, corpus.marc8

    def titles_equal() -> str:
        what = "245 $a of all records, which is mrrc's title, without blanks; here it is $a and $b"
        ours = map(same_of_ours, mrrc_ct.MARCReader(path))
        theirs = map(title_of_mrrc, mrrc.MARCReader(path))
        return same_parts(ours, theirs, list, what)

    def values_equal() -> str:
        what = "title and values of all records: multisets, without blanks (mrrc reorders fields)"
        ours = (same_of_ours(one) + values(one) for one in mrrc_ct.MARCReader(path))
        theirs = (title_of_mrrc(one) + values(one) for one in mrrc.MARCReader(path))
        return same_parts(ours, theirs, list, what)

    def dropin_equal() -> str:
        with open(path, "rb") as one, open(path, "rb") as other:
            ours = ((record.title, values(record)) for record in dropin.MARCReader(one))
            theirs = ((record.title, values(record)) for record in pymarc.MARCReader(other))
            return same_each(ours, theirs, "titles and values of all records, in order")

    def marc8_equal() -> str:
        same(sum(1 for _ in mrrc.MARCReader(marc8)), corpus.records, "number of records")
        with open(marc8, "rb") as one, open(marc8, "rb") as other:
            ours, theirs = dropin.MARCReader(one), pymarc.MARCReader(other)
            same_each(map(values, ours), map(values, theirs), "values, with pymarc")
        return "number of records; mrrc does not decode MARC-8. The values are pymarc's"

    return [
        Row(
            "`record.title()` for each",
            "mrrc",
            5,
            lambda: exhaust(record.title() for record in mrrc_ct.MARCReader(path)),
            lambda: exhaust(record.title for record in mrrc.MARCReader(path)),
            titles_equal,
            corpus.records,
        ),
        Row(
            "title and every `value()`",
            "mrrc",
            8,
            lambda: ask_title_and_values(mrrc_ct.MARCReader(path)),
            lambda: ask_title_and_values_mrrc(mrrc.MARCReader(path)),
            values_equal,
            corpus.records,
        ),
        Row(
            "the same through `mrrc_ct.pymarc`",
            "pymarc",
            12,
            lambda: ask_title_and_values_pymarc(path, dropin),
            lambda: ask_title_and_values_pymarc(path, pymarc),
            dropin_equal,
            corpus.records,
        ),
        Row(
            "MARC-8, title and every `value()`",
            "mrrc",
            6,
            lambda: ask_title_and_values(mrrc_ct.MARCReader(marc8)),
            lambda: ask_title_and_values_mrrc(mrrc.MARCReader(marc8)),
            marc8_equal,
            corpus.records,
        ),
    ]


# ---- writing what was read


def rewritten(records: Iterable[Any]) -> Iterator[bytes]:
    """Each record in ISO 2709."""
    return (record.as_marc() for record in records)


def changed(records: Iterable[Any]) -> Iterator[bytes]:
    """The title of each changed, and written."""
    for record in records:
        field = record["245"]
        if field is not None:
            field["a"] = "Changed"
        yield record.as_marc()


def script(pymarc: Any, path: str) -> bytes:
    """What people do with pymarc: read, filter, edit, write."""
    target = io.BytesIO()
    writer = pymarc.MARCWriter(target)
    with open(path, "rb") as file:
        for record in pymarc.MARCReader(file):
            if record is None or record["008"].data[35:38] != "eng":
                continue
            title = record["245"]
            if "h" in title:
                title.delete_subfield("h")
            title["a"] = title["a"].rstrip(" /")
            note = pymarc.Field("590", pymarc.Indicators(" ", " "), [pymarc.Subfield("a", "Seen.")])
            record.add_field(note)
            writer.write(record)
    return target.getvalue()


def writing(corpus: Corpus) -> list[Row]:
    """Records read and written in one format or another."""
    path = corpus.marc

    def row(
        name: str,
        at_least: float,
        work: Callable[[Iterable[Any]], Iterable[Any]],
        parts: Callable[[Any], Iterable[str]],
        what: str,
    ) -> Row:
        """The same steps with both, the results compared as multisets of parts."""
        return Row(
            name,
            "mrrc",
            at_least,
            lambda: exhaust(work(mrrc_ct.MARCReader(path))),
            lambda: exhaust(work(mrrc.MARCReader(path))),
            lambda: same_parts(
                work(mrrc_ct.MARCReader(path)), work(mrrc.MARCReader(path)), parts, what
            ),
            corpus.records,
        )

    return [
        row(
            "read and `as_marc()`",
            14,
            rewritten,
            parts_of_marc,
            "fields of all records as pymarc reads them: multisets, without blanks",
        ),
        row(
            "change a field, then `as_marc()`",
            5,
            changed,
            pieces_of_marc,
            "tags, indicators and subfields of all records as pymarc reads them: multisets, "
            "without blanks (mrrc puts the changed subfield last)",
        ),
        Row(
            "read, filter, edit, write through `mrrc_ct.pymarc`",
            "pymarc",
            None,
            lambda: script(dropin, path),
            lambda: script(pymarc, path),
            lambda: same_each([script(dropin, path)], [script(pymarc, path)], "all bytes"),
            corpus.records,
        ),
        row(
            "`record.to_xml()` for each",
            3,
            lambda records: (record.to_xml() for record in records),
            parts_of_xml,
            "elements, attributes and texts of all records: multisets, without blanks",
        ),
        row(
            "`record.to_json()` for each",
            3,
            lambda records: (record.to_json() for record in records),
            parts_of_json,
            "leader, tags, indicators and the last subfield of each code of all records, which is "
            "what mrrc's form of JSON holds: multisets, without blanks",
        ),
    ]


# ---- building

BUILT = 2000
SAMPLE: list[Any] = [
    ("001", "42"),
    ("008", "800108s1899    ilu           000 0 eng  "),
    ("020", "  ", [("a", "0142437239")]),
    ("100", "1 ", [("a", "Felter, Harvey Wickes,"), ("d", "1865-1927.")]),
    ("245", "10", [("a", "Botanical materia medica :"), ("b", "notes /"), ("c", "Felter.")]),
    ("260", "  ", [("a", "Cincinnati :"), ("b", "Scudder,"), ("c", "1899.")]),
    ("300", "  ", [("a", "2 v. ;"), ("c", "24 cm.")]),
    ("500", "  ", [("a", "Includes index.")]),
    ("650", " 0", [("a", "Materia medica, Vegetable."), ("z", "Ohio")]),
    ("650", " 0", [("a", "Botany, Medical.")]),
]


def from_objects() -> bytes:
    """The sample from Field and Subfield objects.

    All three have these by name, as programs do: an attribute of a module takes longer.
    """
    record = Record()
    for tag, *rest in SAMPLE:
        if len(rest) == 1:
            record.add_field(Field(tag, data=rest[0]))
        else:
            subfields = [Subfield(*pair) for pair in rest[1]]
            record.add_field(Field(tag, (rest[0][0], rest[0][1]), subfields))
    return record.as_marc()


def from_tuples() -> bytes:
    """The same from plain tuples."""
    return Record.from_fields(SAMPLE).as_marc()


def from_objects_pymarc() -> bytes:
    """The same with pymarc."""
    record = PymarcRecord()
    for tag, *rest in SAMPLE:
        if len(rest) == 1:
            record.add_field(PymarcField(tag, data=rest[0]))
        else:
            subfields = [PymarcSubfield(*pair) for pair in rest[1]]
            record.add_field(PymarcField(tag, PymarcIndicators(*rest[0]), subfields))
    return record.as_marc()


def from_objects_mrrc() -> bytes:
    """The same with mrrc."""
    record = MrrcRecord()
    for tag, *rest in SAMPLE:
        if len(rest) == 1:
            record.add_control_field(tag, rest[0])
        else:
            subfields = [MrrcSubfield(*pair) for pair in rest[1]]
            record.add_field(MrrcField(tag, indicators=list(rest[0]), subfields=subfields))
    return record.as_marc()


def building(_: Corpus) -> list[Row]:
    """Records made from scratch and serialized."""

    def times(build: Callable[[], bytes]) -> Callable[[], object]:
        return lambda: exhaust(build() for _ in itertools.repeat(None, BUILT))

    def row(name: str, peer: str, at_least: float, ours: Any, theirs: Any) -> Row:
        def check() -> str:
            # mrrc puts control fields first, as they are here, and may order the others.
            what = "the fields as pymarc reads them"
            return same(
                sorted(map(str, fields_of(ours()))), sorted(map(str, fields_of(theirs()))), what
            )

        return Row(name, peer, at_least, times(ours), times(theirs), check, BUILT)

    objects, tuples = "a record of objects, serialized", "the same from tuples"
    return [
        row(objects, "pymarc", 2, from_objects, from_objects_pymarc),
        row(objects, "mrrc", 1, from_objects, from_objects_mrrc),
        row(tuples, "pymarc", 4, from_tuples, from_objects_pymarc),
        row(tuples, "mrrc", 3, from_tuples, from_objects_mrrc),
    ]


# ---- columns, with records as the way to them


#: What is asked for, and the same in the words of polars-marc21 and of marctable.
SELECTED = {"id": "001", "title": "245$a", "author": "100$a", "subjects": "650$a"}
QUERY = "001, 245/*.a, 100/*.a, 650/*.a"
RULES = ["001", "245a", "100a", "650a"]
#: Each value, for comparing.
ALL = {"id": "001", "title": "245$a:list", "author": "100$a:list", "subjects": "650$a:list"}


def columns(corpus: Corpus) -> list[Row]:
    """Of each record its number, title, author and subjects, in a data frame."""
    path, rows = corpus.marc, []
    try:
        import polars
        from polars_marc21 import read_marc21
    except ImportError:
        print("left out: polars-marc21 is not here; it needs Python 3.11")
    else:
        rows.append(_against_polars(path, corpus.records, polars.DataFrame, read_marc21))
    try:
        import pyarrow  # type: ignore[import-not-found]
        from marctable import utils  # type: ignore[import-untyped]
    except ImportError:
        print("left out: marctable is not here; it needs Python 3.11")
    else:
        rows.append(_against_marctable(path, corpus.records, pyarrow.table, utils))
    return rows


def _against_polars(path: str, count: int, frame: Any, read_marc21: Any) -> Row:
    def check() -> str:
        def rows() -> Iterator[tuple[str, ...]]:
            for row in mrrc_ct.select(path, ALL):
                yield from itertools.product(
                    [row["id"]], *(row[name] or [""] for name in ALL if name != "id")
                )

        what = "all values of all records, in order: it has a row for each combination of them"
        return same_each(rows(), read_marc21(path, QUERY).rows(), what)

    return Row(
        "number, title, author, subjects to Polars",
        "polars-marc21",
        10,
        lambda: frame(mrrc_ct.select(path, SELECTED)),
        lambda: read_marc21(path, QUERY),
        check,
        count,
    )


def _against_marctable(path: str, count: int, table: Any, utils: Any) -> Row:
    names = {"id": "F001", "title": "F245a", "author": "F100a", "subjects": "F650a"}

    def theirs() -> None:
        with open(path, "rb") as file:
            utils.to_dataframe(file, RULES)

    def check() -> str:
        rows = mrrc_ct.select(path, {**ALL, "id": "001:list"})
        ours = ({names[name]: row[name][-1] for name in ALL if row[name]} for row in rows)
        with open(path, "rb") as file:
            found = itertools.chain.from_iterable(utils.records_iter(file, RULES))
            return same_each(ours, found, "the last value of each, which it keeps, of all records")

    return Row(
        "the same to pandas",
        "marctable",
        100,
        lambda: table(mrrc_ct.select(path, SELECTED)).to_pandas(),
        theirs,
        check,
        count,
    )

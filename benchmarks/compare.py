"""How the results of two sides are compared.

Each comparison ends the run when the two differ, and otherwise returns in words what it compared,
which stands in the table.
"""

from __future__ import annotations

import collections
import io
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator
from typing import Any, Callable

import pymarc

Parts = tuple[Any, ...]
NOTHING = object()


def same(ours: object, theirs: object, what: str) -> str:
    """Two results are equal."""
    if ours != theirs:
        raise SystemExit(f"the two sides differ: {what}\n  {ours!r:.300}\n  {theirs!r:.300}")
    return what


def same_each(ours: Iterable[object], theirs: Iterable[object], what: str) -> str:
    """Two sequences are equal, and equally long."""
    for mine, other in itertools.zip_longest(ours, theirs, fillvalue=NOTHING):
        same(mine, other, what)
    return what


def same_parts(
    ours: Iterable[Any], theirs: Iterable[Any], parts: Callable[[Any], Iterable[str]], what: str
) -> str:
    """Two sequences of records have the same parts each, in whatever order, without blanks.

    mrrc changes the order of fields, and does not strip: so the parts are a multiset, and all white
    space is left out of them.
    """

    def counted(records: Iterable[Any]) -> Iterator[collections.Counter[str]]:
        for record in records:
            yield collections.Counter(re.sub(r"\s", "", part) for part in parts(record))

    return same_each(counted(ours), counted(theirs), what)


# ---- what a record holds, as text that can be compared


def parts_of_marc(marc: bytes) -> list[str]:
    """An ISO 2709 record as pymarc reads it: a part is a field with all that is in it."""
    return [str(field) for field in fields_of(marc)]


def pieces_of_marc(marc: bytes) -> list[str]:
    """The same in smaller pieces: tag and indicators, and each subfield."""
    return [
        str(piece)
        for tag, *rest in fields_of(marc)
        for piece in ([(tag, rest[0])] if len(rest) == 1 else [(tag, *rest[:2]), *rest[2]])
    ]


def fields_of(marc: bytes) -> list[Parts]:
    """The fields of an ISO 2709 record as pymarc reads it."""
    return [
        (field.tag, field.data)
        if field.is_control_field()
        else (field.tag, *field.indicators, [tuple(one) for one in field.subfields])
        for field in pymarc.Record(marc).fields
    ]


def parts_of_json(text: str) -> list[str]:
    """A record in JSON: leader, control fields, and fields with the last subfield for each code.

    That is what mrrc's form can hold, an array with a dictionary of subfields; MARC-in-JSON has
    more.
    """
    record = json.loads(text)
    if isinstance(record, dict):
        record = [{"leader": record["leader"]}, *record["fields"]]
    return [
        str(part) for one in record for tag, value in one.items() for part in _field(tag, value)
    ]


def _field(tag: str, value: Any) -> list[Parts]:
    if isinstance(value, str):
        # Leader: where the lengths stand, each side has its own.
        return [(tag, value[5:12] + value[17:] if tag == "leader" else value)]
    subfields = value["subfields"]
    if isinstance(subfields, list):
        subfields = {code: text for one in subfields for code, text in one.items()}
    return [(tag, value["ind1"], value["ind2"], *sorted(subfields.items()))]


def elements(xml: bytes) -> Iterator[Parts]:
    """What a MARCXML document holds: tags, attributes and texts, in order."""
    for _, element in ElementTree.iterparse(io.BytesIO(xml)):
        name = element.tag.rsplit("}", 1)[-1]
        is_text = name in ("leader", "controlfield", "subfield")
        yield name, sorted(element.attrib.items()), (element.text or "") if is_text else ""
        if name == "record":
            element.clear()


def parts_of_xml(text: str) -> list[str]:
    """The same for one record."""
    return [str(element) for element in elements(text.encode())]


def json_values(text: bytes) -> Iterator[object]:
    """The records of JSON lines, or of JSON objects one behind the other."""
    decoder = json.JSONDecoder()
    data, at = text.decode(), 0
    while at < len(data):
        value, at = decoder.raw_decode(data, at)
        yield value
        while at < len(data) and data[at] in " \r\n":
            at += 1

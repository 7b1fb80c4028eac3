"""MARCXML, read by Python's SAX parser and written by the core."""

from __future__ import annotations

import unicodedata
import xml.etree.ElementTree as ET
from xml.sax.expatreader import ExpatParser
from xml.sax.handler import ContentHandler, feature_external_ges, feature_namespaces

from ..errors import RecordTooLong, XmlCharacterForbidden, XmlSyntaxInvalid
from ..recovery import MAX_RECORD_BYTES
from .field import Field, Indicators
from .leader import Leader
from .marc8 import MARC8ToUnicode
from .record import Record

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

__all__ = [
    "MARC_XML_NS",
    "MARC_XML_SCHEMA",
    "XSI_NS",
    "XmlHandler",
    "map_xml",
    "parse_xml",
    "parse_xml_to_array",
    "record_to_xml",
    "record_to_xml_node",
]

XSI_NS = "http://www.w3.org/2001/XMLSchema-instance"
MARC_XML_NS = "http://www.loc.gov/MARC21/slim"
MARC_XML_SCHEMA = f"{MARC_XML_NS} http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd"


class XmlHandler(ContentHandler):
    """Makes records of SAX events.

    `records` has them at the end. A subclass that has a `process_record` of its own gets each one
    as soon as it is complete.
    """

    def __init__(self, strict: bool = False, normalize_form: Any = None) -> None:
        """`strict` leaves elements of other namespaces out; `normalize_form` is e.g. `NFC`."""
        super().__init__()
        self.records: list[Record] = []
        self.normalize_form = normalize_form
        self._strict = strict
        self._record: Record | None = None
        self._field: Field | None = None
        self._code: str | None = None
        self._text: list[str] = []
        #: Records that have ended.
        self._ended = 0

    def startElementNS(self, name: Any, qname: Any, attrs: Any) -> None:  # noqa: N802
        """An element begins."""
        namespace, element = name
        if self._strict and namespace != MARC_XML_NS:
            return
        self._text = []
        if element == "record":
            self._record = Record()
        elif element == "controlfield":
            self._field = Field(attrs.getValue((None, "tag")))
        elif element == "datafield":
            indicators = Indicators(attrs.get((None, "ind1"), " "), attrs.get((None, "ind2"), " "))
            self._field = Field(attrs.getValue((None, "tag")), indicators)
        elif element == "subfield":
            self._code = attrs[(None, "code")]

    def endElementNS(self, name: Any, qname: Any) -> None:  # noqa: N802
        """An element ends."""
        namespace, element = name
        if self._strict and namespace != MARC_XML_NS:
            return
        text = "".join(self._text)
        if self.normalize_form is not None:
            text = unicodedata.normalize(self.normalize_form, text)
        self._text = []
        record, field = self._record, self._field
        if element == "subfield":
            if field is not None and self._code:
                field.add_subfield(self._code, text)
                self._code = None
        elif record is None:
            return
        elif element == "record":
            self.process_record(record)
            self._record = None
            self._ended += 1
        elif element == "leader":
            record.leader = Leader(text)
        elif element in ("controlfield", "datafield") and field is not None:
            if element == "controlfield":
                field.data = text
            record.add_field(field)
            self._field = None

    def characters(self, content: str) -> None:
        """Text stands in an element."""
        self._text.append(content)

    def process_record(self, record: Record) -> None:
        """A record is complete: keep it."""
        self.records.append(record)


class _Parser(ExpatParser):
    """Python's parser, for documents without entities and with records that are not too long."""

    def __init__(self) -> None:
        super().__init__()
        self.setFeature(feature_namespaces, True)
        self.setFeature(feature_external_ges, False)
        #: Records that have ended, and bytes since then, and in all.
        self._ended: int | None = 0
        self._read = self._given = 0
        #: What waits until there is so much more of it.
        self._held: list[Any] = []
        self._missing = 0

    def reset(self) -> None:
        super().reset()
        self._parser.EntityDeclHandler = self._refuse  # type: ignore[attr-defined]

    def _refuse(self, name: str, *_: object) -> None:
        raise XmlSyntaxInvalid(
            f"XML: the document type declares entities, which are not expanded here, {name}"
        )

    def feed(self, data: Any, isFinal: bool = False) -> None:  # noqa: N803
        ended = getattr(self.getContentHandler(), "_ended", None)
        if ended is None or ended != self._ended:
            self._ended = ended
            self._read = 0
        self._read += len(data)
        if self._read > MAX_RECORD_BYTES:
            raise RecordTooLong(f"there is no end of a record in {MAX_RECORD_BYTES} bytes")
        if data:
            self._held.append(data)
        self._missing -= len(data)
        # Old versions of Expat look at a token that goes on from its start again with each piece:
        # so they are given twice as much of it each time.
        if self._held and (self._missing <= 0 or isFinal):
            held = type(self._held[0])().join(self._held)
            self._held = []
            super().feed(held)
            self._given += len(held)
            self._missing = self._given - self._parser.CurrentByteIndex  # type: ignore[attr-defined]
        if isFinal:
            super().feed(b"", isFinal)


def parse_xml(xml_file: Any, handler: ContentHandler) -> None:
    """Parse a file, by its name or a file object.

    Raises xml.sax.SAXParseException, and of `mrrc_ct.errors` XmlSyntaxInvalid where the document
    declares entities, and RecordTooLong.
    """
    parser = _Parser()
    parser.setContentHandler(handler)
    parser.parse(xml_file)


def map_xml(function: Callable[[Record], Any], *files: Any) -> None:
    """Call a function with each record of each file."""
    handler = XmlHandler()
    handler.process_record = function  # type: ignore[assignment,method-assign]
    for xml_file in files:
        parse_xml(xml_file, handler)


def parse_xml_to_array(
    xml_file: Any, strict: bool = False, normalize_form: Any = None
) -> list[Record]:
    """The records of a file, by its name or a file object. Options are those of `XmlHandler`."""
    handler = XmlHandler(strict, normalize_form)
    parse_xml(xml_file, handler)
    return handler.records


def record_to_xml(record: Record, quiet: bool = False, namespace: bool = False) -> bytes:
    """A record as MARCXML, in ASCII with character references.

    `namespace` says the namespace and the schema in it; `quiet` is for MARC-8 bytes. Raises
    XmlCharacterForbidden (of `mrrc_ct.errors`) for a character that XML does not have.
    """
    written = xml_of(record)
    if written is None:
        return ET.tostring(record_to_xml_node(record, quiet, namespace))
    if namespace:
        root = (
            f'<record xmlns="{MARC_XML_NS}" xmlns:xsi="{XSI_NS}" '
            f'xsi:schemaLocation="{MARC_XML_SCHEMA}">'
        )
        written = written.replace(b"<record>", root.encode(), 1)
    return written.decode().encode("ascii", "xmlcharrefreplace")


def xml_of(record: Record) -> bytes | None:
    """A record as MARCXML in UTF-8; None when the core cannot write it."""
    written = record._as_pymarc("pymarc_xml")
    if written is None:
        _check_characters(record)
    return written


def _check_characters(record: Record) -> None:
    for field in record.fields:
        texts: list[object] = [field.tag, field.data, *(field.indicators or ())]
        texts += [part for pair in field.subfields for part in pair]
        for text in texts:
            if isinstance(text, str) and any(
                (one < " " and one not in "\t\n\r") or one in "\ufffe\uffff" for one in text
            ):
                raise XmlCharacterForbidden(
                    f"XML does not have a character of {text!r}", tag=field.tag
                )


def record_to_xml_node(record: Record, quiet: bool = False, namespace: bool = False) -> ET.Element:
    """A record as an element of ElementTree. Options are those of `record_to_xml`."""
    marc8 = MARC8ToUnicode(quiet=quiet)

    def text_of(data: Any) -> str:
        return data if isinstance(data, str) else marc8.translate(data)

    root = ET.Element("record")
    if namespace:
        root.set("xmlns", MARC_XML_NS)
        root.set("xmlns:xsi", XSI_NS)
        root.set("xsi:schemaLocation", MARC_XML_SCHEMA)
    ET.SubElement(root, "leader").text = str(record.leader)
    for field in record.fields:
        if field.control_field:
            ET.SubElement(root, "controlfield", {"tag": field.tag}).text = text_of(field.data)
            continue
        first, second = field.indicators or ("", "")
        node = ET.SubElement(root, "datafield", {"ind1": first, "ind2": second, "tag": field.tag})
        for code, value in field.subfields:
            ET.SubElement(node, "subfield", {"code": code}).text = text_of(value)
    return root

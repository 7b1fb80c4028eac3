"""pymarc's writers. What they write, the core makes, a record at a time."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

from .exceptions import WriteNeedsRecord
from .marcxml import MARC_XML_NS, record_to_xml_node, xml_of
from .record import Record

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

__all__ = ["JSONWriter", "MARCWriter", "TextWriter", "Writer", "XMLWriter"]


class Writer:
    """The base of the writers."""

    def __init__(self, file_handle: IO[Any]) -> None:
        """Write to a file object."""
        self.file_handle = file_handle

    def write(self, record: Record) -> None:
        """Write a record. Raises WriteNeedsRecord for anything else."""
        if not isinstance(record, Record):
            raise WriteNeedsRecord

    def close(self, close_fh: bool = True) -> None:
        """End the writing, and close the file unless `close_fh` is false."""
        if close_fh and self.file_handle:
            self.file_handle.close()
        self.file_handle = None  # type: ignore[assignment]


class JSONWriter(Writer):
    """Writes an array of MARC-in-JSON to a text file, which `close` completes."""

    def __init__(self, file_handle: IO[Any]) -> None:
        """Begin the array."""
        super().__init__(file_handle)
        self.write_count = 0
        if self.file_handle:
            self.file_handle.write("[")

    def write(self, record: Record) -> None:
        """Write a record. Raises WriteNeedsRecord for anything else."""
        super().write(record)
        if self.file_handle:
            if self.write_count > 0:
                self.file_handle.write(",")
            written = record._as_pymarc("pymarc_json_compact")
            self.file_handle.write(
                json.dumps(record.as_dict(), separators=(",", ":"))
                if written is None
                else written.decode()
            )
            self.write_count += 1

    def close(self, close_fh: bool = True) -> None:
        """End the array, and close the file unless `close_fh` is false."""
        if self.file_handle:
            self.file_handle.write("]")
        super().close(close_fh)


class MARCWriter(Writer):
    """Writes ISO 2709 to a binary file."""

    def write(self, record: Record) -> None:
        """Write a record. Raises WriteNeedsRecord for anything else, and what `as_marc` raises."""
        if not isinstance(record, Record):
            raise WriteNeedsRecord
        if self.file_handle:
            self.file_handle.write(record.as_marc())


class TextWriter(Writer):
    """Writes `str(record)` to a text file, with a blank line between two."""

    def __init__(self, file_handle: IO[Any]) -> None:
        """Write to a text file."""
        super().__init__(file_handle)
        self.write_count = 0

    def write(self, record: Record) -> None:
        """Write a record. Raises WriteNeedsRecord for anything else."""
        super().write(record)
        if self.file_handle:
            if self.write_count > 0:
                self.file_handle.write("\n")
            self.file_handle.write(str(record))
            self.write_count += 1


class XMLWriter(Writer):
    """Writes a MARCXML collection to a binary file, which `close` completes."""

    def __init__(self, file_handle: IO[Any]) -> None:
        """Begin the collection."""
        super().__init__(file_handle)
        if self.file_handle:
            self.file_handle.write(b'<?xml version="1.0" encoding="UTF-8"?>')
            self.file_handle.write(f'<collection xmlns="{MARC_XML_NS}">'.encode())

    def write(self, record: Record) -> None:
        """Write a record. Raises WriteNeedsRecord for anything else.

        XmlCharacterForbidden (of `mrrc_ct.errors`) for a character that XML does not have.
        """
        super().write(record)
        if self.file_handle:
            written = xml_of(record)
            if written is None:
                written = ET.tostring(record_to_xml_node(record), encoding="utf-8")
            self.file_handle.write(written)

    def close(self, close_fh: bool = True) -> None:
        """End the collection, and close the file unless `close_fh` is false."""
        if self.file_handle:
            self.file_handle.write(b"</collection>")
        super().close(close_fh)

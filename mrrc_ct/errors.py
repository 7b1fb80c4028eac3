"""What can go wrong, all of it under `MarcError`.

Classes have pymarc's names where pymarc has one. Each error that comes from a record carries where
it was found; `str()` of it is one line that says what is wrong, where, and what stands there.
"""

from __future__ import annotations

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class MarcError(Exception):
    """The base of every error that this package raises.

    Attributes, None where they are not known:

    - `source`: the name of what was read, a path or `<bytes>`;
    - `record_number`: the record's number in the source, from 1;
    - `line_number`: in MRK and Aleph sequential, the number of the line in the source, from 1;
    - `byte_offset`: where the record begins, in bytes from the start of the source;
    - `offset_in_record`: where in the record the fault is, in bytes from its first;
    - `tag`: the tag of the field at fault;
    - `control_number`: what field 001 says;
    - `found`: the bytes at fault, cut to 40;
    - `expected`: what should stand there;
    - `around`: bytes around the fault, which is at `around_at` of them;
    - `outcome`: what became of the record: `lost`; `salvaged`, when what could be told of it was
      read; `warning`, when all of it was.

    `code` names the kind of error and never changes; docs/errors.md has them all.
    """

    code: str = "marc-error"

    source: str | None = None
    record_number: int | None = None
    line_number: int | None = None
    byte_offset: int | None = None
    offset_in_record: int | None = None
    tag: str | None = None
    control_number: str | None = None
    found: bytes | None = None
    expected: str | None = None
    around: bytes = b""
    around_at: int = 0
    outcome: str = "lost"

    def __init_subclass__(cls) -> None:
        """Derive the code: `RecordLengthInvalid` is `record-length-invalid`."""
        words = "".join(f"-{one.lower()}" if one.isupper() else one for one in cls.__name__)
        cls.code = words[1:]

    def __init__(self, message: str = "", **where: Any) -> None:
        """Make the error from what is wrong and any of the attributes by name."""
        super().__init__(message)
        self.message = message or (self.__class__.__doc__ or "").split("\n", 1)[0]
        for name, value in where.items():
            setattr(self, name, value)

    def __str__(self) -> str:
        place = []
        if self.record_number is not None:
            place.append(f"record {self.record_number}")
        if self.line_number is not None:
            place.append(f"line {self.line_number}")
        if self.byte_offset is not None:
            offset = self.byte_offset + (self.offset_in_record or 0)
            place.append(f"byte {offset}")
        if self.tag is not None:
            place.append(f"field {self.tag}")
        if self.control_number is not None:
            place.append(f"001 {self.control_number}")
        heads = [part for part in (self.source, ", ".join(place)) if part]
        text = ": ".join([*heads, self.message])
        notes = [f"found {self.found!r}"] if self.found else []
        if self.expected is not None:
            notes.append(f"expected {self.expected}")
        return f"{text} ({', '.join(notes)})" if notes else text

    def detailed(self) -> str:
        """All that is known, a line for each thing, for a log."""
        lines = [f"{self.code}: {self.message}"]
        names = ("source", "record_number", "line_number", "control_number", "byte_offset")
        for name in (*names, "offset_in_record", "tag", "found", "expected", "outcome"):
            value = getattr(self, name)
            if value is not None and value != b"":
                lines.append(f"  {name.replace('_', ' ')}: {value}")
        if self.around:
            lines.append(f"  around: {self.around.hex(' ')}")
            shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in self.around)
            lines.append(f"          {shown}")
            lines.append(f"          {' ' * self.around_at}^")
        return "\n".join(lines)


class SourceError(MarcError, OSError):
    """A source or target cannot be opened, read or written."""


class SourceNotFound(SourceError, FileNotFoundError):
    """There is no file by this name."""


class SourceIsDirectory(SourceError, IsADirectoryError):
    """The name is that of a directory."""


class EmptySource(SourceError):
    """The file holds nothing at all."""


class CompressedDataInvalid(SourceError):
    """Compressed data is damaged or cut short."""


class ExpansionTooLarge(CompressedDataInvalid):
    """Compressed data becomes so much larger that it is hardly meant to be read."""


class SeekNotSupported(SourceError):
    """The source cannot be read from another offset."""


class IndexInvalid(MarcError):
    """An index is not there, is none, or does not go with its file any more."""


class PipelineClosed(MarcError):
    """The pipeline is closed, or was made by another process."""


class FormatUnknown(MarcError, ValueError):
    """The format is not named, and neither a file name nor the data tells it."""


class PathInvalid(MarcError, ValueError):
    """A path or filter is not written as it should be.

    `text` is what was written, `position` where in it the fault is, in characters from 0; str()
    shows both, but for what is far from there.
    """

    text: str = ""
    position: int = 0
    _SHOWN = 60

    def __str__(self) -> str:
        if not self.text:
            return self.message
        start = self.text.rfind("\n", 0, self.position) + 1
        line = self.text[start:].split("\n", 1)[0]
        at = self.position - start
        first = max(0, at - self._SHOWN)
        shown = ("… " if first else "") + line[first : at + self._SHOWN]
        more = " …" if at + self._SHOWN < len(line) else ""
        return f"{self.message}\n  {shown}{more}\n  {' ' * (at - first + 2 * bool(first))}^"


class RulesInvalid(MarcError, ValueError):
    """Rules for editing, or a library's own for validation, are not written as they should be.

    `rule` is the number of the one at fault among those for editing, from 1, `key` the key in it.
    """

    rule: int | None = None
    key: str | None = None


class RuleFailed(MarcError, ValueError):
    """A rule cannot be applied to a record, which stays as it was. `rule` is its number, from 1."""

    rule: int | None = None


class ValueRepeated(MarcError, ValueError):
    """A record has more than one value where MARC 21 allows one."""


class NotOneRecord(MarcError, ValueError):
    """One record was expected, and there are none or several."""


class TooManyFiles(MarcError):
    """More files would be made than were to be."""


class TooManyErrors(MarcError):
    """More records are damaged than were to be put up with."""


class StructureError(MarcError, ValueError):
    """A record does not have the structure that ISO 2709 and MARC 21 demand."""


class RecordLengthInvalid(StructureError):
    """The record does not begin with a possible length."""


class TruncatedRecord(StructureError):
    """The data ends inside the record."""


class EndOfRecordNotFound(StructureError):
    """The record does not end with its terminator where it should."""


class RecordLeaderInvalid(StructureError):
    """The leader is not 24 ASCII characters."""


class BaseAddressNotFound(StructureError):
    """The leader has no base address."""


class BaseAddressInvalid(StructureError):
    """The base address lies outside the record."""


class RecordDirectoryInvalid(StructureError):
    """The directory is not made of whole entries."""


class FieldInvalid(StructureError):
    """A field does not lie in the record, or does not end with its terminator."""


class NoFieldsFound(StructureError):
    """The record has no fields."""


class IndicatorsInvalid(StructureError):
    """A field does not begin with two indicators."""


class SubfieldCodeInvalid(StructureError):
    """A subfield has no code, or one that is not a single character."""


class TagInvalid(StructureError):
    """A tag is not three printable ASCII characters, or does not suit its field."""


class DelimiterInData(StructureError):
    """A value holds a delimiter of ISO 2709, 1D, 1E or 1F."""


class FieldNotFound(MarcError, LookupError):
    """The record does not have this field."""


class BadLeaderValue(MarcError, ValueError):
    """A value does not fit its place in the leader."""


class MissingLinkedFields(MarcError, LookupError):
    """A field with subfield $6 has no field 880 that goes with it."""

    def __init__(self, field: Any) -> None:
        """Make the error for a field whose link leads nowhere."""
        super().__init__(
            f"field {field.tag} has a subfield $6 but no linked field could be found", tag=field.tag
        )
        self.field = field


class TextError(MarcError, ValueError):
    """Bytes are not the text that they are said to be, or text cannot be encoded."""


class Utf8Invalid(TextError):
    """Bytes that should be UTF-8 are not."""


class Marc8Invalid(TextError):
    """Bytes that should be MARC-8 are not."""


class UnmappableCharacter(TextError):
    """The encoding does not have the character."""


class LimitError(MarcError, ValueError):
    """The record is larger than ISO 2709 can express, or than it may be."""


class FieldTooLong(LimitError):
    """A field has more than 9,999 bytes."""


class RecordTooLong(LimitError):
    """A record has more than 99,999 bytes, or one that is read more than the limit."""


class MarkupError(MarcError, ValueError):
    """A text format is not written as it should be."""


class XmlSyntaxInvalid(MarkupError):
    """The XML is not well-formed, or not MARCXML."""


class XmlCharacterForbidden(MarkupError):
    """A value holds a character that XML 1.0 does not allow."""


class JsonSyntaxInvalid(MarkupError):
    """The JSON is not well-formed."""


class JsonStructureInvalid(MarkupError):
    """The JSON is not that of a MARC record."""


class MrkSyntaxInvalid(MarkupError):
    """The text is not MRK."""


class SeqSyntaxInvalid(MarkupError):
    """The text is not Aleph sequential."""


class SeqTextForbidden(MarkupError):
    """A value holds what Aleph sequential cannot: `$$`, a line end, `^` in a control field."""


class WriteNeedsRecord(MarcError, TypeError):
    """Only a Record can be written."""


class ReaderClosed(MarcError, ValueError):
    """The reader is closed."""


class WriterClosed(MarcError, ValueError):
    """The writer is closed, or was opened by another process."""

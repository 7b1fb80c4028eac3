"""Records that are not as the standard has them, read and written as pymarc does.

The core reads and writes all others. What pymarc makes of a directory that lies, of missing
indicators or of bytes that nobody decodes is its own, so it is followed here step by step.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterator

from ..errors import FieldTooLong, RecordTooLong, TagInvalid
from .constants import (
    DIRECTORY_ENTRY_LEN,
    END_OF_FIELD,
    END_OF_RECORD,
    LEADER_LEN,
    SUBFIELD_INDICATOR,
)
from .exceptions import (
    BadSubfieldCodeWarning,
    BaseAddressInvalid,
    BaseAddressNotFound,
    NoFieldsFound,
    RecordDirectoryInvalid,
    RecordLeaderInvalid,
    TruncatedRecord,
)
from .field import Field, Indicators, RawField, Subfield, logger
from .leader import Leader
from .marc8 import marc8_to_unicode

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_FIELD_BYTES_MAX = 9_999
_RECORD_BYTES_MAX = 99_999


def leader_of(marc: bytes) -> Leader:
    """The leader of a record. Raises RecordLeaderInvalid, UnicodeDecodeError."""
    leader = marc[:LEADER_LEN].decode("ascii")
    if len(leader) != LEADER_LEN:
        raise RecordLeaderInvalid
    return Leader(leader)


def fields_of(
    marc: bytes,
    leader: Leader,
    to_unicode: bool,
    force_utf8: bool,
    hide_utf8_warnings: bool,
    utf8_handling: str,
    encoding: str,
) -> Iterator[Field]:
    """The fields of a record, one after the other. Raises pymarc's exceptions and ValueError."""
    base_address = int(marc[12:17])
    if base_address <= 0:
        raise BaseAddressNotFound
    if base_address >= len(marc):
        raise BaseAddressInvalid
    if len(marc) < int(leader[:5]):
        raise TruncatedRecord
    directory = marc[LEADER_LEN : base_address - 1].decode("ascii")
    if len(directory) % DIRECTORY_ENTRY_LEN:
        raise RecordDirectoryInvalid
    if not directory:
        raise NoFieldsFound

    if leader[9] == "a" or force_utf8:
        control_encoding = "utf-8"

        def decode(data: bytes) -> str:
            return data.decode("utf-8", utf8_handling)

    else:
        control_encoding = encoding

        def decode(data: bytes) -> str:
            if encoding == "iso8859-1":
                return marc8_to_unicode(data, hide_utf8_warnings)
            return data.decode(encoding)

    for at in range(0, len(directory), DIRECTORY_ENTRY_LEN):
        tag = directory[at : at + 3]
        start = base_address + int(directory[at + 7 : at + 12])
        data = marc[start : start + int(directory[at + 3 : at + 7]) - 1]
        if tag < "010" and tag.isdigit():
            yield _control_field(tag, data, control_encoding if to_unicode else None)
        else:
            yield _data_field(tag, data, decode if to_unicode else None)


def _control_field(tag: str, data: bytes, encoding: str | None) -> Field:
    if encoding is not None:
        return Field(tag, data=data.decode(encoding))
    raw: Any = data
    return RawField(tag, data=raw)


def _data_field(tag: str, data: bytes, decode: Callable[[bytes], str] | None) -> Field:
    head, *parts = data.split(SUBFIELD_INDICATOR.encode())
    indicators = head.decode("ascii")
    if len(indicators) != 2:
        found = ("missing indicators", "only 1 indicator found", "more than 2 indicators found")
        logger.warning(f"{found[min(len(indicators), 2)]}: %s", data)
        indicators = f"{indicators:2.2}"
    subfields = []
    for part in parts:
        if not part:
            continue
        code, length = chr(part[0]), 1
        if not code.isascii():
            warnings.warn(BadSubfieldCodeWarning(part), stacklevel=2)
            code, length = normalize_subfield_code(part)
        value: Any = part[length:]
        subfields.append(Subfield(code, value if decode is None else decode(value)))
    return (RawField if decode is None else Field)(tag, Indicators(*indicators), subfields)


def normalize_subfield_code(subfield: bytes) -> tuple[str, int]:
    """An ASCII code for a subfield whose code is not, and how many bytes that has.

    Raises IndexError when nothing is left of the code without its marks.
    """
    length = 1
    try:
        text = subfield.decode("utf-8")
        length = len(text[0].encode("utf-8"))
    except UnicodeDecodeError:
        text = subfield.decode("latin-1")
    bare = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return bare[0], length


def marc_of(leader: str, fields: list[Field], encoding: str) -> bytes:
    """A record in ISO 2709.

    Raises UnicodeEncodeError for a character that the encoding does not have, TagInvalid for a tag
    that is not three bytes, FieldTooLong and RecordTooLong for more than 9,999 and 99,999 bytes.
    """
    directory = []
    contents = []
    start = 0
    for field in fields:
        content = field.as_marc() if isinstance(field, RawField) else field.as_marc(encoding)
        tag = f"{int(field.tag):03}" if field.tag.isdigit() else f"{field.tag:>03}"
        if len(tag.encode(encoding)) != 3:
            raise TagInvalid(f"a tag is three ASCII characters, not {tag!r}", tag=field.tag)
        if len(content) > _FIELD_BYTES_MAX:
            raise FieldTooLong(
                f"a field may have 9999 bytes with its terminator in ISO 2709, this one has "
                f"{len(content)} bytes",
                tag=field.tag,
            )
        directory.append(f"{tag}{len(content):04}{start:05}")
        contents.append(content)
        start += len(content)
    head = f"{''.join(directory)}{END_OF_FIELD}".encode(encoding)
    body = b"".join(contents) + END_OF_RECORD.encode(encoding)
    base_address = LEADER_LEN + len(head)
    length = base_address + len(body)
    if length > _RECORD_BYTES_MAX:
        raise RecordTooLong(
            f"a record may have 99999 bytes in ISO 2709, this one has {length} bytes"
        )
    start_of_leader = f"{length:05}{leader[5:12]}{base_address:05}{leader[17:]}".encode(encoding)
    return start_of_leader + head + body

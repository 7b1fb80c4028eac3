"""pymarc's exceptions, with its inheritance and its messages."""

from __future__ import annotations

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class PymarcException(Exception):
    """The base of pymarc's exceptions."""


class FatalReaderError(PymarcException):
    """A reader cannot go on behind this."""


class RecordLengthInvalid(FatalReaderError):
    """A record does not begin with a number."""

    def __str__(self) -> str:
        return "Invalid record length in first 5 bytes of record"


class TruncatedRecord(FatalReaderError):
    """The data ends inside the record."""

    def __str__(self) -> str:
        return "Record length in leader is greater than the length of data"


class EndOfRecordNotFound(FatalReaderError):
    """The record does not end with its terminator."""

    def __str__(self) -> str:
        return "Unable to locate end of record marker"


class RecordLeaderInvalid(PymarcException):
    """The leader is not 24 characters."""

    def __str__(self) -> str:
        return "Unable to extract record leader"


class RecordDirectoryInvalid(PymarcException):
    """The directory is not made of whole entries."""

    def __str__(self) -> str:
        return "Invalid directory"


class NoFieldsFound(PymarcException):
    """The record has no fields."""

    def __str__(self) -> str:
        return "Unable to locate fields in record data"


class BaseAddressInvalid(PymarcException):
    """The base address lies behind the record."""

    def __str__(self) -> str:
        return "Base address exceeds size of record"


class BaseAddressNotFound(PymarcException):
    """The base address is zero."""

    def __str__(self) -> str:
        return "Unable to locate base address of record"


class WriteNeedsRecord(PymarcException):
    """Only a Record can be written."""

    def __str__(self) -> str:
        return "Write requires a pymarc.Record object as an argument"


class NoActiveFile(PymarcException):
    """The writer has no file."""

    def __str__(self) -> str:
        return "There is no active file to write to in call to write"


class FieldNotFound(PymarcException):
    """The record does not have this field."""

    def __str__(self) -> str:
        return "Record does not contain the specified field"


class BadLeaderValue(PymarcException):
    """A value does not fit its place in the leader."""


class MissingLinkedFields(PymarcException):
    """A field with subfield $6 has no field 880 that goes with it."""

    def __init__(self, field: Any) -> None:
        """Make the error for `field`, whose link leads nowhere."""
        super().__init__(field)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field.tag} field includes a subfield 6 but no linked fields could be found."


class BadSubfieldCodeWarning(Warning):
    """A subfield code is not ASCII."""

    def __init__(self, subf: bytes) -> None:
        """Make the warning for the bytes of a subfield, its code first."""
        super().__init__()
        self.subf = subf

    def __str__(self) -> str:
        return f"The subfield contained a non-ASCII subfield code: {self.subf!r}"

"""What readers do with damaged records: refuse them, or save what can be told of them."""

from __future__ import annotations

from . import _core
from ._batch import FLAT, Origin
from ._bindings import LENIENT, STRICT_MARC, Level
from .errors import MarcError, TooManyErrors
from .record import Record, flat_record

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Errors kept in a summary; more are only counted.
ERRORS_MAX = 1000

MODES = ("strict", "lenient", "permissive")
LEVELS = {"structural": Level.STRUCTURAL, "strict_marc": Level.STRICT_MARC}

#: The bytes that one record may have, unless told otherwise.
MAX_RECORD_BYTES = 64 * 1024 * 1024


class Summary:
    """What a reader has met up to now.

    Attributes: `records_read`, those salvaged among them; `records_salvaged`; `records_lost`;
    `records_left_out`, read and not wanted; `bytes_skipped`, of the source, with the records lost;
    `bytes_between`, line ends and byte order
    marks between records of ISO 2709; `errors`, the first thousand, in the order of the source.
    """

    __slots__ = (
        "bytes_between",
        "bytes_skipped",
        "errors",
        "records_left_out",
        "records_lost",
        "records_read",
        "records_salvaged",
    )

    def __init__(self) -> None:
        """Begin a summary."""
        self.records_read = 0
        self.records_salvaged = 0
        self.records_lost = 0
        self.records_left_out = 0
        self.bytes_skipped = 0
        self.bytes_between = 0
        self.errors: list[MarcError] = []

    def add_read(self, records: list[Record], entries: int, length: int) -> None:
        """Note records from so many bytes; with what stands between they are so many entries."""
        self.records_read += len(records)
        if len(records) < entries:
            self.bytes_between += length - sum([len(record._data) for record in records])

    def pass_by(self, count: int, between: int) -> None:
        """Note that so many records were read, none of them wanted, and the bytes between."""
        self.records_read += count
        self.records_left_out += count
        self.bytes_between += between

    def leave_out(self, count: int) -> None:
        """Note that so many of the records that were read are not wanted."""
        self.records_left_out += count

    def add(self, errors: list[MarcError]) -> None:
        """Note what is wrong with one record."""
        outcomes = {error.outcome for error in errors}
        self.records_lost += "lost" in outcomes
        self.records_salvaged += "salvaged" in outcomes
        self.errors += errors[: ERRORS_MAX - len(self.errors)]

    def __str__(self) -> str:
        return (
            f"{self.records_read:,} records, {self.records_salvaged:,} of them salvaged, "
            f"{self.records_lost:,} lost, {self.bytes_skipped:,} bytes skipped, "
            f"{self.bytes_between:,} between records"
        )

    def __repr__(self) -> str:
        return f"<Summary {self}>"


class Recovery:
    """How one reader deals with damage and with what is too long, and what it has met."""

    __slots__ = (
        "flags",
        "is_lenient",
        "is_permissive",
        "level",
        "max_errors",
        "max_record_bytes",
        "summary",
    )

    def __init__(
        self,
        mode: str = "strict",
        max_errors: int | None = None,
        validation_level: str = "structural",
        max_record_bytes: int = MAX_RECORD_BYTES,
    ) -> None:
        """Raises ValueError for a mode or a level that there is not, and a limit out of bounds."""
        if mode not in MODES:
            raise ValueError(f"recovery_mode should be one of {', '.join(MODES)}, not {mode!r}")
        if validation_level not in LEVELS:
            raise ValueError(
                f"validation_level should be one of {', '.join(LEVELS)}, not {validation_level!r}"
            )
        self.level = LEVELS[validation_level]
        self.is_lenient = mode != "strict"
        #: What to hand to the core with the records.
        self.flags = (LENIENT if self.is_lenient else 0) | (STRICT_MARC if self.level else 0)
        self.is_permissive = mode == "permissive"
        self.max_errors = max_errors
        if not 1 <= max_record_bytes <= _core.RECORD_MAX_MOST:
            raise ValueError(
                f"max_record_bytes should be 1 to {_core.RECORD_MAX_MOST}, not {max_record_bytes}"
            )
        self.max_record_bytes = max_record_bytes
        self.summary = Summary()

    def options(self) -> dict[str, Any]:
        """What to make a converter or a pipeline of the core with."""
        return {
            "is_lenient": self.is_lenient,
            "level": self.level,
            "record_max": self.max_record_bytes,
        }

    def note(self, errors: list[MarcError]) -> None:
        """Put down what is wrong with one record. Raises TooManyErrors."""
        summary = self.summary
        summary.add(errors)
        count = summary.records_lost + summary.records_salvaged
        if self.max_errors is not None and count > self.max_errors:
            last = errors[-1]
            raise TooManyErrors(
                f"more than {self.max_errors} records are damaged, the last one: {last.message}",
                source=last.source,
                record_number=last.record_number,
                byte_offset=last.byte_offset,
            ) from last

    def salvaged(
        self, data: bytes, origin: Origin, number: int | None, offset: int
    ) -> Record | MarcError:
        """What can be told of a damaged record, its errors in `record.errors`; or why it is lost.

        `data` is all of it, `offset` where it begins.
        """
        problems: list[MarcError] = []
        try:
            flat = _core.salvaged(
                data,
                origin.encoding,
                origin.codec,
                origin.references,
                problems,
                origin.name,
                self.level,
                self.max_record_bytes,
            )
        except MarcError as error:
            problems = [error]
            # Its traceback would keep the record in memory.
            return error.with_traceback(None)
        finally:
            for problem in problems:
                problem.record_number = number
                problem.byte_offset = offset
        record = flat_record(flat, origin.at(number or 0, offset))
        record._kind = FLAT
        record._errors = problems
        return record

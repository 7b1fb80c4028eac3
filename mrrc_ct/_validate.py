"""The faults of many records."""

from __future__ import annotations

from .conversion import read
from .errors import MarcError
from .validation import Validator

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from ._source import Sources
    from .conversion import Records
    from .record import Record
    from .validation import Fault


class Checked:
    """A record with faults.

    `record`; `faults`; `number`, that of the record in its source, from 1; `source`, the name of
    that.
    """

    __slots__ = ("faults", "number", "record", "source")

    def __init__(self, record: Record, faults: list[Fault]) -> None:
        self.record = record
        self.faults = faults
        self.number = record._number
        self.source = record._origin.name

    @property
    def control_number(self) -> str:
        """What field 001 says, stripped; empty where there is none."""
        return (self.record.control_field("001") or "").strip()


class Validation:
    """What `validate` gives: an iterator over the records with faults.

    `records_checked` is how many there were, `records_faulty` how many of them had faults;
    `records` is what they are read from, with its `summary`.
    """

    def __init__(
        self,
        records: Records,
        validator: Validator,
        on_error: Callable[[MarcError], None] | None,
    ) -> None:
        self.records = records
        self.records_checked = self.records_faulty = 0
        self._validator = validator
        self._on_error = on_error

    def __iter__(self) -> Iterator[Checked]:
        check = self._validator.check
        for record in self.records:
            try:
                faults = check(record)
            except MarcError as error:
                if self._on_error is None:
                    raise
                self._on_error(error)
                continue
            self.records_checked += 1
            if faults:
                self.records_faulty += 1
                yield Checked(record, faults)


def validate(
    source: Sources,
    validator: Validator | None = None,
    from_: str | None = None,
    *,
    on_error: Callable[[MarcError], None] | None = None,
    **options: Any,
) -> Validation:
    """The records of a source, or of several, that are not what the format says, and why.

        for checked in validate("books.mrc"):
            for fault in checked.faults:
                print(checked.number, checked.control_number, fault)

    `validator` has the rules, those of the MARC 21 bibliographic format unless told otherwise. The
    other options are those of `read`. Raises as that.
    """
    records = read(source, from_, on_error=on_error, **options)
    return Validation(records, validator or Validator.marc21(), on_error)

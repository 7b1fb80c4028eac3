"""Records in and out, for commands that work on one record after the other.

with Progress(options) as progress:
    found = records(options, progress)
    with writer(options, progress, found) as output:
        for record in found:
            output.write(record)
return progress.status
"""

from __future__ import annotations

from .._core import normalization_number
from .._target import open_target
from .._work import FORMAT_BYTES, Formatter
from ..base import check_invalid_xml
from ..conversion import check_different, read
from ..errors import MarcError, SourceError
from ..writer import MARCWriter
from . import options as shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Any

    from .._target import TargetLike
    from ..base import BaseRecord
    from ..record import Record
    from .progress import Progress


class Input:
    """The records of all inputs. What is lost or salvaged is listed and counted."""

    def __init__(self, options: argparse.Namespace, progress: Progress) -> None:
        """Open the first input. Raises as `mrrc_ct.read`."""
        self._progress = progress
        #: What is read.
        self.sources = shared.inputs(options)
        self._found = read(
            self.sources,
            # A command need not have a filter, nor threads.
            where=getattr(options, "where", None),
            threads=getattr(options, "threads", 1),
            on_error=progress.error,
            progress=progress,
            **shared.reading(options),
        )
        #: The format of the first of them.
        self.format = self._found.format

    def __iter__(self) -> Iterator[Record]:
        progress = self._progress
        try:
            for record in self._found:
                progress.read += 1
                yield record
        finally:
            progress.read += self._found.summary.records_left_out
            progress.left_out += self._found.summary.records_left_out


def records(options: argparse.Namespace, progress: Progress) -> Input:
    """The records of all inputs, opened. Raises as `mrrc_ct.read`."""
    return Input(options, progress)


def writer(
    options: argparse.Namespace, progress: Progress, found: Input
) -> _MarcOutput | _TextOutput:
    """What writes records as `add_output` says: in the format of the input, unless told.

    A record that cannot be written is listed and counted, and the others go on. A file is replaced
    when all is done, and stays what it was where an exception ends the work.
    """
    target = shared.target(options)
    for source in found.sources:
        check_different(source, target)
    to = shared.format_to(options)
    to = found.format if to == "same" else to
    kind = _MarcOutput if to == "marc" else _TextOutput
    return kind(target, to, progress, **shared.writing(options))


class _MarcOutput:
    """ISO 2709."""

    def __init__(
        self,
        target: TargetLike,
        to: str,
        progress: Progress,
        *,
        encoding: str | None,
        unmappable: str,
        invalid_xml: str,
        normalize: str | None,
    ) -> None:
        self._writer = MARCWriter(
            target, encoding=encoding, unmappable=unmappable, normalize=normalize
        )
        self._progress = progress

    def write(self, record: BaseRecord[Any]) -> None:
        """Write a record. Raises SourceError."""
        try:
            self._writer.write_record(record)
        except SourceError:
            raise
        except MarcError as error:
            self._progress.error(error)
        else:
            self._progress.written += 1

    def __enter__(self) -> _MarcOutput:
        self._writer.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.__exit__(kind, error, traceback)


class _TextOutput:
    """Any other format, some records at a time."""

    def __init__(
        self,
        target: TargetLike,
        to: str,
        progress: Progress,
        *,
        encoding: str | None,
        unmappable: str,
        invalid_xml: str,
        normalize: str | None,
    ) -> None:
        self._formatter = Formatter(
            to, check_invalid_xml(invalid_xml), normalization_number(normalize)
        )
        self._target = open_target(target)
        self._progress = progress
        self._waiting: list[BaseRecord[Any]] = []
        self._bytes = 0

    def write(self, record: BaseRecord[Any]) -> None:
        """Write a record, with those that come next. Raises SourceError."""
        self._waiting.append(record)
        self._bytes += len(record._data)
        if self._bytes >= FORMAT_BYTES:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        before = self._formatter.records_written
        for piece in self._formatter.formatted(waiting, on_error=self._progress.error):
            self._target.write(piece)
        self._progress.written += self._formatter.records_written - before

    def __enter__(self) -> _TextOutput:
        self._target.write(self._formatter.begin())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._target.discard()
            return
        self._flush()
        self._target.write(self._formatter.end())
        self._target.close()

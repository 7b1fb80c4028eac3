"""How far the work is, what was lost on the way, and what became of it all: on standard error."""

from __future__ import annotations

import sys
import time

from . import DONE, LOOK, streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from types import TracebackType

    from .._work import Report
    from ..errors import MarcError


class Progress:
    """A line on a terminal that says how far the work is, the errors, and a summary at the end.

        with Progress(options) as progress:
            progress.add(convert(…, progress=progress, on_error=progress.error))
        return progress.status

    `is_reading`: what is written is for reading, and there is a summary only where something was
    lost. Counts are those of Report: `read`, `written`, `left_out`, `lost`, `salvaged`.
    """

    EVERY_SECONDS = 0.25

    def __init__(self, options: argparse.Namespace, is_reading: bool = False) -> None:
        output = getattr(options, "output", "-")
        has_terminal = streams.is_terminal(sys.stderr)
        is_mixed = output == "-" and streams.is_terminal(sys.stdout)
        self._is_quiet = bool(options.quiet)
        self._is_shown = has_terminal and not is_mixed and not self._is_quiet
        #: Whether a summary is of interest where all went well.
        self.is_summed = not is_reading and (output != "-" or self._is_shown)
        self._begin = time.monotonic()
        self._next = self._begin + self.EVERY_SECONDS * 2
        self._width = 0
        self.read = self.written = self.left_out = self.lost = self.salvaged = 0
        #: Said at the end, instead of the counts.
        self.summary: str | None = None
        #: The record that was salvaged last: it may have several errors.
        self._salvaged: tuple[str | None, int | None] | None = None

    def __call__(self, done: int, total: int | None, records: int) -> None:
        """Show how far it is: bytes read, bytes there are or None, records read."""
        now = time.monotonic()
        if not self._is_shown or now < self._next:
            return
        self._next = now + self.EVERY_SECONDS
        seconds = now - self._begin
        text = f"{records:,} records, {records / seconds:,.0f} a second"
        if total:
            left = seconds * (total - done) / max(done, 1)
            text = f"{100 * done // total:3} %, {text}, {left:.0f} s left"
        self._show(text)

    def _show(self, text: str) -> None:
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def error(self, error: MarcError) -> None:
        """List the loss of a record, or of a part of it, and count it."""
        if error.outcome == "lost":
            self.lost += 1
        elif error.outcome == "salvaged":
            record = error.source, error.record_number
            self.salvaged += record != self._salvaged
            self._salvaged = record
        self.say(f"mrrc-ct: {error.outcome}: {error}")

    def say(self, text: str) -> None:
        """A line on standard error, where the progress may stand now."""
        self.clear()
        streams.say(text)

    def clear(self) -> None:
        """Leave the line."""
        if self._width:
            self._show("")
            sys.stderr.write("\r")
            sys.stderr.flush()
            self._width = 0

    def add(self, report: Report) -> None:
        """Count what the library did; its errors have been listed."""
        self.read += report.records_read
        self.written += report.records_written
        self.left_out += report.records_left_out

    @property
    def status(self) -> int:
        """Whether there is something to look at."""
        return LOOK if self.lost or self.salvaged else DONE

    def __str__(self) -> str:
        parts = [f"{self.read:,} records read"]
        for count, what in (
            (self.left_out, "left out"),
            (self.salvaged, "salvaged"),
            (self.lost, "lost"),
            (self.written, "written"),
        ):
            if count:
                parts.append(f"{count:,} {what}")
        return f"{', '.join(parts)}, {time.monotonic() - self._begin:.2f} s"

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()
        if kind is None and not self._is_quiet and (self.is_summed or self.status != DONE):
            # Behind all that was written.
            streams.flush()
            streams.say(f"mrrc-ct: {self.summary or self}")

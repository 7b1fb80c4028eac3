"""The command line: `mrrc-ct convert`, `count`, `print` and `repair`.

Exit status: 0 when all went well, 1 when records were lost or had to be salvaged on the way (each
is listed on standard error), 2 when the work could not be done.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import signal
import sys
import time
from typing import IO, Any

from . import __version__
from ._repair import repair
from ._source import MAX_EXPANSION, raise_os_error
from ._work import Report
from .conversion import FORMATS, THREADS_MAX, convert, count
from .errors import MarcError, SourceError
from .recovery import LEVELS, MAX_RECORD_BYTES

OK, LOST, FAILED = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    """Run a command; its exit status."""
    options = _parser().parse_args(arguments)
    _end_in_order()
    try:
        status: int = options.run(options)
        if sys.stdout is not None:
            _write_output("")
        return status
    except (MarcError, OSError, ValueError, LookupError) as error:
        if isinstance(error, OSError) and error.errno is not None and _is_output(error.filename):
            _let_go_of_output()
            if error.errno == errno.EPIPE:
                return OK  # whoever reads our output has seen enough
        _say(f"mrrc-ct: {error}")
        return FAILED
    except KeyboardInterrupt:
        _say("mrrc-ct: interrupted")
        return 130


def _say(text: str) -> None:
    """A line on standard error, if anybody is there to read it: the work goes on without."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr)


def _end_in_order() -> None:
    """Let the work be given up, and its temporary file removed, where a signal ends the process."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(ValueError):  # only the main thread may ask for it
                signal.signal(number, _end)


def _end(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _write_output(text: str) -> None:
    """Write to standard output, with all that waits there."""
    output = _stream(sys.stdout, "output")
    try:
        output.write(text)
        output.flush()
    except OSError as error:
        raise_os_error(error, output.name, "write to")


def _is_output(name: str | None) -> bool:
    """Whether a failed write was to standard output, which may be asked for as `/dev/stdout`."""
    if sys.stdout is None:
        return False
    if name in (None, sys.stdout.name):
        return True
    try:
        return os.path.samestat(os.stat(str(name)), os.fstat(sys.stdout.fileno()))
    except OSError:
        return False


def _let_go_of_output() -> None:
    """What is left for standard output has nowhere to go; Python would try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mrrc-ct",
        description="Read, convert, count and repair MARC records.",
        epilog="Exit status: 0 done, 1 records were lost or salvaged (listed on standard error), "
        "2 failed.",
    )
    parser.add_argument("--version", action="version", version=f"mrrc-ct {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_convert(commands)
    _add_count(commands)
    _add_print(commands)
    _add_repair(commands)
    return parser


def _command(commands: Any, name: str, text: str, example: str) -> Any:
    command = commands.add_parser(
        name, help=text, description=text, epilog=f"example: {example}", allow_abbrev=False
    )
    command.add_argument(
        "input", metavar="IN", help="a file (.gz, .bz2, .xz are unpacked), or - for standard input"
    )
    command.add_argument(
        "--from",
        dest="from_",
        choices=FORMATS,
        metavar="F",
        help=f"the input's format: {', '.join(FORMATS)}; else its name or first bytes tell",
    )
    _add_limits(command)
    return command


def _add_reading(command: Any) -> None:
    command.add_argument(
        "--from-encoding",
        metavar="E",
        help="the encoding of ISO 2709 input, instead of what leader/09 says: "
        "utf-8, marc-8 or a codec of Python's",
    )
    command.add_argument(
        "--references",
        action="store_true",
        help="read &#xXXXX; in MARC-8 as the character it names",
    )


def _add_recovery(command: Any) -> None:
    command.add_argument(
        "--recovery",
        choices=("lenient", "strict"),
        default="lenient",
        help="of a damaged record of ISO 2709 write what can be told (lenient, the default), "
        "or nothing (strict)",
    )


def _add_validation(command: Any) -> None:
    command.add_argument(
        "--validation",
        choices=LEVELS,
        default="structural",
        help="what records are held to: their structure (structural, the default), or also leader "
        "values, tags, indicators, subfield codes and UTF-8 (strict_marc)",
    )


def _add_convert(commands: Any) -> None:
    command = _command(
        commands,
        "convert",
        "Convert records from one format to another.",
        "mrrc-ct convert books.mrc -o books.xml",
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        default="-",
        help="a file, or - for standard output (the default)",
    )
    command.add_argument(
        "--to", choices=FORMATS, metavar="F", help="the output's format; else its name tells"
    )
    _add_reading(command)
    command.add_argument(
        "--encoding",
        metavar="E",
        help="the encoding of ISO 2709 output: utf-8, marc-8 or a codec of Python's; "
        "else as it was",
    )
    command.add_argument(
        "--unmappable",
        choices=("error", "ncr", "fill"),
        default="error",
        help="for what MARC-8 does not have: leave the record out (error), "
        "write &#xXXXX; (ncr) or | (fill)",
    )
    command.add_argument(
        "--invalid-xml",
        choices=("error", "replace"),
        default="error",
        help="for what XML forbids: leave the record out, or write U+FFFD",
    )
    _add_recovery(command)
    _add_validation(command)
    _add_threads(command)
    command.set_defaults(run=_convert)


def _add_count(commands: Any) -> None:
    command = _command(
        commands, "count", "Count the sound records of a file.", "mrrc-ct count books.mrc.gz"
    )
    _add_validation(command)
    _add_threads(command)
    command.set_defaults(run=_count)


def _add_threads(command: Any) -> None:
    command.add_argument(
        "--threads",
        type=_positive,
        default=1,
        metavar="N",
        help="threads that work on ISO 2709 input at the same time (default: 1)",
    )


def _add_print(commands: Any) -> None:
    command = _command(
        commands,
        "print",
        "Print records as MRK text for reading.",
        "mrrc-ct print books.mrc | less",
    )
    _add_reading(command)
    _add_recovery(command)
    command.set_defaults(run=_print)


def _add_repair(commands: Any) -> None:
    command = _command(
        commands,
        "repair",
        "Write clean ISO 2709 of all that can be saved of a damaged file, and set the rest aside.",
        "mrrc-ct repair books.mrc -o clean.mrc --report report.jsonl",
    )
    command.add_argument(
        "-o", "--output", metavar="OUT", required=True, help="a file, or - for standard output"
    )
    command.add_argument(
        "--report",
        metavar="FILE",
        help="a line of JSON for each record that was damaged, and a last one with the result",
    )
    command.add_argument(
        "--originals",
        metavar="FILE",
        help="the damaged records as they were (default: beside OUT, OUT.damaged.mrc for OUT.mrc)",
    )
    command.set_defaults(run=_repair)


def _add_limits(command: Any) -> None:
    command.add_argument(
        "--max-record-bytes",
        type=int,
        default=MAX_RECORD_BYTES,
        metavar="N",
        help=f"a record of more bytes is lost (default: {MAX_RECORD_BYTES})",
    )
    command.add_argument(
        "--max-expansion",
        type=float,
        default=MAX_EXPANSION,
        metavar="N",
        help="compressed input is given up once it has become so many times as large, beyond "
        f"64 MiB; 0 for never (default: {MAX_EXPANSION})",
    )


def _limits(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "max_record_bytes": options.max_record_bytes,
        "max_expansion": options.max_expansion or None,
    }


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number <= THREADS_MAX:
        raise argparse.ArgumentTypeError(f"{number} is not 1 to {THREADS_MAX}")
    return number


def _convert(options: argparse.Namespace) -> int:
    is_standard = options.output == "-"
    with _Progress() as progress:
        report = convert(
            _input(options.input),
            _stream(sys.stdout, "output").buffer if is_standard else options.output,
            options.to,
            options.from_,
            threads=options.threads,
            from_encoding=options.from_encoding,
            encoding=options.encoding,
            unmappable=options.unmappable,
            references=options.references,
            invalid_xml=options.invalid_xml,
            recovery_mode=options.recovery,
            validation_level=options.validation,
            on_error=progress.error,
            progress=progress,
            **_limits(options),
        )
    if not is_standard or not report.ok or _is_terminal(sys.stderr):
        _say(str(report))
    return OK if report.ok else LOST


def _count(options: argparse.Namespace) -> int:
    with _Progress() as progress:
        result = count(
            _input(options.input),
            options.from_,
            threads=options.threads,
            validation_level=options.validation,
            on_error=progress.error,
            progress=progress,
            **_limits(options),
        )
    _write_output(f"{result}\n")
    return OK if result.report.ok else LOST


def _print(options: argparse.Namespace) -> int:
    with _Progress(sys.stdout) as progress:
        report: Report = convert(
            _input(options.input),
            _stream(sys.stdout, "output").buffer,
            "mrk",
            options.from_,
            from_encoding=options.from_encoding,
            references=options.references,
            recovery_mode=options.recovery,
            on_error=progress.error,
            progress=progress,
            **_limits(options),
        )
    return OK if report.ok else LOST


def _repair(options: argparse.Namespace) -> int:
    is_standard = options.output == "-"
    if is_standard and options.originals is None:
        raise ValueError("with -o - say where the damaged originals go: --originals FILE")
    with _Progress() as progress:
        report = repair(
            _input(options.input),
            _stream(sys.stdout, "output").buffer if is_standard else options.output,
            options.report,
            options.originals,
            from_=options.from_,
            on_error=progress.error,
            progress=progress,
            **_limits(options),
        )
    _say(str(report))
    return OK if report.ok else LOST


def _input(name: str) -> Any:
    return _stream(sys.stdin, "input").buffer if name == "-" else name


def _stream(stream: Any, name: str) -> Any:
    """A standard stream. SourceError where this process was started without it."""
    if stream is None:
        raise SourceError(f"standard {name} is closed")
    return stream


def _is_terminal(stream: Any) -> bool:
    return stream is not None and bool(stream.isatty())


class _Progress:
    """A line on a terminal's standard error that says how far the work is."""

    EVERY_SECONDS = 0.25

    def __init__(self, output: IO[str] | None = None) -> None:
        """Show nothing where `output` goes to the same terminal."""
        same = output is not None and _is_terminal(output)
        self._is_shown = _is_terminal(sys.stderr) and not same
        self._begin = self._next = time.monotonic()
        self._next += self.EVERY_SECONDS * 2
        self._width = 0

    def __call__(self, done: int, total: int | None, records: int) -> None:
        now = time.monotonic()
        if not self._is_shown or now < self._next:
            return
        self._next = now + self.EVERY_SECONDS
        rate = records / (now - self._begin)
        text = f"{records:,} records, {rate:,.0f} a second"
        if total:
            left = (now - self._begin) * (total - done) / max(done, 1)
            text = f"{100 * done // total:3} %, {text}, {left:.0f} s left"
        self._show(text)

    def _show(self, text: str) -> None:
        sys.stderr.write("\r" + text.ljust(self._width))
        sys.stderr.flush()
        self._width = len(text)

    def error(self, error: MarcError) -> None:
        """List the loss of a record, or of a part of it."""
        self._clear()
        _say(f"mrrc-ct: {error.outcome}: {error}")

    def _clear(self) -> None:
        if self._width:
            self._show("")
            sys.stderr.write("\r")
            self._width = 0

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._clear()

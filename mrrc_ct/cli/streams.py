"""Standard input, output and error, and what becomes of work when one of them fails."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys

from .._source import raise_os_error
from ..errors import MarcError, SourceError
from . import DONE, FAILED, INTERRUPTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Callable


def say(text: str) -> None:
    """A line on standard error, if anybody is there to read it: the work goes on without."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr)


def write(text: str, is_urgent: bool = True) -> int:
    """Write to standard output, in UTF-8, with all that waits there: DONE. Raises SourceError.

    Where it is not urgent it may wait itself, unless somebody reads it on a terminal.
    """
    output = standard(sys.stdout, "output")
    try:
        # Names of files need not be text.
        output.buffer.write(text.encode("utf-8", "surrogateescape"))
        if is_urgent or is_terminal(output):
            output.flush()
    except OSError as error:
        raise_os_error(error, output.name, "write to")
    return DONE


def flush() -> None:
    """Write what waits for standard output. Raises SourceError."""
    if sys.stdout is not None:
        write("")


def standard(stream: Any, name: str) -> Any:
    """A standard stream. SourceError where this process was started without it."""
    if stream is None:
        raise SourceError(f"standard {name} is closed")
    return stream


def lines(path: str) -> list[str]:
    """The lines of a file, or of standard input (`-`), without the blanks around them.

    Empty ones are none. Raises SourceError, and ValueError for what is no text.
    """
    try:
        if path == "-":
            data = standard(sys.stdin, "input").buffer.read()
        else:
            with open(path, "rb") as file:
                data = file.read()
    except OSError as error:
        raise_os_error(error, path, "read")
    try:
        found = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: this is no text in UTF-8: {error}") from None
    return [line.strip() for line in found if line.strip()]


def is_terminal(stream: IO[Any] | None) -> bool:
    """Whether somebody reads there."""
    return stream is not None and stream.isatty()


def run(command: Callable[[], int]) -> int:
    """What a command returns, or the status that stands for how it ended."""
    _end_in_order()
    try:
        status = command()
        flush()
        return status
    except (MarcError, OSError, ValueError, LookupError, ImportError) as error:
        if isinstance(error, OSError) and error.errno is not None and _is_output(error.filename):
            _let_go_of_output()
            if error.errno == errno.EPIPE:
                return DONE  # whoever reads our output has seen enough
        say(f"mrrc-ct: {error}")
        return FAILED
    except KeyboardInterrupt:
        say("mrrc-ct: interrupted")
        return INTERRUPTED


def _end_in_order() -> None:
    """Let the work be given up, and its temporary file removed, where a signal ends the process."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(ValueError):  # only the main thread may ask for it
                signal.signal(number, _end)


def _end(number: int, frame: object) -> None:
    sys.exit(128 + number)


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

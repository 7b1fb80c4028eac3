"""MRK for people: with colours, and only some of its fields."""

from __future__ import annotations

import os
import re
import sys

from ..query import tag_test
from . import options as shared
from . import streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from .._target import TargetLike

_BOLD, _RED, _YELLOW, _CYAN, _DIM, _PLAIN = (f"\x1b[{code}m" for code in (1, "1;31", 33, 36, 2, 0))


def has_color(options: argparse.Namespace) -> bool:
    """Whether what goes to standard output has colours."""
    if options.color != "auto":
        return bool(options.color == "always")
    is_dumb = os.environ.get("TERM") == "dumb" or bool(os.environ.get("NO_COLOR"))
    if is_dumb or not streams.is_terminal(sys.stdout):
        return False
    if os.name == "nt":
        os.system("")  # which makes the console understand them
    return True


class Lines:
    """MRK on its way to standard output: only some fields of each record, and with colours.

    It takes whole records at a time, as conversions give them.
    """

    def __init__(self, tags: str | None, is_colored: bool) -> None:
        """Show fields with these tags. Raises ValueError for what are none."""
        self._output = streams.standard(sys.stdout, "output")
        #: What an error calls it.
        self.name = self._output.name
        self._is_wanted = None if tags is None else _Wanted(tags)
        self._is_colored = is_colored

    def write(self, data: bytes | memoryview) -> int:
        """Write some records."""
        count, data = len(data), bytes(data)
        if self._is_wanted is not None:
            data = b"".join(map(self._part, data.split(b"\n\n")))
        if self._is_colored:
            data = colored(data.decode()).encode()
        self._output.buffer.write(data)
        return count

    def _part(self, record: bytes) -> bytes:
        wanted = self._is_wanted
        lines = [line for line in record.split(b"\n") if wanted[line[1:4]]]  # type: ignore[index]
        return b"\n".join(lines) + b"\n\n" if lines else b""

    def flush(self) -> None:
        """Pass on what waits."""
        self._output.buffer.flush()


class _Wanted(dict[bytes, bool]):
    """Whether a tag is wanted, found out once for each."""

    def __init__(self, tags: str) -> None:
        super().__init__({b"": False})
        self._test = tag_test(*(one.strip() for one in tags.split(",")))

    def __missing__(self, tag: bytes) -> bool:
        found = self[tag] = self._test(tag.decode("latin-1"))
        return found


def colored(text: str) -> str:
    """MRK with its tags, indicators and codes in colours."""
    return re.sub(r"^=(\S{3})  (.*)$", _colored_line, text, flags=re.MULTILINE)


def _colored_line(line: re.Match[str]) -> str:
    tag, content = line.groups()
    head = f"={_BOLD}{tag}{_PLAIN}  "
    if tag[:2] == "00" or tag == "LDR":
        return head + content
    content = re.sub(r"\$(.)", rf"{_CYAN}$\1{_PLAIN}", content[2:])
    return f"{head}{_YELLOW}{line[2][:2]}{_PLAIN}{content}"


def marked(text: str, find: Callable[[str], Iterable[re.Match[str]]]) -> str:
    """A text with what is found in it in red."""
    parts, end = [], 0
    for found in find(text):
        if found.end() > found.start():
            parts += [text[end : found.start()], _RED, found[0], _PLAIN]
            end = found.end()
    return "".join([*parts, text[end:]])


def dim(text: str) -> str:
    """A text that matters less."""
    return f"{_DIM}{text}{_PLAIN}"


def shown(options: argparse.Namespace, to: str, tags: str | None = None) -> TargetLike:
    """What is written to, with colours where that is a terminal, and `to` is text."""
    is_colored = options.output == "-" and to == "mrk" and has_color(options)
    if tags is None and not is_colored:
        return shared.target(options)
    lines: TargetLike = Lines(tags, is_colored)  # type: ignore[assignment]
    return lines

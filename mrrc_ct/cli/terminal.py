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
        self._wanted = None if tags is None else lines_with(tags)
        self._is_colored = is_colored

    def write(self, data: bytes | memoryview) -> int:
        """Write some records."""
        count, data = len(data), bytes(data)
        if self._wanted is not None:
            data = self._part(data)
        if self._is_colored:
            data = colored(data.decode()).encode()
        self._output.buffer.write(data)
        return count

    def _part(self, data: bytes) -> bytes:
        """What is wanted of some records; those of which nothing is leave nothing behind."""
        found = b"".join(self._wanted.findall(b"\n" + data)).strip(b"\n")  # type: ignore[union-attr]
        while b"\n\n\n" in found:
            found = found.replace(b"\n\n\n", b"\n\n")
        return found + b"\n\n" if found else b""

    def flush(self) -> None:
        """Pass on what waits."""
        self._output.buffer.flush()


def lines_with(tags: str) -> re.Pattern[bytes]:
    """What finds the lines of MRK with some tags, and the ends of records.

    `tags` are those that `mrrc_ct.query.tag` takes, with commas between. Raises ValueError.
    """
    patterns = [one.strip() for one in tags.split(",")]
    tag_test(*patterns)
    found: list[str] = []
    for pattern in patterns:
        first, _, last = pattern.partition("-")
        if last and not (first + last).isdecimal():
            raise ValueError(f"a range of tags is one of numbers, not {pattern}")
        if last:
            found += [f"{number:03}" for number in range(int(first), int(last) + 1)]
        else:
            found.append(re.escape(first).replace("X", "[^\n]").replace("x", "[^\n]"))
    return re.compile(rf"\n=(?:{'|'.join(found)})  [^\n]*|\n(?=\n)".encode())


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

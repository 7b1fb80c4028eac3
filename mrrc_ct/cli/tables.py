"""Tables that commands write: to files, and drawn on a terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from itertools import chain, islice

from .._source import compression_of
from .._target import open_target
from ..conversion import check_different
from . import options as shared
from . import streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Union

    from .._source import SourceLike

    Cell = Union[str, int, float, list[str], None]

_EXTENSIONS = {
    "csv": "csv",
    "tsv": "tsv",
    "tab": "tsv",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
}
#: What says no more than that it is text.
_ANY_TEXT = ("", "txt")
#: So much text is written at a time.
_TEXT_BYTES = 1 << 16


def add_output(parser: argparse.ArgumentParser, forms: tuple[str, ...]) -> None:
    """Where a table is written, and how."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        default="-",
        help="a file (default: standard output)",
    )
    parser.add_argument(
        "--to", choices=forms, metavar="F", help=f"{' '.join(forms)}; else OUT tells"
    )


def form_of(options: argparse.Namespace, otherwise: str) -> str:
    """The form of a table: as told, as the name of the file tells, or `otherwise`.

    On a terminal it is drawn.
    """
    if options.to is not None:
        return str(options.to)
    if options.output == "-":
        return "table" if streams.is_terminal(sys.stdout) else otherwise
    name = options.output
    if compression_of(name):
        name = os.path.splitext(name)[0]
    extension = os.path.splitext(name)[1].lower()[1:]
    if extension not in _EXTENSIONS and extension not in _ANY_TEXT:
        raise ValueError(
            f"{options.output}: .{extension} names no form of a table: say which with --to "
            "(spreadsheets read csv)"
        )
    return _EXTENSIONS.get(extension, otherwise)


def write(
    options: argparse.Namespace,
    inputs: Sequence[SourceLike],
    form: str,
    names: Sequence[str],
    rows: Iterable[Sequence[Cell]],
) -> None:
    """Write a table as `add_output` says. Raises SourceError."""
    target = shared.target(options)
    for one in inputs:
        check_different(one, target)
    with open_target(target) as output:
        for text in _texts(form, names, rows):
            output.write(text.encode())


def _texts(form: str, names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    if form == "table":
        for line in drawn(names, rows):
            yield f"{line}\n"
        return
    text = io.StringIO(newline="")
    delimiter, end = ("\t", "\n") if form == "tsv" else (",", "\r\n")
    writer = csv.writer(_Ended(text, end), delimiter=delimiter, lineterminator="\r\n")
    if form != "jsonl":
        writer.writerow(names)
    for row in rows:
        if form == "jsonl":
            text.write(json.dumps(dict(zip(names, row)), ensure_ascii=False) + "\n")
        else:
            writer.writerow([_text(cell) if isinstance(cell, list) else cell for cell in row])
        if text.tell() > _TEXT_BYTES:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


class _Ended:
    """Ends lines otherwise than csv.writer does, which then quotes line ends of either kind."""

    def __init__(self, text: io.StringIO, end: str) -> None:
        self._text, self._end = text, end

    def write(self, line: str) -> int:
        """Write a line that ends in CR and LF."""
        return self._text.write(line[:-2] + self._end)


def _text(cell: Cell) -> str:
    if isinstance(cell, list):
        return "; ".join(cell)
    return "" if cell is None else str(cell)


# ---- drawn

#: So many rows tell how wide the columns are.
_SEEN = 200


def width_of(text: str) -> int:
    """How many places of a terminal a text takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


def _cut(text: str, width: int) -> str:
    """A text on so many places, with blanks behind it, or an ellipsis where it is cut."""
    length = width_of(text)
    if length <= width:
        return text + " " * (width - length)
    while width_of(text) > width - 1:
        text = text[: min(len(text) - 1, width)]
    return text + "…" + " " * (width - 1 - width_of(text))


def drawn(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The lines of a table, no wider than the terminal that they go to; numbers at the right.

    The first rows tell how wide the columns are.
    """
    rows = iter(rows)
    first = list(islice(rows, _SEEN))
    texts = [[_printable(_text(cell)) for cell in row] for row in first]
    widths = [max(map(width_of, column)) for column in zip(names, *texts)]
    if streams.is_terminal(sys.stdout):
        import shutil

        room = shutil.get_terminal_size().columns - 2 * (len(names) - 1)
        while sum(widths) > max(room, 4 * len(widths)):
            widths[widths.index(max(widths))] -= 1
    is_right = [isinstance(cell, (int, float)) for cell in first[0]] if first else []
    is_right = is_right or [False] * len(names)
    yield "  ".join(map(_placed, names, widths, is_right)).rstrip()
    yield "  ".join("─" * width for width in widths)
    for row in chain(first, rows):
        cells = [
            _placed(_printable(_text(cell)), width, isinstance(cell, (int, float)))
            for cell, width in zip(row, widths)
        ]
        yield "  ".join(cells).rstrip()


def _placed(text: str, width: int, is_right: bool) -> str:
    cut = _cut(text, width)
    return cut.strip().rjust(width) if is_right and len(cut) == width else cut


def _printable(text: str) -> str:
    """A text without what would move the cursor."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "·" for c in text)

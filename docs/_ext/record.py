"""`{record-bytes}`: a record of the sample byte by byte, its parts coloured."""

from __future__ import annotations

import html
import pathlib
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import mrrc_ct

SAMPLE = pathlib.Path(__file__).parents[2] / "tests" / "data" / "books.mrc"
#: What cataloguers write for a delimiter, and signs that every font has.
SIGNS = {"\x1d": "■", "\x1e": "¶", "\x1f": "‡"}


def part(kind: str, text: str, title: str) -> str:
    """A coloured part, with its delimiters as signs, and what it is where one points at it."""
    shown = "".join(
        f"<b>{SIGNS[one]}</b>" if one in SIGNS else html.escape(one).replace(" ", "·")
        for one in text
    )
    return f'<span class="{kind}" title="{html.escape(title, quote=True)}">{shown}</span>'


def parts_of(marc: bytes) -> str:
    """Leader, directory and fields of a sound record in ASCII, fields in the directory's order."""
    text = marc.decode("ascii")
    base = int(text[12:17])
    made = [
        part("length", text[:5], "leader 00-04: the length of the record"),
        part("leader", text[5:12], "leader 05-11"),
        part("base", text[12:17], "leader 12-16: where the first field begins"),
        part("leader", text[17:24], "leader 17-23"),
    ]
    directory, fields = [], []
    for at in range(24, base - 1, 12):
        tag, length, start = text[at : at + 3], text[at + 3 : at + 7], text[at + 7 : at + 12]
        what = f"field {tag}: {int(length)} bytes, {int(start)} bytes behind the base address"
        kind = "odd" if (at - 24) // 12 % 2 else "even"
        directory.append(part(kind, text[at : at + 12], what))
        begin = base + int(start)
        fields.append(part(kind, text[begin : begin + int(length)], f"field {tag}"))
    directory.append(part("end", text[base - 1], "field terminator, 1E"))
    return "".join([*made, *directory, *fields, part("end", text[-1], "record terminator, 1D")])


class RecordBytes(SphinxDirective):
    """The record with the number that is the argument, from 1."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Draw the record."""
        self.env.note_dependency(str(SAMPLE))
        records = list(mrrc_ct.MARCReader(SAMPLE))
        picture = parts_of(records[int(self.arguments[0]) - 1].as_marc())
        return [nodes.raw("", f'<pre class="record">{picture}</pre>', format="html")]


def setup(app: Any) -> dict[str, bool]:
    """For Sphinx."""
    app.add_directive("record-bytes", RecordBytes)
    return {"parallel_read_safe": True}

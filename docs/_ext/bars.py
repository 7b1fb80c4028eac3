"""`{bars}`: the README's benchmarks as bars, in the reader's own colours and width."""

from __future__ import annotations

import html
import math
import pathlib
import re
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

README = pathlib.Path(__file__).parents[2] / "README.md"
ROW = re.compile(r"^\| (?P<work>.+?) \| (?P<peer>.+?) \| \*\*(?P<ratio>[\d.]+)\*\*", re.M)


class Ratio(NamedTuple):
    """A row of the table: the package does this work so many times as fast as the peer."""

    work: str
    peer: str
    ratio: float


def ratios() -> list[Ratio]:
    """The rows of the table that compares with peers."""
    table = README.read_text("utf-8").split("| work | time of a record", 1)[0]
    return [
        Ratio(found["work"], found["peer"], float(found["ratio"])) for found in ROW.finditer(table)
    ]


def bar(row: Ratio, longest: float) -> str:
    """A row of the plot. The length is logarithmic: as fast as the peer is none."""
    share = max(math.log(max(row.ratio, 1)) / math.log(longest), 0.005)
    work = re.sub(r"`(.+?)`", r"<code>\1</code>", html.escape(row.work))
    return (
        f'<tr><th scope="row">{work}<small>against {html.escape(row.peer).replace("`", "")}</small>'
        f'</th><td><span class="bar" style="width: {share * 75:.1f}%"></span>'
        f"{row.ratio:g} ×</td></tr>"
    )


class Bars(SphinxDirective):
    """The plot of the rows whose work is a line of the content, or of all."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Make the plot."""
        self.env.note_dependency(str(README))
        every = ratios()
        wanted = [row for row in every if not self.content or row.work in self.content]
        if not wanted or {*self.content} - {row.work for row in wanted}:
            raise self.error(f"the README's table has no such rows: {self.content}")
        longest = max(row.ratio for row in wanted)
        rows = "".join(bar(row, longest) for row in wanted)
        return [nodes.raw("", f'<table class="bars">{rows}</table>', format="html")]


def setup(app: Any) -> dict[str, bool]:
    """For Sphinx."""
    app.add_directive("bars", Bars)
    return {"parallel_read_safe": True}

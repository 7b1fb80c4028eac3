"""`{terminal}`: commands and what a terminal shows of them, drawn when the site is built."""

from __future__ import annotations

import fcntl
import html
import io
import os
import pathlib
import pty
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterable
from typing import Any
from unicodedata import normalize

from docutils import nodes
from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOGGER = logging.getLogger(__name__)
ROOT = pathlib.Path(__file__).parents[2]

THEME = TerminalTheme(
    (24, 27, 33),
    (222, 226, 232),
    [
        (88, 96, 110),
        (240, 113, 120),
        (152, 195, 121),
        (229, 192, 123),
        (97, 175, 239),
        (198, 145, 235),
        (86, 202, 212),
        (222, 226, 232),
    ],
)
#: Rich's own would have the browser fetch a font.
TEMPLATE = """\
<svg role="img" aria-label="{label}" viewBox="0 0 {{width}} {{height}}" \
xmlns="http://www.w3.org/2000/svg">
<style>.{{unique_id}}-matrix {{{{ font-family: ui-monospace, monospace; \
font-size: {{char_height}}px; }}}} {{styles}}</style>
<defs>{{lines}}</defs>{{chrome}}
<g transform="translate({{terminal_x}}, {{terminal_y}})">{{backgrounds}}
<g class="{{unique_id}}-matrix">{{matrix}}</g></g></svg>"""


def shown(command: str, folder: str, columns: int) -> str:
    """What a terminal of so many columns gets from a command. RuntimeError if that fails."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {
        **{name: value for name, value in os.environ.items() if name != "NO_COLOR"},
        "PATH": f"{folder}/.bin{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm-256color",
        "COLUMNS": str(columns),
    }
    process = subprocess.Popen(
        ["sh", "-c", command], cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    output = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # Linux says so where the other side is closed
            break
        if not data:
            break
        output += data
    os.close(master)
    if process.wait() not in (0, 1):
        raise RuntimeError(f"{command}: status {process.returncode}\n{output.decode()}")
    # Rich takes an accent for as wide as a letter.
    return normalize("NFC", output.decode().replace("\r\n", "\n"))


def folder_of_examples() -> tempfile.TemporaryDirectory[str]:
    """A folder with the sample, and with the commands of this very package."""
    folder = tempfile.TemporaryDirectory()
    shutil.copy(ROOT / "tests" / "data" / "books.mrc", folder.name)
    command = pathlib.Path(folder.name, ".bin", "mrrc-ct")
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m mrrc_ct "$@"\n')
    command.chmod(0o755)
    return folder


def folded(line: Text, columns: int) -> Iterable[Text]:
    """A line in parts that fit; characters may be wide."""
    line.expand_tabs(8)
    ends, width = [], 0
    for at, character in enumerate(line.plain):
        width += cell_len(character)
        if width > columns:
            ends.append(at)
            width = cell_len(character)
    return line.divide(ends)


def picture(lines: list[Text], columns: int, label: str, name: str) -> str:
    """The lines in a terminal's window, as SVG; `name` begins the names of its parts."""
    console = Console(
        record=True,
        file=io.StringIO(),
        width=columns,
        color_system="truecolor",
        force_terminal=True,
    )
    for line in lines:
        for part in folded(line, columns):
            console.print(part, soft_wrap=True)
    label = html.escape(label, quote=True).replace("{", "{{").replace("}", "}}")
    template = TEMPLATE.format(label=label)
    return console.export_svg(theme=THEME, title="", code_format=template, unique_id=name)


class Terminal(SphinxDirective):
    """A picture of a terminal: each line of the content is run, and shown with what it prints."""

    has_content = True
    option_spec = {"columns": int, "lines": int}

    def run(self) -> list[nodes.Node]:
        """Make the picture. A command that fails is a warning, and so an error of the build."""
        columns = self.options.get("columns", 96)
        text = Text()
        with folder_of_examples() as folder:
            for command in self.content:
                text.append("$ ", "bold green").append(f"{command}\n", "bold")
                try:
                    output = shown(command, folder, columns)
                except RuntimeError as error:
                    LOGGER.warning("%s", error, location=self.get_location())
                    return []
                if output:
                    text.append_text(Text.from_ansi(output.rstrip("\n"))).append("\n")
        text.rstrip()
        lines = list(text.split("\n"))[: self.options.get("lines", 60)]
        name = f"terminal-{self.env.new_serialno('terminal')}"
        svg = picture(lines, columns, "; ".join(self.content), name)
        return [nodes.raw("", f'<div class="terminal">{svg}</div>', format="html")]


def setup(app: Any) -> dict[str, bool]:
    """For Sphinx."""
    app.add_directive("terminal", Terminal)
    return {"parallel_read_safe": True}

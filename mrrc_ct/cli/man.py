"""`mrrc-ct man`: the pages of the manual, in roff."""

from __future__ import annotations

import os
import re
import sys
import time
from importlib import import_module

from .. import __version__
from .._source import raise_os_error
from .._target import open_target
from . import COMMANDS, DONE, GROUPS, streams
from .described import Argument, Described

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Show a page of the manual, or write all of them to files."
EXAMPLES = [
    "mrrc-ct man convert",
    "mrrc-ct man -o man1",
]

_ABOUT = (
    "MARC records: look at them, take some, convert and change them. Each command has a page of "
    "its own. It reads any number of files, in ISO 2709 (UTF-8 or MARC-8), MARCXML, JSON or text, "
    "packed ones too, or standard input where that is `-` or nothing is named. What it finds goes "
    "to standard output, what it has to say about that to standard error. A file that is written "
    "is replaced when all of it is there."
)
_STATUS = {
    "0": "It is done.",
    "1": "It is done, and there is something to look at: records that were lost or salvaged, "
    "faults, differences, or nothing where something was looked for.",
    "2": "It could not be done.",
    "130": "It was interrupted.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "name",
        nargs="?",
        choices=("", *COMMANDS),
        default="",
        metavar="COMMAND",
        help="whose page (default: that of mrrc-ct)",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", help="a folder that it goes to, or without COMMAND all"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    name = options.name
    if options.output is not None:
        try:
            os.makedirs(options.output, exist_ok=True)
        except OSError as error:
            raise_os_error(error, options.output, "make")
        for one in [name] if name else ["", *COMMANDS]:
            with open_target(os.path.join(options.output, f"{_title(one)}.1")) as output:
                output.write(page(one).encode())
        return DONE
    if streams.is_terminal(sys.stdout) and _show(name):
        return DONE
    return streams.write(page(name))


def _show(name: str) -> bool:
    """Have `man` show a page; whether it could."""
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"{_title(name)}.1")
        with open(path, "w", encoding="utf-8") as file:
            file.write(page(name))
        try:
            return subprocess.run(["man", path], check=False).returncode == 0
        except OSError:
            return False


# ---- roff


def page(name: str) -> str:
    """The page of a command, or without a name of `mrrc-ct` itself.

    It has the date of SOURCE_DATE_EPOCH, where the environment has that, or today's.
    """
    seconds = float(os.environ.get("SOURCE_DATE_EPOCH") or time.time())
    date = time.strftime("%Y-%m-%d", time.gmtime(seconds))
    title = _title(name).upper()
    lines = [f'.TH "{title}" 1 "{date}" "mrrc-ct {__version__}" "mrrc-ct"']
    lines += _of_command(Described(name)) if name else _of_all()
    return "\n".join(lines) + "\n"


def _title(name: str) -> str:
    return f"mrrc-ct-{name}" if name else "mrrc-ct"


def _of_all() -> list[str]:
    lines = [".SH NAME", f"{_text('mrrc-ct')} \\- work with MARC records"]
    lines += [".SH SYNOPSIS", ".B mrrc\\-ct"]
    lines += [r"\fICOMMAND\fR [\fIOPTION\fR ...] [\fIIN\fR ...]"]
    lines += [".SH DESCRIPTION", _text(_ABOUT), ".SH COMMANDS"]
    for name, (_, summary) in COMMANDS.items():
        lines += [".TP", f".BR {_text(_title(name))} (1)", _text(summary)]
    lines += [".SH OPTIONS"]
    for option, text in (("--help", "List the commands."), ("--version", "Tell the version.")):
        lines += [".TP", f".B {_text(option)}", _text(text)]
    return [*lines, *_ending(list(COMMANDS))]


def _of_command(command: Described) -> list[str]:
    name, summary = command.name, command.summary
    about = summary[0].lower() + summary[1:].rstrip(".")
    lines = [".SH NAME", f"{_text(_title(name))} \\- {_text(about)}"]
    lines += [".SH SYNOPSIS", f".B mrrc\\-ct {_text(name)}", _synopsis(command)]
    lines += [".SH DESCRIPTION", _text(summary)]
    if command.values:
        lines += [".SH ARGUMENTS", *_listed(command.values)]
    lines.append(".SH OPTIONS")
    for title, arguments in command.groups.items():
        options = [one for one in arguments if one.flags]
        if options and title not in ("options", "optional arguments"):  # before Python 3.10
            lines.append(f".SS {_text(title.capitalize())}")
        lines += _listed(options)
    examples = import_module(f".{COMMANDS[name][0]}", __package__).EXAMPLES
    lines += [".SH EXAMPLES", ".nf", *map(_text, examples), ".fi"]
    others = next(group for group in GROUPS.values() if name in group)
    return [*lines, *_ending(["", *(one for one in others if one != name)])]


def _synopsis(command: Described) -> str:
    """What stands behind the command's name, what is to be replaced in italics."""
    text = _text(" ".join(command.usage.split()[2:]))
    return re.sub(r"\b[A-Z]+\b", r"\\fI\g<0>\\fR", text)


def _listed(arguments: list[Argument]) -> list[str]:
    lines = []
    for one in arguments:
        names = ", ".join(rf"\fB{_text(flag)}\fR" for flag in one.flags)
        value = rf"\fI{_text(one.value)}\fR" if one.value else ""
        lines += [".TP", " ".join([part for part in (names, value) if part]), _text(one.help)]
    return lines


def _ending(others: list[str]) -> list[str]:
    lines = [".SH EXIT STATUS"]
    for status, text in _STATUS.items():
        lines += [".TP", f".B {status}", _text(text)]
    lines.append(".SH SEE ALSO")
    for number, one in enumerate(others, 1):
        lines.append(f".BR {_text(_title(one))} (1){',' if number < len(others) else ''}")
    return lines


#: What means something to roff, or is another character on paper.
_SPECIAL = {
    "\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", '"': r"\(dq", "^": r"\(ha", "~": r"\(ti",
}  # fmt: skip


def _text(text: str) -> str:
    """A text as roff takes it as it is."""
    text = "".join(
        [_SPECIAL.get(one) or (one if one.isascii() else f"\\[u{ord(one):04X}]") for one in text]
    )
    # A line that begins with a dot is a request.
    return rf"\&{text}" if text.startswith(".") else text

"""The command line, `mrrc-ct`: a module for each command, imported when it is asked for.

Exit status: 0 done; 1 done, and there is something to look at (records were lost or salvaged,
nothing was found); 2 it could not be done; 130 interrupted.
"""

from __future__ import annotations

import sys

# The modules typing and argparse take longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .options import Parser

DONE, LOOK, FAILED, INTERRUPTED = 0, 1, 2, 130

#: The commands in groups: of each its module here, and a line that says what it does.
GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "look": {
        "count": ("count", "Count the records of files."),
        "print": ("print", "Print records as text for reading."),
        "head": ("head", "Write the first records."),
        "sample": ("sample", "Write some records, chosen by chance, in their order."),
        "grep": ("grep", "Find records with a field that a regular expression matches."),
        "select": ("select", "Write a table: values of each record in columns."),
        "describe": ("describe", "Tell which tags and subfields there are, and how often."),
        "frequency": ("frequency", "Count how often each value occurs at some places."),
        "validate": ("validate", "Check records against the MARC 21 bibliographic format."),
    },
    "take": {
        "convert": ("convert", "Convert records from any format to another."),
        "filter": ("filter", "Write the records that a filter wants, or a list of numbers."),
        "concat": ("concat", "Put the records of many files into one."),
        "split": ("split", "Write records to several files."),
        "index": ("index", "Note where each record of files is, for get."),
        "get": ("get", "Write records by number or control number."),
    },
    "change": {
        "edit": ("edit", "Change records by rules."),
        "repair": ("repair", "Write all that can be saved of damaged files, clean."),
        "sort": ("sort", "Sort records, more than fit into memory."),
        "dedup": ("dedup", "Keep one of all records that are the same."),
        "merge": ("merge", "Lay the records of one file over those of another."),
    },
    "compare": {
        "diff": ("diff", "Compare two files record by record and field by field."),
    },
    "help": {
        "man": ("man", "Show a page of the manual, or write all of them to files."),
        "completion": (
            "completion",
            "Write what lets bash, zsh or fish complete commands.",
        ),
    },
}
COMMANDS: dict[str, tuple[str, str]] = {
    name: command for group in GROUPS.values() for name, command in group.items()
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; its exit status. Raises SystemExit where argparse does, for help and usage."""
    from . import streams

    arguments = sys.argv[1:] if arguments is None else list(arguments)
    name = arguments.pop(0) if arguments else ""
    if name == "help" and arguments and arguments[0] in COMMANDS:
        name, arguments = arguments[0], ["--help"]
    if name in COMMANDS:
        return streams.run(lambda: _run(name, arguments))
    if name in ("-h", "--help", "help"):
        return streams.run(lambda: streams.write(_overview()))
    if name == "--version":
        from .. import __version__

        return streams.run(lambda: streams.write(f"mrrc-ct {__version__}\n"))
    streams.say(_unknown(name))
    return FAILED


def _run(name: str, arguments: list[str]) -> int:
    options = parser_of(name).parse(arguments)
    status: int = options.run(options)
    return status


def parser_of(name: str) -> Parser:
    """The parser of a command: for running it, and for what makes completion and man pages."""
    from importlib import import_module

    from .options import Parser

    module = import_module(f".{COMMANDS[name][0]}", __name__)
    parser = Parser(name, module.SUMMARY, module.EXAMPLES)
    module.add_arguments(parser)
    parser.set_defaults(run=module.run)
    parser.complete()
    return parser


def _overview() -> str:
    """The one screen that lists the commands."""
    lines = ["usage: mrrc-ct COMMAND [OPTION ...] [IN ...]", ""]
    lines += ["MARC records: look at them, take some, convert and change them.", ""]
    width = max(map(len, COMMANDS))
    for group, commands in GROUPS.items():
        for number, (name, (_, summary)) in enumerate(commands.items()):
            lines.append(f"{'' if number else group:8}{name:{width}}  {summary}")
    lines += ["", "mrrc-ct COMMAND --help    shows how, with examples", "mrrc-ct --version"]
    lines += ["", "IN is any number of files, packed ones too, or - for standard input."]
    lines += ["Exit status: 0 done, 1 done with something to look at, 2 failed."]
    return "\n".join(lines) + "\n"


def _unknown(name: str) -> str:
    if not name:
        return "mrrc-ct: say which COMMAND; mrrc-ct --help lists them"
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "mrrc-ct --help lists them"
    return f"mrrc-ct: there is no command {name}: {hint}"

"""What the commands' command lines share, and how the library is called with it.

For each `add_…` there is a function that makes of the options what the library wants.
"""

from __future__ import annotations

import argparse
import os
import sys

from .._core import NORMALIZATIONS
from .._source import MAX_EXPANSION, format_of_name
from ..conversion import FORMATS, READABLE, THREADS_MAX
from ..recovery import LEVELS, MAX_RECORD_BYTES
from . import streams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from .._source import SourceLike
    from .._target import TargetLike


class Parser(argparse.ArgumentParser):
    """The parser of a command, whose help fits on a screen, and whose errors are two lines."""

    def __init__(self, name: str, summary: str, examples: list[str]) -> None:
        lines = [f"example{'s' * (len(examples) > 1)}:", *(f"  {line}" for line in examples)]
        super().__init__(
            prog=f"mrrc-ct {name}",
            description=summary,
            epilog="\n".join(lines),
            formatter_class=_Formatter,
            allow_abbrev=False,
        )

        #: Whether -5 stands for -n 5, as with the system's own head.
        self.has_number = False
        #: Groups that --help leaves out, where they would not fit on the screen any more.
        self.unshown: set[str | None] = set()

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """The options of a command line, which may stand between inputs."""
        if self.has_number:
            end = arguments.index("--") if "--" in arguments else len(arguments)
            numbered = [
                f"-n{one[1:]}" if one[:1] == "-" and one[1:].isdecimal() else one
                for one in arguments[:end]
            ]
            arguments = [*numbered, *arguments[end:]]
        return self.parse_intermixed_args(arguments)

    def format_help(self) -> str:
        """What --help writes."""
        groups = self._action_groups
        self._action_groups = [group for group in groups if group.title not in self.unshown]
        try:
            return super().format_help()
        finally:
            self._action_groups = groups

    def complete(self) -> None:
        """Say how the command is called, once it is known what it takes.

        All options would be several lines.
        """
        parts = [self.prog]
        for one in self._actions:
            name = str(one.metavar or one.dest)
            if not one.option_strings:
                parts.append(f"[{name} ...]" if one.nargs == "*" else name)
            elif one.required:
                parts.append(f"{one.option_strings[0]} {name}")
        self.usage = " ".join([*parts, "[OPTION ...]"])

    def error(self, message: str) -> NoReturn:
        """End with a line that says what is wrong, and one that says where to look."""
        unknown = message.partition("unrecognized arguments: ")[2].split()
        if unknown:
            import difflib

            near = difflib.get_close_matches(unknown[0].split("=")[0], self._option_string_actions)
            message += f"; did you mean {near[0]}?" if near else ""
        self.exit(2, f"{self.prog}: {message}\n{self.prog} --help shows how\n")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=24)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        """`-o, --output OUT`, not `-o OUT, --output OUT`."""
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        return f"{', '.join(action.option_strings)} {action.metavar or action.dest}"


# ---- inputs


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """Any number of files."""
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="IN",
        help="files, .gz, .bz2 and .xz too; - is standard input",
    )


def inputs(options: argparse.Namespace) -> list[SourceLike]:
    """The sources: files by name, patterns that no shell has seen to, and standard input.

    Standard input is what is read where nothing is named and it is no terminal. Raises ValueError.
    """
    names = list(options.inputs)
    if not names:
        if streams.is_terminal(sys.stdin):
            raise ValueError("say what to read: IN is a file, or - for standard input")
        names = ["-"]
    if names.count("-") > 1:
        raise ValueError("standard input can be read once")
    found: list[SourceLike] = []
    for name in names:
        if name == "-":
            found.append(streams.standard(sys.stdin, "input").buffer)
        else:
            found += _matching(name)
    return found


def _matching(name: str) -> list[str]:
    """The files that a pattern names; a name that is none, or that nothing matches, is itself."""
    return _files_like(name) or [name]


def _files_like(name: str) -> list[str]:
    """The files that a name or a pattern names."""
    if os.path.lexists(name):
        return [name]
    if not any(one in name for one in "*?["):
        return []
    import glob

    return sorted(glob.glob(name))


def add_paths_and_inputs(parser: argparse.ArgumentParser, what: str, text: str) -> None:
    """Paths, and files among them."""
    parser.add_argument("paths", nargs="*", metavar=what, help=text)
    parser.add_argument(
        "inputs",
        nargs="*",
        metavar="IN",
        help="files, .gz, .bz2 and .xz too; - is standard input",
    )


def part(options: argparse.Namespace) -> None:
    """Tell files from paths: what is there is a file, and so is what is named as one."""
    words, options.paths, options.inputs = [*options.paths, *options.inputs], [], []
    for word in words:
        is_file = word == "-" or os.sep in word or names_file(word)
        (options.inputs if is_file else options.paths).append(word)


def names_file(word: str) -> bool:
    """Whether a file, or some by a pattern, have this name, or it is that of a file by its end."""
    return bool(_files_like(word) or format_of_name(word))


def add_source(parser: argparse.ArgumentParser) -> None:
    """What is known of the inputs, and how large they may become."""
    parser.add_argument(
        "--from",
        dest="from_",
        choices=READABLE,
        metavar="F",
        help="the format of IN; else names or first bytes tell",
    )
    parser.add_argument(
        "--max-record-bytes",
        type=size,
        default=MAX_RECORD_BYTES,
        metavar="N",
        help="a longer record is lost (default: 64M)",
    )
    parser.add_argument(
        "--max-expansion",
        type=float,
        default=MAX_EXPANSION,
        metavar="N",
        help=f"packed data may grow so many times (default: {MAX_EXPANSION})",
    )


def size(text: str) -> int:
    """A number of bytes, which may end in K, M or G: 1,024 of them, and so on."""
    factor = 1024 ** (" KMG".find(text[-1:].upper()) if text[-1:].isalpha() else 0)
    return int(float(text.rstrip("kKmMgG")) * factor)


def source(options: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments for `add_source`."""
    return {
        "from_": options.from_,
        "max_record_bytes": options.max_record_bytes,
        "max_expansion": options.max_expansion or None,
    }


def add_reading(parser: argparse.ArgumentParser, recovery: str = "lenient") -> None:
    """How records are read; `recovery` is what is done with damaged ones unless told."""
    group = parser.add_argument_group("reading")
    add_source(group)  # type: ignore[arg-type]
    group.add_argument(
        "--from-encoding",
        metavar="E",
        help="of IN in ISO 2709, whatever leader/09 says",
    )
    group.add_argument(
        "--references", action="store_true", help="read &#xXXXX; in MARC-8 as a character"
    )
    group.add_argument(
        "--recovery",
        choices=("lenient", "strict"),
        default=recovery,
        metavar="MODE",
        help=f"of damaged records: lenient, strict (default: {recovery})",
    )


def reading(options: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments for `add_reading`."""
    return {
        **source(options),
        "from_encoding": options.from_encoding,
        "references": options.references,
        "recovery_mode": options.recovery,
    }


# ---- output


def add_output(
    parser: argparse.ArgumentParser,
    metavar: str = "OUT",
    text: str = "a file (default: standard output)",
) -> None:
    """Where records are written, and how."""
    group = parser.add_argument_group("writing")
    group.add_argument(
        "-o",
        "--output",
        metavar=metavar,
        default="-",
        help=text,
    )
    group.add_argument(
        "--to",
        choices=FORMATS,
        metavar="F",
        help=f"of OUT: {' '.join(FORMATS)}",
    )
    group.add_argument(
        "--encoding",
        metavar="E",
        help="of ISO 2709: utf-8, marc-8, Python's; else as it was",
    )
    group.add_argument(
        "--unmappable",
        choices=("error", "ncr", "fill"),
        default="error",
        metavar="HOW",
        help="what MARC-8 does not have: error (default), ncr, fill",
    )
    group.add_argument(
        "--invalid-xml",
        choices=("error", "replace"),
        default="error",
        metavar="HOW",
        help="what XML forbids: error (default), replace",
    )
    group.add_argument(
        "--normalize",
        choices=tuple(NORMALIZATIONS),
        metavar="FORM",
        help="of Unicode text: nfc, nfd; none (default): as it is",
    )


def writing(options: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments for `add_output`, without the target and its format."""
    return {
        "encoding": options.encoding,
        "unmappable": options.unmappable,
        "invalid_xml": options.invalid_xml,
        "normalize": options.normalize,
    }


def target(options: argparse.Namespace) -> TargetLike:
    """What is written to."""
    if options.output != "-":
        return str(options.output)
    output: TargetLike = streams.standard(sys.stdout, "output").buffer
    return output


def format_to(options: argparse.Namespace) -> str:
    """The format to write where records stay what they are: the input's, unless told.

    A terminal is given text.
    """
    if options.to is not None:
        return str(options.to)
    if options.output != "-":
        return format_of_name(options.output) or "same"
    return "mrk" if streams.is_terminal(sys.stdout) else "same"


# ---- the rest


_WHERE = """only such records: '650$a =~ "Geology" and not 856'"""


def add_where(parser: argparse.ArgumentParser, what: str = _WHERE) -> None:
    """A filter."""
    parser.add_argument("--where", metavar="FILTER", help=what)


def add_threads(parser: argparse.ArgumentParser, what: str = "so many work on ISO 2709") -> None:
    """How many threads work, and what for."""
    parser.add_argument(
        "--threads",
        type=_threads,
        default=1,
        metavar="N",
        help=f"{what} at a time (default: 1)",
    )


def _threads(text: str) -> int:
    number = int(text)
    if not 1 <= number <= THREADS_MAX:
        raise argparse.ArgumentTypeError(f"{number} is not 1 to {THREADS_MAX}")
    return number


def add_pair(parser: argparse.ArgumentParser) -> None:
    """Two files."""
    for name in ("A", "B"):
        parser.add_argument(name.lower(), metavar=name, help="a file, or - for standard input")


def pair(options: argparse.Namespace) -> tuple[SourceLike, SourceLike]:
    """The two sources. Raises ValueError for standard input twice."""
    options.inputs = [options.a, options.b]
    found = inputs(options)
    if len(found) != 2:
        raise ValueError("A and B are one file each")
    return found[0], found[1]


def add_key(parser: argparse.ArgumentParser, what: str = "what makes two the same: 020$a") -> None:
    """What records are known by."""
    from ..keys import DEFAULT

    parser.add_argument(
        "--key",
        metavar="PATHS",
        default=DEFAULT,
        help=f"{what} (default: 003,001)",
    )


def add_keep(parser: argparse.ArgumentParser, what: str, default: str | None = None) -> None:
    """Which of several is kept."""
    from .._dedup import KEEP

    shown = f" (default: {default})" if default else ""
    parser.add_argument(
        "--keep",
        choices=KEEP,
        default=default,
        metavar="WHICH",
        help=f"{what}: first, last, longest{shown}",
    )


def add_memory(parser: argparse.ArgumentParser) -> None:
    """How much memory may be used, and where the rest goes."""
    from .._passes import MEMORY

    parser.add_argument(
        "--memory",
        type=size,
        default=MEMORY,
        metavar="SIZE",
        help="of the process, 32M or more (default: 200M)",
    )
    parser.add_argument(
        "--temporary", metavar="DIR", help="for what does not fit (default: beside OUT)"
    )


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """The keyword arguments for `add_memory`."""
    return {"memory": options.memory, "temporary": options.temporary}


def tags(text: str) -> list[str]:
    """Tags with commas between."""
    return [tag for part in text.split(",") for tag in part.split()]


def add_number(parser: Parser, default: int | None, what: str) -> None:
    """How many there should be."""
    parser.has_number = True
    told = "all" if default is None else default
    parser.add_argument(
        "-n",
        "--number",
        type=_number,
        default=default,
        metavar="N",
        help=f"{what} (default: {told})",
    )


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is less than 0")
    return number


def add_validation(parser: argparse.ArgumentParser) -> None:
    """What records are held to."""
    parser.add_argument(
        "--validation",
        choices=tuple(LEVELS),
        default="structural",
        metavar="LEVEL",
        help="what records keep to: structural (default), strict_marc",
    )


def add_tags(parser: argparse.ArgumentParser, text: str) -> None:
    """Some fields."""
    parser.add_argument("--tag", metavar="TAGS", help=text)


def add_color(parser: argparse.ArgumentParser) -> None:
    """Whether there is colour in text."""
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        metavar="WHEN",
        help="auto (default, heeds NO_COLOR), always, never",
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """No more than what is asked for."""
    parser.add_argument("-q", "--quiet", action="store_true", help="no summary, no progress")

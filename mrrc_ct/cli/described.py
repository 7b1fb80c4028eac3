"""What the commands take, as man pages and completion have it, from their parsers."""

from __future__ import annotations

import argparse

from . import COMMANDS, parser_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: What stands for a value in help, where that is the name of a file or of a folder.
_FILES = ("IN", "OUT", "FILE")
_FOLDERS = ("DIR",)


class Argument:
    """What a command takes: an option, or a value without one.

    `flags`, how the option is written, nothing for a value without one; `value`, what stands for
    the value in help, or for several, empty where there is none; `count`, how many there are;
    `choices`, all values that it may have, where these are few; `is_file` and `is_folder`, whether
    it names one; `is_repeated`; `help`.
    """

    __slots__ = (
        "choices",
        "count",
        "flags",
        "help",
        "is_file",
        "is_folder",
        "is_repeated",
        "value",
    )

    def __init__(self, action: argparse.Action, text: str) -> None:
        """Take what argparse has, and the text of its help."""
        self.flags = list(action.option_strings)
        self.value = "" if action.nargs == 0 else str(action.metavar or action.dest)
        self.count = action.nargs if isinstance(action.nargs, int) else 1
        self.choices = [str(one) for one in action.choices or () if one != ""]
        self.is_file = self.value in _FILES
        self.is_folder = self.value in _FOLDERS
        self.is_repeated = action.nargs in ("*", "+")
        self.help = text


class Described:
    """A command: its `name` and `summary`, and its arguments in `groups`, by their titles."""

    def __init__(self, name: str) -> None:
        """Describe a command."""
        parser = parser_of(name)
        self.name = name
        self.summary = COMMANDS[name][1]
        self.usage = " ".join(parser.format_usage().split()[1:])
        formatter = parser._get_formatter()
        self.groups: dict[str, list[Argument]] = {}
        for group in parser._action_groups:
            found = [
                Argument(one, formatter._expand_help(one) if one.help else "")
                for one in group._group_actions
                if one.help != argparse.SUPPRESS
            ]
            if found:
                self.groups[group.title or ""] = found

    @property
    def arguments(self) -> Iterator[Argument]:
        """All arguments."""
        for group in self.groups.values():
            yield from group

    @property
    def options(self) -> list[Argument]:
        """Those that are options."""
        return [one for one in self.arguments if one.flags]

    @property
    def values(self) -> list[Argument]:
        """Those that stand without one."""
        return [one for one in self.arguments if not one.flags]


def described() -> list[Described]:
    """All commands."""
    return [Described(name) for name in COMMANDS]

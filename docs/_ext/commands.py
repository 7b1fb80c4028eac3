"""The pages of the commands, made of their parsers when the site is built."""

from __future__ import annotations

import argparse
import pathlib
import re
from importlib import import_module
from typing import Any

from mrrc_ct import cli

HERE = pathlib.Path(__file__).parent
#: What is said of a command beyond its parser, and where its page goes.
NOTES = HERE.parent / "_commands"
PAGES = HERE.parent / "commands"


def escaped(text: str) -> str:
    """Text that is not to be taken for markup."""
    return re.sub(r"([\\*`|_<>\[\]])", r"\\\1", text)


def help_of(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    """What argparse would print of an option, with its default in it."""
    formatter = parser._get_formatter()
    return formatter._expand_help(action) if action.help else ""


def names_of(action: argparse.Action) -> str:
    """How an option is written: `-o OUT, --output OUT`."""
    if action.nargs == 0:
        return ", ".join(action.option_strings)
    value = str(action.metavar or action.dest)
    if not action.option_strings:
        return value
    return ", ".join(f"{name} {value}" for name in action.option_strings)


def page_of(name: str) -> str:
    """The page of a command, in reStructuredText."""
    parser = cli.parser_of(name)
    module = import_module(f"mrrc_ct.cli.{cli.COMMANDS[name][0]}")
    title = f"mrrc-ct {name}"
    lines = [title, "=" * len(title), "", escaped(cli.COMMANDS[name][1]), ""]
    usage = " ".join(parser.format_usage().split()).removeprefix("usage: ")
    lines += ["::", "", f"    {usage}", "", ".. code-block:: sh", ""]
    lines += [*(f"   {line}" for line in module.EXAMPLES), ""]
    notes = NOTES / f"{name}.md"
    if notes.exists():
        lines += [f".. include:: ../_commands/{name}.md", "   :parser: myst_parser.sphinx_", ""]
    lines += [f".. program:: {title}", ""]
    for group in parser._action_groups:
        actions = [
            one
            for one in group._group_actions
            if one.help != argparse.SUPPRESS and one.dest != "help"
        ]
        if not actions:
            continue
        heading = (group.title or "").capitalize().removeprefix("Positional ").capitalize()
        lines += [heading, "-" * len(heading), ""]
        for action in actions:
            lines += [f".. option:: {names_of(action)}", ""]
            lines += [f"   {escaped(help_of(parser, action))}", ""]
    return "\n".join(lines)


def table() -> str:
    """All commands, with a line for each."""
    lines = ["| | command | |", "|---|---|---|"]
    for group, commands in cli.GROUPS.items():
        for number, (name, (_, summary)) in enumerate(commands.items()):
            lines.append(
                f"| {'' if number else group} | [{name}](commands/{name}.rst) | {summary} |"
            )
    return "\n".join([*lines, ""])


def write_pages(app: Any) -> None:
    """Make all pages, and leave alone those that are as they should be."""
    made = {f"{name}.rst": page_of(name) for name in cli.COMMANDS} | {"table.txt": table()}
    PAGES.mkdir(exist_ok=True)
    for path in PAGES.iterdir():
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        path = PAGES / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def setup(app: Any) -> dict[str, bool]:
    """For Sphinx."""
    app.connect("builder-inited", write_pages)
    return {"parallel_read_safe": True}

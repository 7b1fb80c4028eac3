"""The API reference: docstrings as they are written here, and every public name in it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sphinx.util import logging

LOGGER = logging.getLogger(__name__)

#: The modules whose public names the reference has. Other modules are how these are made, and
#: `mrrc_ct.spark`, of which a program uses one name, cannot be imported everywhere.
MODULES = ("mrrc_ct", "mrrc_ct.errors", "mrrc_ct.query", "mrrc_ct.pymarc")
#: Classes that the package makes and its users get: how is of no use to them.
GIVEN = (
    "Checked",
    "Count",
    "DedupReport",
    "Described",
    "Description",
    "Diff",
    "DiffReport",
    "Difference",
    "Fault",
    "Frequency",
    "Match",
    "Matches",
    "MergeReport",
    "Part",
    "PipelineStats",
    "RecordIndex",
    "Records",
    "RepairReport",
    "Report",
    "SelectReport",
    "Selection",
    "SortReport",
    "Summary",
    "Validation",
)


def literal_blocks(lines: list[str]) -> list[str]:
    """Docstrings show code by indenting it; reStructuredText wants two colons before that."""
    made: list[str] = []
    inside = in_list = False
    for number, line in enumerate(lines):
        if not line.strip():
            made.append(line)
            continue
        is_indented = line.startswith("    ")
        if is_indented and not inside and number and not lines[number - 1].strip() and not in_list:
            made += ["::", ""]
        inside = is_indented
        in_list = bool(re.match(r"[-*] |\d+\. ", line)) or (in_list and line.startswith(" "))
        made.append(line)
    return made


def linked(line: str, names: Mapping[str, str]) -> str:
    """Names in single quotes are links where the reference has them, else code.

    Errors are links without quotes, too, and so are pages.
    """

    def error(found: re.Match[str]) -> str:
        is_error = names.get(found[0], "").startswith("mrrc_ct.errors.")
        return f":py:obj:`{found[0]} <{names[found[0]]}>`" if is_error else found[0]

    def role(found: re.Match[str]) -> str:
        text = found[1].strip()
        target = names.get(text.removesuffix("()").removeprefix("mrrc_ct."))
        return f":py:obj:`{text} <{target}>`" if target else f"``{text}``"

    line = re.sub(r"(?<!`)`([^`]+)`(?!`)", role, line)
    line = re.sub(r"\bdocs/([\w-]+)\.md", r":doc:`/\1`", line)
    return re.sub(r"(?<![`\w.])[A-Z]\w+(?![`\w])", error, line)


def linkable(module: str) -> dict[str, str]:
    """What a docstring of a module may mean: its own names, then those of the package."""
    names: dict[str, str] = {}
    for place in dict.fromkeys(["mrrc_ct", *MODULES, module]):
        if place == "mrrc_ct.pymarc" != module:
            continue
        for name in public_names(place):
            # A word such as `tag` is mostly an argument, and not `mrrc_ct.query.tag`.
            if place == "mrrc_ct" or not name.islower():
                names[name] = f"{place}.{name}"
            if isinstance(thing := getattr(importlib.import_module(place), name), type):
                members = (one for one in dir(thing) if not one.startswith("_"))
                names.update({f"{name}.{one}": f"{place}.{name}.{one}" for one in members})
    return names


def _process(
    app: Any, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    names = linkable("mrrc_ct.pymarc" if name.startswith("mrrc_ct.pymarc") else "mrrc_ct")
    # A class speaks of its own attributes first.
    names = {one: target for one, target in names.items() if not hasattr(thing, one)}
    lines[:] = [
        line if line.startswith("    ") else linked(line, names) for line in literal_blocks(lines)
    ]


def public_names(module: str) -> Iterator[str]:
    """What a module offers: what `__all__` names, else what is defined there."""
    found = importlib.import_module(module)
    for name in getattr(found, "__all__", None) or sorted(vars(found)):
        thing = getattr(found, name)
        is_own = hasattr(found, "__all__") or getattr(thing, "__module__", "") == module
        if is_own and not name.startswith("_"):
            yield name


def _skip(
    app: Any, what: str, name: str, thing: Any, skipped: bool, options: object
) -> bool | None:
    made_by = getattr(thing, "__qualname__", "").split(".")[0]
    return True if name == "__new__" or (name == "__init__" and made_by in GIVEN) else None


def home_of(module: str, name: str) -> str:
    """Where a name that a module offers is defined."""
    thing = getattr(importlib.import_module(module), name)
    return f"{getattr(thing, '__module__', module)}.{getattr(thing, '__qualname__', name)}"


def _check(app: Any, env: Any) -> None:
    described = env.get_domain("py").objects
    for module in MODULES:
        for name in public_names(module):
            if not {f"{module}.{name}", home_of(module, name)} & set(described):
                LOGGER.warning("the reference lacks %s.%s", module, name)


def setup(app: Any) -> dict[str, bool]:
    """For Sphinx."""
    app.connect("autodoc-process-docstring", _process)
    app.connect("autodoc-skip-member", _skip)
    app.connect("env-check-consistency", _check)
    return {"parallel_read_safe": True}

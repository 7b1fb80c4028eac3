"""Files of rules: TOML, YAML or JSON, which the name tells apart."""

from __future__ import annotations

import os

from ._source import raise_os_error
from .errors import RulesInvalid

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read_rule_file(path: str | os.PathLike[str]) -> Any:
    """What a file holds, not yet looked at. Of YAML every value is a text.

    YAML needs PyYAML, and TOML before Python 3.11 tomli. Raises RulesInvalid for what is none of
    these, and SourceError for a file that cannot be read.
    """
    path = os.fspath(path)
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in _READERS:
        raise RulesInvalid("the name should end in .toml, .yaml, .yml or .json", source=path)
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise_os_error(error, path, "open")
    try:
        return _READERS[suffix](data.decode())
    except ImportError as error:
        raise RulesInvalid(
            f"the module {error.name} is missing, which reads {suffix}: "
            "pip install 'mrrc-ct[cli]', or write the same as JSON",
            source=path,
        ) from None
    except (ValueError, RecursionError) as error:
        raise RulesInvalid(f"the file cannot be read: {error}", source=path) from None


def _read_toml(text: str) -> Any:
    try:
        import tomllib
    except ImportError:  # before Python 3.11
        import tomli as tomllib
    return tomllib.loads(text)


def _read_json(text: str) -> Any:
    import json

    return json.loads(text, object_pairs_hook=_once)


def _read_yaml(text: str) -> Any:
    import yaml

    # Every value is the text that stands there: 020 is a tag and no number.
    class Loader(yaml.BaseLoader):  # type: ignore[misc]  # mypy may not have PyYAML
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            return _once([tuple(map(self.construct_object, pair)) for pair in node.value])

    try:
        return yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A dictionary, in which no key takes the place of another. ValueError."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} stands twice in one rule")
        found[key] = value
    return found


_READERS = {".toml": _read_toml, ".json": _read_json, ".yaml": _read_yaml, ".yml": _read_yaml}

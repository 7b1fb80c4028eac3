"""A library's own rules: what a file may say, or a mapping like one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from .errors import RulesInvalid
from .marc21 import codes_of

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn

#: How bad a fault may be said to be; the last one is not told.
ERROR, WARNING, OFF = SEVERITIES = ("error", "warning", "off")

_TAG = re.compile(r"[0-9A-Za-z.]{3}")
_CODES = re.compile(r"[!-~]\+?(?: [!-~]\+?)*")
_INDICATORS = re.compile(r"[a-z0-9#]+")


def pattern_of(tag: str) -> Callable[[str], object]:
    """What matches the tags that one stands for, in which X and a dot are any character."""
    return re.compile(tag.replace("X", ".")).fullmatch


class OwnRules:
    """What a library says: `fields`, in their order, and `severities` of faults, by code."""

    def __init__(self, rules: Mapping[str, Any]) -> None:
        """Take what a file says. Raises RulesInvalid."""
        top = _Settings(rules, "rules")
        self.fields = [
            OwnField(tag, _Settings(settings, f"fields.{tag}"))
            for tag, settings in top.take("fields", Mapping, "a table", {}).items()
        ]
        self.severities: dict[str, str] = dict(top.take("severity", Mapping, "a table", {}))
        for code, severity in self.severities.items():
            check_name(severity, SEVERITIES, f"severity.{code}: there is no severity")
        top.done()


class OwnField:
    """What is said of the fields with a tag, or with any that one like 9XX stands for.

    What is None was not said.
    """

    __slots__ = (
        "forbidden",
        "forbidden_subfields",
        "indicators",
        "is_exact",
        "matches",
        "repeatable",
        "required",
        "required_subfields",
        "subfields",
        "tag",
    )

    def __init__(self, tag: str, settings: _Settings) -> None:
        """Take its settings. Raises RulesInvalid."""
        if not _TAG.fullmatch(tag):
            settings.fail("a tag is three digits or letters, X and a dot are any: 9XX, 59.")
        self.tag = tag
        self.is_exact = "." not in tag and "X" not in tag
        self.matches = pattern_of(tag)
        self.repeatable = settings.take_truth("repeatable")
        self.required = settings.take_truth("required")
        self.forbidden = settings.take_truth("forbidden")
        self.indicators = [settings.take_indicator(name) for name in ("indicator1", "indicator2")]
        self.subfields = settings.take_codes("subfields")
        self.required_subfields = settings.take_codes("required_subfields") or {}
        self.forbidden_subfields = settings.take_codes("forbidden_subfields") or {}
        settings.done()


class _Settings:
    """The settings of a table, taken one after the other, and where it stands."""

    def __init__(self, values: object, place: str) -> None:
        self._place = place
        self._known: list[str] = []
        if not isinstance(values, Mapping):
            self.fail("this should be a table")
        self._left = dict(values)

    def fail(self, message: str) -> NoReturn:
        raise RulesInvalid(f"{self._place}: {message}")

    def take(self, name: str, kind: type, what: str, default: Any = None) -> Any:
        self._known.append(name)
        value = self._left.pop(name, default)
        if value is not default and not isinstance(value, kind):
            self.fail(f"{name} should be {what}, not {value!r}")
        return value

    def take_truth(self, name: str) -> bool | None:
        value = self.take(name, object, "")
        if value not in (None, True, False, "true", "false"):  # in YAML it is a text
            self.fail(f"{name} should be true or false, not {value!r}")
        return None if value is None else value in (True, "true")

    def take_indicator(self, name: str) -> str | None:
        value = self.take(name, str, "a text")
        if value is None:
            return None
        if not _INDICATORS.fullmatch(value):
            self.fail(f"{name} should be the values it may have, # for a blank, not {value!r}")
        return str(value).replace("#", " ")

    def take_codes(self, name: str) -> dict[str, bool] | None:
        value = self.take(name, str, "a text")
        if value is not None and not _CODES.fullmatch(value):
            self.fail(f"{name} should be codes like 'a b+', + for one that repeats, not {value!r}")
        return None if value is None else codes_of(value)

    def done(self) -> None:
        for name in self._left:
            check_name(name, self._known, f"{self._place}: there is no setting")


def check_name(name: object, known: Collection[str], what: str) -> None:
    """See that a name is one of those that are known. Raises RulesInvalid, which names the nearest.

    `what` is the message up to the name.
    """
    if name in known:
        return
    import difflib

    nearest = difflib.get_close_matches(str(name), known, 1, 0.4)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"these are: {', '.join(known)}"
    raise RulesInvalid(f"{what} {name!r}; {hint}")

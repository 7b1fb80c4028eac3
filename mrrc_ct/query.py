"""Questions about a field, for `Record.fields_matching`.

    from mrrc_ct.query import has_subfield, indicator2, regex, tag

    record.fields_matching(tag("6XX") & indicator2("0") & ~has_subfield("v"))
    record.fields_matching(tag("100", "700-711") & regex("^Goethe", "a"))

Each word makes a `Query`; `&`, `|` and `~` put them together.
"""

from __future__ import annotations

from .field import Field

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern
    from typing import Callable, NoReturn


class Query:
    """A question that is true of a field or not."""

    __slots__ = ("_test", "_text")

    def __init__(self, test: Callable[[Field], bool], text: str = "") -> None:
        """Make a query from any function of a field; `text` is how it prints."""
        self._test = test
        self._text = text or f"Query({test!r})"

    def matches(self, field: Field) -> bool:
        """Whether it is true of a field."""
        return self._test(field)

    def __and__(self, other: Query) -> Query:
        """True where both are."""
        one, two = self._test, _checked(other)._test
        return Query(lambda field: one(field) and two(field), f"({self!r} & {other!r})")

    def __or__(self, other: Query) -> Query:
        """True where one of them is, or both."""
        one, two = self._test, _checked(other)._test
        return Query(lambda field: one(field) or two(field), f"({self!r} | {other!r})")

    def __invert__(self) -> Query:
        """True where this is not."""
        test = self._test
        return Query(lambda field: not test(field), f"~{self!r}")

    def __bool__(self) -> NoReturn:
        raise TypeError("queries are put together with &, | and ~, not with and, or and not")

    def __repr__(self) -> str:
        return self._text


def _checked(query: Query) -> Query:
    if not isinstance(query, Query):
        raise TypeError(f"a query was expected, not {query!r}")
    return query


def _call(name: str, *arguments: object, **options: object) -> str:
    shown = [repr(argument) for argument in arguments]
    shown += [f"{option}={value!r}" for option, value in options.items() if value]
    return f"{name}({', '.join(shown)})"


def tag(*patterns: str) -> Query:
    """Fields with any of these tags.

    A pattern is a tag (`650`), one in which X stands for any character (`6XX`), or a range with
    both ends in it (`600-655`). Raises ValueError for anything else.
    """
    is_wanted = tag_test(*patterns)
    return Query(lambda field: is_wanted(field.tag), _call("tag", *patterns))


def tag_test(*patterns: str) -> Callable[[str], bool]:
    """The same of a tag by itself: whether it is one of these. Raises as `tag`."""
    exact = set()
    tests: list[Callable[[str], bool]] = []
    for pattern in patterns:
        first, dash, last = pattern.partition("-")
        if len(first) != 3 or len(last) != (3 if dash else 0):
            raise ValueError(f"a tag, a pattern like 6XX or a range like 600-655, not {pattern!r}")
        if dash:
            tests.append(lambda found, first=first, last=last: first <= found <= last)  # type: ignore[misc]
        elif "X" in pattern.upper():
            tests.append(_like(pattern.upper()))
        else:
            exact.add(pattern)
    return lambda found: found in exact or any(matches(found) for matches in tests)


def _like(pattern: str) -> Callable[[str], bool]:
    fixed = [(at, character) for at, character in enumerate(pattern) if character != "X"]
    return lambda found: len(found) == 3 and all(found[at] == one for at, one in fixed)


def indicator1(*values: str) -> Query:
    """Fields whose first indicator is one of these; a blank is `" "`."""
    return Query(lambda field: field.indicator1 in values, _call("indicator1", *values))


def indicator2(*values: str) -> Query:
    """Fields whose second indicator is one of these; a blank is `" "`."""
    return Query(lambda field: field.indicator2 in values, _call("indicator2", *values))


def has_subfield(*codes: str) -> Query:
    """Fields that have every one of these subfields."""
    return Query(lambda field: all(code in field for code in codes), _call("has_subfield", *codes))


def _values(field: Field, codes: tuple[str, ...]) -> list[str]:
    if field.control_field:
        return [] if codes else [field.value()]
    return [text for code, text in field if not codes or code in codes]


def value(text: str, *codes: str, partial: bool = False, ignore_case: bool = False) -> Query:
    """Fields with a subfield of these codes that has this value, or with `partial` contains it.

    Without codes any subfield will do, and the data of a control field. Values are compared as
    they are, with the punctuation and the blanks they end in.
    """
    wanted = text.casefold() if ignore_case else text

    def test(field: Field) -> bool:
        for found in _values(field, codes):
            if ignore_case:
                found = found.casefold()
            if wanted == found or (partial and wanted in found):
                return True
        return False

    return Query(test, _call("value", text, *codes, partial=partial, ignore_case=ignore_case))


def regex(pattern: str | Pattern[str], *codes: str) -> Query:
    """Fields with a subfield of these codes in which a regular expression finds something.

    Without codes any subfield will do, and the data of a control field. Raises re.error for a
    pattern that is none.
    """
    import re

    search = re.compile(pattern).search
    shown = pattern if isinstance(pattern, str) else pattern.pattern
    return Query(
        lambda field: any(search(text) for text in _values(field, codes)),
        _call("regex", shown, *codes),
    )

"""Records with a field in which a regular expression finds something."""

from __future__ import annotations

from . import _core
from .conversion import read
from .errors import PathInvalid
from .paths import filter_matching, filter_of, parse_paths, plan_where

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._source import Sources
    from .conversion import Records
    from .field import Field
    from .paths import Filter
    from .record import Record

#: All fields.
ANYWHERE = "..."


def grep_filter(
    pattern: str,
    paths: str = ANYWHERE,
    *,
    ignore_case: bool = False,
    invert: bool = False,
    where: str | Filter | None = None,
) -> Filter:
    """The filter for what `grep` finds. Raises as that."""
    wanted = _filter(pattern, paths, ignore_case)
    if invert:
        wanted = wanted.inverted()
    return wanted if where is None else wanted.with_all(filter_of(where))


def _filter(pattern: str, paths: str, ignore_case: bool) -> Filter:
    """Records where an expression finds something in one of the fields."""
    places = parse_paths(_as_paths(paths))
    if not all(place.is_of_fields for one in places for place in one):
        raise PathInvalid(f"what is looked for stands in fields, not at {paths}")
    # Of `100|110` both are looked at.
    wanted = filter_matching(
        [[place] for one in places for place in one], f"(?i){pattern}" if ignore_case else pattern
    )
    plan_where(wanted)  # which reads the expression
    return wanted


def _as_paths(tags: str) -> str:
    """Tags like 6XX and 600-655 as the language of paths has them."""
    import re

    def points(found: re.Match[str]) -> str:
        return found[0].upper().replace("X", ".")

    def each(found: re.Match[str]) -> str:
        return ", ".join(f"{tag:03}" for tag in range(int(found[1]), int(found[2]) + 1))

    tags = re.sub(r"(?<![\w$-])([0-9]{3})-([0-9]{3})(?![\w$-])", each, tags)
    return re.sub(r"(?<![\w$])[0-9Xx]{3}(?!\w)", points, tags)


class Match:
    """A record that was found.

    `record`; `number`, that of the record in its source, from 1; `source`, the name of that.
    """

    __slots__ = ("_matcher", "number", "record", "source")

    def __init__(self, record: Record, matcher: _core.Matcher) -> None:
        self.record = record
        self.number = record._number
        self.source = record._origin.name
        self._matcher = matcher

    @property
    def fields(self) -> list[Field]:
        """The fields in which the expression finds something."""
        fields = self.record.fields
        return [fields[place] for place in self.places]

    @property
    def places(self) -> list[int]:
        """The same, by their places among all of the record's fields."""
        # The core knows the expression: each field goes to it as a record by itself.
        head, *contents = self.record._checked()[:-1].split(b"\x1e")
        del contents[-1]
        flats = [
            b"%b%b\x1e%b\x1e\x1d" % (head[:24], head[24 + 12 * at : 36 + 12 * at], content)
            for at, content in enumerate(contents)
        ]
        return [at for at, mark in enumerate(self._matcher.among(flats)) if mark]


class Matches:
    """What `grep` gives: an iterator of Match. `records` is what it reads from."""

    def __init__(self, records: Records, matcher: _core.Matcher) -> None:
        self.records = records
        self._matcher = matcher

    def __iter__(self) -> Iterator[Match]:
        for record in self.records:
            yield Match(record, self._matcher)


def grep(
    source: Sources,
    pattern: str,
    paths: str = ANYWHERE,
    from_: str | None = None,
    *,
    ignore_case: bool = False,
    invert: bool = False,
    where: str | Filter | None = None,
    **options: Any,
) -> Matches:
    """The records of a source, or of several, with a field in which `pattern` finds something.

        for match in grep("books.mrc", "Geolog", "245, 6XX"):
            print(match.record.control_number, match.fields)

    `pattern` is a regular expression as filters have them, looked for in the value of each field:
    its subfields stripped, with blanks between. `paths` say where: tags, in which X is any
    character, ranges of them, and paths that begin with a tag, `700$a`. With `invert` the others
    are found, and no fields. The other options are those of `read`. Raises as that, and PathInvalid
    for expression and paths.
    """
    wanted = grep_filter(pattern, paths, ignore_case=ignore_case, invert=invert, where=where)
    plan, _ = plan_where(_filter(pattern, paths, ignore_case))
    assert plan is not None
    return Matches(read(source, from_, where=wanted, **options), _core.Matcher("flat", plan.handle))

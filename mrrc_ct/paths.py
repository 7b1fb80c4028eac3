"""The language of paths and filters: what of a record is wanted, and which records.

    columns  = column { "," column } ;
    column   = [ name "=" ] path { ":" how } ;
    how      = "list" | "first" | "last" | "join" [ "(" string ")" ] | "count"
             | "int" | "date" | "time" ;
    path     = place { "|" place } ;
    place    = "leader" [ slice ] | "number" | "offset"
             | tag [ "[" indicator indicator "]" ] [ "$" code { code } ] [ slice ] ;
    tag      = three letters, digits or "."; a "." is any of these ;
    indicator = a letter or digit | "_", a blank | "*", any ;
    slice    = "[" at "]" | "[" [ start ] ":" [ end ] "]" ;

    filter   = part { "or" part } ;
    part     = term { "and" term } ;
    term     = "not" term | "(" filter ")" | path [ ":count" ] [ test ] ;
    test     = ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) ( string | number )
             | ( "=~" | "!~" ) string | "in" "(" string { "," string } ")" ;
    string   = "'" … "'" | '"' … '"', where a backslash keeps what is behind it ;

Slices count characters from 0, as Python's do. A place without codes takes those of the next that
has some: `100|110|111$a` is the first of these fields that is there, and its $a. What the parser
makes of it is a program for the core (`zig/plan.zig`), which runs it on every record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from . import errors, marc21

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Callable, NoReturn, Union

    from ._arrow import Plan

    Columns = Union[str, Iterable[str], Mapping[str, str]]

_PLACES = {"leader": 0, "number": 2, "offset": 3}
_FIELD = 1
_MODES = {"list": 0, "first": 1, "last": 2, "join": 3, "count": 4, "only": 5}
_TYPES = {"text": 0, "int": 1, "date": 2, "time": 3}
_BOTH, _EITHER, _NOT, _EXISTS, _TEXT, _INTEGER, _COUNT, _MATCH, _AMONG = range(9)
_COMPARISONS = {"==": 0, "<": 1, "<=": 2, ">": 3, ">=": 4}
_OPERATORS = ("==", "!=", "=~", "!~", "<=", ">=", "<", ">")
_OPEN = (1 << 32) - 1
#: Between values that are joined, or written into one place of a CSV file.
SEPARATOR = "; "
#: Nested deeper, a filter is not read; the core's limit is twice that.
_DEPTH_MAX = 90
_COLUMNS_MAX = 4096
_CODES_MAX = 0xFFFF
_TEXT_MAX = 0xFFFF


class Place:
    """A place in a record."""

    def __init__(self, word: str) -> None:
        self.kind = _PLACES.get(word, _FIELD)
        self.tag = word if self.kind == _FIELD else "..."
        self.indicators = "\0\0"
        self.codes = ""
        self.start, self.end = 0, _OPEN

    @property
    def is_of_fields(self) -> bool:
        """Whether it is in fields: not the leader, nor a number."""
        return self.kind == _FIELD

    @property
    def is_control(self) -> bool:
        """Whether it is a control field, or the leader."""
        return self.kind != _FIELD or (self.tag[:2] == "00" and self.tag[2] in "0123456789.")

    @property
    def is_leader(self) -> bool:
        """Whether it is the leader."""
        return self.kind == _PLACES["leader"]

    @property
    def is_open(self) -> bool:
        """Whether it has no end but that of its text."""
        return self.end == _OPEN

    @property
    def is_sliced(self) -> bool:
        """Whether it is some characters of its text, and not all."""
        return self.start != 0 or not self.is_open

    def program(self) -> bytes:
        """The same for the core."""
        head = struct.pack("<B3s2s", self.kind, self.tag.encode(), self.indicators.encode())
        return head + _text(self.codes) + struct.pack("<II", self.start, self.end)


class Column:
    """A column: its name, where its values are, and what becomes of them."""

    def __init__(self, name: str, places: list[Place]) -> None:
        self.name = name
        self.places = places
        #: One of _MODES and one of _TYPES.
        self.mode = ""
        self.type = "text"
        self.separator = SEPARATOR
        #: The path as it was written, and the same with what stands behind it.
        self.path = self.text = ""

    @property
    def is_of_values(self) -> bool:
        """Whether it has what stands in records, and not their numbers or where they begin."""
        return self.places[0].kind <= _FIELD

    @property
    def is_of_fields(self) -> bool:
        """Whether its values are those of fields, of which there may be several."""
        return all(place.is_of_fields for place in self.places)

    def program(self) -> bytes:
        """The same for the core."""
        kinds = struct.pack("<BB", _MODES[self.mode], _TYPES[self.type])
        return _text(self.name) + _path(self.places) + kinds + _text(self.separator)


class Pattern:
    """A regular expression of a filter, and where it was written."""

    def __init__(self, pattern: str, text: str, places: Sequence[int]) -> None:
        self.pattern = pattern
        #: What it stands in, and where in that each of its characters is, and the end.
        self.text = text
        self.places = places


class Filter:
    """Which records are wanted."""

    def __init__(
        self,
        text: str,
        program: bytes,
        patterns: list[Pattern],
        has_number: bool = False,
        has_offset: bool = False,
    ) -> None:
        self.text = text
        self.program = program
        self.patterns = patterns
        #: Whether it asks for the number of a record, or where it begins.
        self.has_number = has_number
        self.has_offset = has_offset

    def inverted(self) -> Filter:
        """The other records."""
        program = bytes([_NOT]) + self.program
        return Filter(self.text, program, self.patterns, self.has_number, self.has_offset)

    def with_all(self, other: Filter) -> Filter:
        """The records that both want."""
        return self._with(other, "and", _BOTH)

    def with_any(self, other: Filter) -> Filter:
        """The records that one of them wants."""
        return self._with(other, "or", _EITHER)

    def _with(self, other: Filter, word: str, how: int) -> Filter:
        return Filter(
            f"{self.text} {word} {other.text}",
            bytes([how]) + self.program + other.program,
            self.patterns + other.patterns,
            self.has_number or other.has_number,
            self.has_offset or other.has_offset,
        )


def _text(text: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise errors.PathInvalid("half of a surrogate pair is no character") from None
    if len(data) > _TEXT_MAX:
        raise errors.PathInvalid(f"a text has {len(data):,} bytes, and {_TEXT_MAX:,} are the most")
    return struct.pack("<H", len(data)) + data


def _path(places: list[Place]) -> bytes:
    return struct.pack("<B", len(places)) + b"".join(place.program() for place in places)


def program_of(columns: list[Column], where: Filter | None) -> bytes:
    """What the core makes a plan of."""
    head = struct.pack("<H", len(columns)) + b"".join(column.program() for column in columns)
    return head + (b"\0" if where is None else b"\1" + where.program)


# ---- the rules of the format


def _may_repeat(place: Place) -> bool:
    """Whether a place can have more than one value. What nobody knows can."""
    if place.kind != _FIELD:
        return False
    facts = marc21.fields().get(place.tag)
    if facts is None or facts.repeatable or len(place.codes) != 1 or facts.subfields is None:
        return facts is None or facts.repeatable
    return facts.subfields.get(place.codes, True)


def may_repeat(tag: str) -> bool:
    """Whether MARC 21 lets a record have several fields with a tag, or does not know it."""
    return _may_repeat(Place(tag))


# ---- the parser


class _Parser:
    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a path or filter is a text, not {text!r}")
        self.text = text
        self.at = 0
        #: Where each character of the last text in quotation marks stands, and where it ends.
        self.places: list[int] = []

    def fail(self, message: str, at: int | None = None) -> NoReturn:
        raise errors.PathInvalid(message, text=self.text, position=self.at if at is None else at)

    def rest(self) -> str:
        return self.text[self.at :]

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def has(self, mark: str) -> bool:
        """Take a mark, if it stands here."""
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def expect(self, mark: str, what: str) -> None:
        self.skip()
        if not self.has(mark):
            self.fail(f"{what} should have {mark!r} here")

    def run(self, is_part: Callable[[str], bool]) -> str:
        start = self.at
        while self.at < len(self.text) and is_part(self.text[self.at]):
            self.at += 1
        return self.text[start : self.at]

    def word(self, word: str) -> bool:
        """Take a word, if it stands here by itself."""
        end = self.at + len(word)
        if self.text[self.at : end] != word or self.text[end : end + 1].isalnum():
            return False
        self.at = end
        return True

    def done(self, what: str) -> None:
        self.skip()
        if self.at < len(self.text):
            is_loud = self.text[self.at :].split(None, 1)[0] in ("AND", "OR")
            hint = ": and, or, not are written in small letters" if is_loud else ""
            self.fail(f"{what} should end before this{hint}")

    # ---- paths

    def path(self) -> list[Place]:
        start = self.at
        places = [self.place()]
        while self.has("|"):
            places.append(self.place())
        if len(places) > 1 and any(place.kind > _FIELD for place in places):
            self.fail("the number and the offset of a record have no alternatives", start)
        if len(places) > 255:
            self.fail("there are more than 255 alternatives", start)
        codes = ""
        for place in reversed(places):
            codes = place.codes or codes
            if not place.is_control:
                place.codes = codes
        return places

    def place(self) -> Place:
        start = self.at
        word = self.run(lambda one: one.isascii() and (one.isalnum() or one == "."))
        word = self.pattern(word)
        if word not in _PLACES and len(word) != 3:
            what = f"{word!r} is no place" if word else "a place is missing"
            self.fail(
                f"{what}: it should be a tag of three characters, leader, number or offset", start
            )
        place = Place(word)
        if place.kind > _FIELD:
            return place
        if not place.is_control and self.has("["):
            place.indicators = self.indicators()
        start = self.at
        if self.has("$"):
            place.codes = self.run(lambda one: one.isascii() and one.isalnum())
            if len(place.codes) > _CODES_MAX:
                self.fail(f"there are more than {_CODES_MAX} codes", start)
            if not place.codes:
                self.fail("$ should have the codes of subfields behind it")
            if place.is_control:
                self.fail(f"{word} has no subfields", start)
        if self.has("["):
            place.start, place.end = self.slice()
        return place

    def pattern(self, word: str) -> str:
        """The tag that a word means, with a `.` for any character."""
        return word

    def indicators(self) -> str:
        start = self.at
        found = self.run(lambda one: one.isascii() and one not in "]$")
        if len(found) != 2 or not all(one.isalnum() or one in "_*" for one in found):
            self.fail("two indicators should stand here, _ for a blank and * for any", start)
        self.expect("]", "the indicators")
        return found.replace("_", " ").replace("*", "\0")

    def slice(self) -> tuple[int, int]:
        start = self.at
        first = self.run(str.isdecimal)
        if not self.has(":"):
            if not first:
                self.fail("a position should stand here, or two with : between", start)
            at = self.position(first, start)
            self.expect("]", "a slice")
            return at, at + 1
        second = self.run(str.isdecimal)
        begin = self.position(first, start) if first else 0
        end = self.position(second, start) if second else _OPEN
        self.expect("]", "a slice")
        if end < begin:
            self.fail("a slice should not end before it begins", start)
        return begin, end

    def position(self, digits: str, at: int) -> int:
        if len(digits) > 9 or not digits.isascii():
            self.fail("no field is as long as that", at)
        return int(digits)

    # ---- columns

    def column(self, name: str | None = None) -> Column:
        self.skip()
        start = self.at
        if name is None:
            name = self.run(lambda one: one.isalnum() or one in "_-. ").strip()
            if not name or not self.has("="):
                self.at = start
                name = None
        self.skip()
        begin = self.at
        column = Column("", self.path())
        column.path = self.text[begin : self.at]
        column.name = name if name is not None else column.path
        while self.has(":"):
            self.how(column)
        column.text = self.text[begin : self.at]
        is_plain = column.is_of_values
        if not is_plain:
            if column.mode or column.type != "text":
                self.fail("the number and the offset of a record are what they are", begin)
            column.mode, column.type = "only", "int"
        if not column.mode:
            may_repeat = any(_may_repeat(place) for place in column.places)
            column.mode = "only" if not may_repeat else "list" if column.type == "text" else "first"
        if column.mode in ("list", "join") and column.type != "text":
            self.fail(f"a {column.mode} has texts, not {column.type}", begin)
        try:
            is_name = len(column.name.encode()) <= _TEXT_MAX and "\0" not in column.name
        except UnicodeEncodeError:
            is_name = False
        if not is_name:
            self.fail("this is no name of a column", start)
        return column

    def how(self, column: Column) -> None:
        start = self.at
        word = self.run(str.isalpha)
        if word in ("int", "date", "time"):
            if column.type != "text" or column.mode == "count":
                self.fail("a column has one type", start)
            column.type = word
        elif word in _MODES and word != "only":
            if column.mode:
                self.fail(f"a column cannot be {column.mode} and {word}", start)
            column.mode = word
            if word == "count":
                if column.type != "text":
                    self.fail("a column has one type", start)
                column.type = "int"
            if word == "join" and self.has("("):
                self.skip()
                column.separator = self.string()
                self.expect(")", "join")
        else:
            known = "list, first, last, join, count, int, date or time"
            self.fail(f"behind : should be one of {known}", start)

    def columns(self) -> list[Column]:
        columns = [self.column()]
        self.skip()
        while self.has(","):
            columns.append(self.column())
            self.skip()
        self.done("a column")
        return columns

    # ---- filters

    def string(self) -> str:
        quote = self.text[self.at : self.at + 1]
        if quote not in ("'", '"') or not quote:
            self.fail("a text in quotation marks should stand here")
        start = self.at
        self.at += 1
        found: list[str] = []
        self.places = []
        while not self.has(quote):
            if self.at == len(self.text):
                self.fail("this text has no end", start)
            mark = self.at
            # A backslash is one of a regular expression, unless it keeps a quotation mark.
            if self.text[self.at] == "\\" and self.text[self.at + 1 : self.at + 2] in ("\\", quote):
                self.at += 1
                found.append(self.kept())
            else:
                found.append(self.text[self.at])
            self.places += [mark] * len(found[-1])
            self.at += 1
        self.places.append(self.at - 1)
        text = "".join(found)
        try:
            if len(text.encode()) > _TEXT_MAX:
                self.fail("this text is too long", start)
        except UnicodeEncodeError:
            self.fail("half of a surrogate pair is no character", start)
        return text

    def kept(self) -> str:
        return self.text[self.at]


class _FilterParser(_Parser):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.patterns: list[Pattern] = []
        self.has_number = self.has_offset = False
        self.in_pattern = False

    def kept(self) -> str:
        # In a regular expression two backslashes are one that means itself.
        mark = self.text[self.at]
        return mark * 2 if self.in_pattern and mark == "\\" else mark

    def filter(self, depth: int = 0) -> bytes:
        if depth > _DEPTH_MAX:
            self.fail(f"a filter is nested no deeper than {_DEPTH_MAX}")
        return self.chain("or", _EITHER, lambda: self.part(depth))

    def part(self, depth: int) -> bytes:
        return self.chain("and", _BOTH, lambda: self.term(depth))

    def chain(self, word: str, kind: int, one: Callable[[], bytes]) -> bytes:
        parts = [one()]
        self.skip()
        while self.word(word):
            parts.append(one())
            self.skip()
        return _balanced(kind, parts)

    def term(self, depth: int) -> bytes:
        self.skip()
        if self.word("not"):
            if depth > _DEPTH_MAX:
                self.fail(f"a filter is nested no deeper than {_DEPTH_MAX}")
            return bytes([_NOT]) + self.term(depth + 1)
        if self.has("("):
            found = self.filter(depth + 1)
            self.expect(")", "what began with (")
            return found
        places = self.path()
        if any(place.kind == _PLACES["number"] for place in places):
            self.has_number = True
        if any(place.kind == _PLACES["offset"] for place in places):
            self.has_offset = True
        path = _path(places)
        is_count = self.has(":")
        if is_count and not self.word("count"):
            self.fail("in a filter only count can stand behind :")
        self.skip()
        return self.test(path, is_count, places[0].kind > _FIELD)

    def test(self, path: bytes, is_count: bool, is_number: bool) -> bytes:
        if self.word("in"):
            if is_count or is_number:
                self.fail("a number is compared with <, ==, > and their kin")
            return self.among(path)
        start = self.at
        operator = next((one for one in _OPERATORS if self.has(one)), None)
        if operator is None:
            if is_count:
                self.fail("what is counted should be compared with a number")
            if self.text[self.at : self.at + 1] == "=":
                self.fail("a comparison is written ==")
            return bytes([_EXISTS]) + path
        self.skip()
        if operator in ("=~", "!~"):
            if is_count or is_number:
                self.fail("a number matches no expression", start)
            self.in_pattern = True
            pattern = self.string()
            self.in_pattern = False
            self.patterns.append(Pattern(pattern, self.text, self.places))
            found = bytes([_MATCH]) + path + _text(pattern)
            return found if operator == "=~" else bytes([_NOT]) + found
        compared = struct.pack("<B", _COMPARISONS["==" if operator == "!=" else operator])
        if self.text[self.at : self.at + 1] in ("'", '"') and not (is_count or is_number):
            found = bytes([_TEXT]) + path + compared + _text(self.string())
        else:
            kind = _COUNT if is_count else _INTEGER
            found = bytes([kind]) + path + compared + struct.pack("<q", self.integer())
        return bytes([_NOT]) + found if operator == "!=" else found

    def among(self, path: bytes) -> bytes:
        self.expect("(", "in")
        texts: list[str] = []
        while not texts or self.has(","):
            self.skip()
            texts.append(self.string())
            self.skip()
        self.expect(")", "what began with (")
        return _among(path, texts, False)

    def integer(self) -> int:
        start = self.at
        sign = -1 if self.has("-") else 1
        digits = self.run(lambda one: one.isascii() and one.isdigit())
        if not digits or len(digits) > 18:
            self.fail("a number or a text in quotation marks should stand here", start)
        return sign * int(digits)


class _TargetParser(_FilterParser):
    """Of what a rule of `mrrc_ct.editing` works on.

    target = place { "," place } [ "if" filter ] ;

    In a tag of digits and X, as 9XX, each X is any character. The filter is asked of the field by
    itself, and its paths need no tag.
    """

    in_condition = False

    def target(self) -> tuple[list[Place], Filter | None]:
        places: list[Place] = []
        while not places or self.has(","):
            self.skip()
            places.append(self.place())
            self.skip()
        if not self.word("if"):
            self.done("what is to be changed")
            return places, None
        self.in_condition = True
        program = self.filter()
        self.done("a condition")
        return places, Filter(self.text, program, self.patterns)

    def place(self) -> Place:
        start = self.at
        place = super().place()
        if place.kind != _FIELD and self.in_condition:
            self.fail("a condition is asked of the field by itself", start)
        if place.kind > _FIELD:
            self.fail("the number and the offset of a record are what they are", start)
        return place

    def pattern(self, word: str) -> str:
        if self.in_condition:
            return word or ("..." if self.rest().startswith("$") else "")
        return word.replace("X", ".") if word.replace("X", "").isdigit() else word


def parse_target(text: str) -> tuple[list[Place], Filter | None]:
    """Places to be changed, and a condition on their fields. Raises PathInvalid."""
    return _TargetParser(text).target()


def _balanced(kind: int, parts: list[bytes]) -> bytes:
    """A chain of the same operation, whose nesting grows with its logarithm only."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return bytes([kind]) + _balanced(kind, parts[:half]) + _balanced(kind, parts[half:])


def _among(path: bytes, texts: Collection[str], is_trimmed: bool) -> bytes:
    """Whether a value, or what of it stands between blanks, is one of many."""
    head = bytes([_AMONG]) + path + struct.pack("<BI", is_trimmed, len(texts))
    return head + b"".join(map(_text, texts))


def parse_columns(columns: Columns) -> list[Column]:
    """The columns of a text, of paths by name, or of paths that are their own names.

    Raises PathInvalid, which points at the character.
    """
    if isinstance(columns, str):
        found = _Parser(columns).columns()
    elif isinstance(columns, Mapping):
        found = [_one(path, str(name)) for name, path in columns.items()]
    else:
        found = [_one(path, None) for path in columns]
    if len(found) > _COLUMNS_MAX:
        raise errors.PathInvalid(f"there are more than {_COLUMNS_MAX} columns")
    names = [column.name for column in found]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise errors.PathInvalid(f"two columns are named {name!r}")
    return found


def _one(path: str, name: str | None) -> Column:
    parser = _Parser(path)
    column = parser.column(name)
    parser.done("a column")
    return column


def parse_filter(text: str) -> Filter:
    """A filter. Raises PathInvalid, which points at the character."""
    parser = _FilterParser(text)
    program = parser.filter()
    parser.done("a filter")
    return Filter(text, program, parser.patterns, parser.has_number, parser.has_offset)


def parse_paths(text: str) -> list[list[Place]]:
    """Paths with commas between. Raises PathInvalid."""
    parser = _Parser(text)
    found: list[list[Place]] = []
    while not found or parser.has(","):
        parser.skip()
        found.append(parser.path())
        parser.skip()
    parser.done("a path")
    return found


def filter_existing(places: list[Place]) -> Filter:
    """Records in which there is one of these places."""
    parts = [bytes([_EXISTS]) + _path([place]) for place in places]
    return Filter("", _balanced(_EITHER, parts), [])


def filter_any(filters: list[Filter]) -> Filter:
    """Records that one of these wants."""
    patterns = [pattern for one in filters for pattern in one.patterns]
    return Filter("", _balanced(_EITHER, [one.program for one in filters]), patterns)


def filter_among(paths: list[list[Place]], texts: Collection[str]) -> Filter:
    """Records where one of the paths leads to one of the texts, but for blanks around it."""
    parts = [_among(_path(places), texts, True) for places in paths]
    return Filter("(identifiers)", _balanced(_EITHER, parts), [])


def filter_matching(paths: list[list[Place]], pattern: str) -> Filter:
    """Records where one of the paths leads to a text that a regular expression is found in."""
    parts = [bytes([_MATCH]) + _path(places) + _text(pattern) for places in paths]
    patterns = [Pattern(pattern, pattern, range(len(pattern) + 1))] * len(paths)
    return Filter(pattern, _balanced(_EITHER, parts), patterns)


def plan_where(where: str | Filter | None) -> tuple[Plan | None, bool]:
    """A plan with nothing but a filter, and whether that asks for the number of a record."""
    if where is None:
        return None, False
    from ._arrow import Plan

    wanted = filter_of(where)
    return Plan(program_of([], wanted), wanted), wanted.has_number


def plan_of_all() -> Plan:
    """A plan that wants every record, and nothing of it."""
    from ._arrow import Plan

    return Plan(program_of([], None))


def filter_of(where: str | Filter) -> Filter:
    """A filter that may be written still. Raises PathInvalid."""
    return where if isinstance(where, Filter) else parse_filter(where)

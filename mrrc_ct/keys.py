"""Keys: what makes two records the same, and what they are sorted by.

A key is one path or several, in the language of docs/tables.md: `003, 001`, `020$a`,
`010$a, leader[6]`. Values are compared by what they are:

| path | is read as |
|---|---|
| `020$a` `$z`, `$z` of 760 to 787 | an ISBN: 13 digits, also where 10 are written |
| `022$a` `$l` `$m` `$y` `$z`, `$x` of 400 to 490, 760 to 787 and 800 to 830 | an ISSN |
| `010$a` `$z` | a Library of Congress control number, in its normalized form |
| `001`, `035$a` `$z`, `$w` of 760 to 787 | a number of OCLC's, if it says that it is one |
| anything else, and what is not what it should be | text, without the blanks around it |

To be the same, text need not be encoded the same: é is e with an accent (NFC). Bytes that are no
text are the same as nothing.
"""

from __future__ import annotations

import re
from itertools import product
from math import prod
from unicodedata import normalize

from ._numbers import check_11, check_13
from .errors import LimitError
from .paths import SEPARATOR, Column, Place, parse_columns

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Callable, Optional

    from .paths import Columns

    Reads = Callable[[str], Optional[str]]

#: The key unless told otherwise: whose number it is, and the number.
DEFAULT = "003, 001"
#: A record has no more keys than this.
KEYS_MAX = 4096
#: What stands for bytes that are no text.
_REPLACED = "\ufffd"
#: Behind each part of a key; a part that holds the first of them has something else behind it.
_END, _NUL, _NUL_KEPT = b"\0\0", b"\0", b"\0\xff"

# ---- identifiers

_ISBN = re.compile(r"\s*(?:ISBN(?:-1[03])?[:\s]*)?([0-9](?:[- \u2010-\u2015]?[0-9Xx]){8,})")
_HYPHENS = re.compile(r"[- \u2010-\u2015]")
_ISSN = re.compile(r"\s*(?:ISSN[:\s]*)?([0-9]{4})[- \u2010-\u2015]?([0-9]{3}[0-9Xx])(?![0-9])")
_WEIGHTS_13 = (1, 3) * 6
_LCCN = re.compile(r"[a-z]{0,3}[0-9]{8}|[a-z]{0,2}[0-9]{10}")
_OCLC = re.compile(
    r"\s*(?:\(\s*OCoLC\s*\)\s*(?:ocm|ocn|on)?|ocm|ocn|on)\s*0*([0-9]+)\s*", re.IGNORECASE
)
_NUMBER = re.compile(r"\s*([-+]?)([0-9]+)(?:\.([0-9]+))?")


def isbn(text: str) -> str | None:
    """The 13 digits of a valid ISBN, of 10 or 13; None where there is none at the beginning.

    Hyphens, blanks and what stands behind it (`(pbk.) :`) do not count.
    """
    found = _ISBN.match(text)
    if found is None:
        return None
    written = found[1]
    # What is behind a blank may be a part of it, or a price.
    for digits in (_HYPHENS.sub("", written), _HYPHENS.sub("", written.split(" ")[0])):
        digits = digits.upper()
        if len(digits) == 13 and digits[:3] in ("978", "979") and digits.isdecimal():
            if digits == digits[:12] + check_13(digits[:12]):
                return digits
        elif len(digits) == 10 and digits[:9].isdecimal() and check_11(digits[:9]) == digits[9]:
            return f"978{digits[:9]}{check_13('978' + digits[:9])}"
    return None


def issn(text: str) -> str | None:
    """The 8 characters of a valid ISSN; None where there is none at the beginning."""
    found = _ISSN.match(text)
    if found is None:
        return None
    digits = (found[1] + found[2]).upper()
    return digits if check_11(digits[:7]) == digits[7] else None


def lccn(text: str) -> str | None:
    """A Library of Congress control number in its normalized form; None for what is none.

    The rules are those of the library's "LCCN Namespace": `n78-89035` is n78089035, and
    ` 85000002 //r86` is 85000002.
    """
    found = text.replace(" ", "").partition("/")[0].lower()
    year, hyphen, serial = found.partition("-")
    if hyphen:
        if not 1 <= len(serial) <= 6:
            return None
        found = year + serial.zfill(6)
    return found if _LCCN.fullmatch(found) else None


def oclc(text: str) -> str | None:
    """A number of OCLC's as `(OCoLC)1234`; None for what does not say that it is one.

    It says so by `(OCoLC)` or by one of the prefixes ocm, ocn and on, or both. Zeros at its
    beginning do not count.
    """
    found = _OCLC.fullmatch(text)
    return f"(OCoLC){found[1]}" if found else None


def _reads_of(place: Place) -> Reads | None:
    """How the values at a place are read, None where they are just text."""
    tag, codes = place.tag, place.codes
    if place.is_sliced:
        return None
    if tag == "001":
        return oclc
    if len(codes) != 1:
        return None
    is_link = "760" <= tag <= "787"
    if (tag == "020" and codes in "az") or (is_link and codes == "z"):
        return isbn
    is_series = "400" <= tag <= "490" or "800" <= tag <= "830"
    if (tag == "022" and codes in "almyz") or ((is_link or is_series) and codes == "x"):
        return issn
    if tag == "010" and codes in "az":
        return lccn
    if (tag == "035" and codes in "az") or (is_link and codes == "w"):
        return oclc
    return None


def identifier(places: list[Place], text: str) -> str | None:
    """What a text at one of these places is as an identifier; None where it is just text."""
    for reads in dict.fromkeys(map(_reads_of, places)):
        found = reads(text) if reads else None
        if found is not None:
            return found
    return None


# ---- keys


class _Part:
    """One of the paths of a key."""

    def __init__(self, column: Column) -> None:
        self.name = column.name
        self.is_shown = column.is_of_values
        self._reads = list(filter(None, dict.fromkeys(map(_reads_of, column.places))))
        #: Between values that count together; None where any of them will do.
        self.separator: str | None = None
        #: What is compared where there is nothing.
        self.missing: list[str] = []

    def texts(self, value: Any) -> list[str]:
        """What is compared of a column's value: a list of texts, a text, a number or None."""
        if value is None:
            return self.missing
        values = value if value.__class__ is list else (value,)
        found = []
        for one in values:
            text = self._read(str(one)) if self._reads else str(one).strip()
            if text:
                found.append(text)
        if self.separator is not None and found:
            return [self.separator.join(found)]
        return found or self.missing

    def _read(self, text: str) -> str:
        for reads in self._reads:
            found = reads(text)
            if found is not None:
                return found
        return text.strip()


def _encoded(text: str) -> bytes:
    """A part of a key: in the order of the texts, whatever stands behind it."""
    data = text.encode()
    return (data.replace(_NUL, _NUL_KEPT) if _NUL in data else data) + _END


def _same(text: str) -> bytes | None:
    """A part of a key that is the same for texts that are; None for what is no text."""
    if not text.isascii():
        if _REPLACED in text:
            return None
        text = normalize("NFC", text)
    return _encoded(text)


class Key:
    """What makes two records the same.

    Of several paths all have to agree. Where a path has several values, as `020$a` often has, any
    of them will do: two records are the same if they have one in common, for each of the paths.
    `020$a:first` takes the first only, and with `020$a:join` all have to be the same, in their
    order. A record that lacks one of the paths has no key, and is the same as no other; but beside
    001 there may be no 003.
    """

    def __init__(self, paths: Columns = DEFAULT) -> None:
        """Raises PathInvalid for paths that are not written as they should be."""
        #: The columns that a record's keys are made of.
        self.columns = parse_columns(paths)
        self._parts = [_Part(column) for column in self.columns]
        for column, part in zip(self.columns, self._parts):
            if column.mode == "join":
                part.separator = column.separator
            if column.type == "text" and column.mode in ("only", "join") and column.is_of_fields:
                column.mode = "list"
        names = [column.text for column in self.columns]
        if "001" in names and "003" in names:
            self._parts[names.index("003")].missing = [""]

    def of(self, row: Iterable[Any]) -> list[bytes]:
        """The keys of a record, of the values in its columns: none, one, or any that will do.

        Raises LimitError for more than 4,096.
        """
        parts = []
        for part, value in zip(self._parts, row):
            texts = part.texts(value)
            if len(texts) > 1:
                texts = list(dict.fromkeys(texts))
            parts.append([key for key in map(_same, texts) if key is not None])
        if len(parts) == 1:
            return parts[0]
        if prod(map(len, parts)) > KEYS_MAX:
            raise LimitError(f"its values make more than {KEYS_MAX:,} keys: it is taken for none")
        return list(map(b"".join, product(*parts)))

    def shown(self, row: Iterable[Any]) -> str:
        """The key of a record for reading: `003 DLC, 001 12345`."""
        shown = []
        for part, value in zip(self._parts, row):
            texts = list(filter(None, part.texts(value)))
            if texts and part.is_shown:
                shown.append(f"{part.name} {SEPARATOR.join(texts)}")
        return ", ".join(shown)


class SortKey:
    """What records are sorted by: paths, the first counting most.

    Text is compared by code points, and where a path has several values the first one counts; what
    a type makes a number (`008[7:11]:int`), and with `numeric` everything that begins with one, is
    compared as a number. `reverse` puts the last first. What a record lacks, or is no number where
    there should be one, comes last either way.
    """

    def __init__(
        self, paths: Columns = DEFAULT, *, numeric: bool = False, reverse: bool = False
    ) -> None:
        """Raises PathInvalid for paths that are not written as they should be."""
        #: The columns that a record's key is made of.
        self.columns = parse_columns(paths)
        for column in self.columns:
            if column.mode == "list":
                column.mode = "first"
        self._parts = [_Part(column) for column in self.columns]
        self._is_numeric = [numeric or column.type == "int" for column in self.columns]
        self._is_reverse = reverse

    def of(self, row: Iterable[Any]) -> bytes:
        """The key of a record, of the values in its columns: in the order of the records."""
        key = b""
        for part, is_numeric, value in zip(self._parts, self._is_numeric, row):
            texts = part.texts(value)
            found = None
            if texts:
                found = _encoded_number(texts[0]) if is_numeric else _encoded(texts[0])
            if found is None:
                key += b"\2"
            else:
                key += b"\1" + (found.translate(_REVERSED) if self._is_reverse else found)
        return key


#: Bytes in the other order.
_REVERSED = bytes(range(255, -1, -1))


def _encoded_number(text: str) -> bytes | None:
    """The number that a text begins with, in the order of numbers; None without one."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    sign, whole, fraction = found.groups()
    whole, fraction = whole.lstrip("0"), (fraction or "").rstrip("0")
    size = len(whole).to_bytes(4, "big") + f"{whole}{fraction}".encode() + _NUL
    if sign == "-" and (whole or fraction):
        return b"\1" + size.translate(_REVERSED)
    return b"\2" + size

"""Whether numbers are what they should be: ISBN, ISSN, Library of Congress control number."""

from __future__ import annotations

import re
from itertools import cycle
from operator import mul

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Optional

    #: A code of validation.FAULTS and what is wrong in words, or None.
    Wrong = Optional[tuple[str, str]]

# What stands behind a number is a qualifier, a price, punctuation.
_ISBN = re.compile(r"\s*([0-9-]*[0-9Xx])(?![0-9A-Za-z-])")
_ISSN = re.compile(r"\s*([0-9]{4})-([0-9]{3}[0-9Xx])(?![0-9A-Za-z-])")
#: Structure A, up to 2000, has a year of two digits, a supplement number and suffixes; B has none.
_LCCN_A = re.compile(r"(?=[a-z]* *[0-9])[a-z ]{3}[0-9]{8}[0-9 ](?: *|/.*)")
_LCCN_B = re.compile(r"(?=[a-z]* *[0-9])[a-z ]{2}2[0-9]{9} *")
#: Prefixes of an ISBN with thirteen digits.
_BOOKLAND = ("978", "979")


def isbn_wrong(text: str) -> Wrong:
    """What is wrong with an ISBN of ten or thirteen digits, hyphens or not (ISO 2108)."""
    match = _ISBN.match(text)
    number = match[1].replace("-", "").upper() if match else ""
    if len(number) == 10 and "X" not in number[:9]:
        is_right = number[9] == check_11(number[:9])
    elif len(number) == 13 and number.isdigit() and number.startswith(_BOOKLAND):
        is_right = number[12] == check_13(number[:12])
    else:
        return "isbn-invalid", "is no ISBN"
    return None if is_right else ("isbn-check-digit", "has a wrong check digit")


def issn_wrong(text: str) -> Wrong:
    """What is wrong with an ISSN, whose hyphen is part of it (ISO 3297)."""
    match = _ISSN.match(text)
    if match is None:
        return "issn-invalid", "is no ISSN"
    number = (match[1] + match[2]).upper()
    if number[7] != check_11(number[:7]):
        return "issn-check-digit", "has a wrong check digit"
    return None


def lccn_wrong(text: str) -> Wrong:
    """What is wrong with a Library of Congress control number (field 010, "LCCN structure")."""
    if _LCCN_A.fullmatch(text) or _LCCN_B.fullmatch(text):
        return None
    return "lccn-invalid", "does not have the structure of an LCCN"


def check_11(digits: str) -> str:
    """The check digit behind the first 9 of an ISBN or 7 of an ISSN: modulo 11."""
    return "0123456789X"[-sum(map(mul, range(len(digits) + 1, 1, -1), map(int, digits))) % 11]


def check_13(digits: str) -> str:
    """The check digit behind the first 12 of an ISBN (EAN-13)."""
    return str(-sum(map(mul, cycle((1, 3)), map(int, digits))) % 10)


#: The subfields $a that hold such numbers.
NUMBERS: dict[str, Callable[[str], Wrong]] = {
    "010": lccn_wrong,
    "020": isbn_wrong,
    "022": issn_wrong,
}

"""What a bibliographic record says: title, author, numbers, groups of fields.

Functions of any record. `Record` has them as methods, pymarc's `Record` as properties. None where
the record has no such field, or the field no such subfield.
"""

from __future__ import annotations

from .base import BaseRecord
from .field import Field

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .base import F


def _set(tags: str) -> frozenset[str]:
    return frozenset(tags.split())


_ISBN = frozenset("0123456789-xX")
_SERIES = _set("440 490 800 810 811 830")
_SUBJECTS = _set("600 610 611 630 648 650 651 653 654 655 656 657 658 662 690 691 696 697 698 699")
_ADDED_ENTRIES = _set("700 710 711 720 730 740 752 753 754 790 791 792 793 796 797 798 799")
_NOTES = _set(
    "500 501 502 504 505 506 507 508 510 511 513 514 515 516 518 520 521 522 524 525 526 530 533 "
    "534 535 536 538 540 541 544 545 546 547 550 552 555 556 561 562 563 565 567 580 581 583 584 "
    "585 586 590 591 592 593 594 595 596 597 598 599"
)


def _formatted(record: BaseRecord[Any], *tags: str) -> str | None:
    """The first field with the first of these tags that is there, formatted."""
    for tag in tags:
        field: Any = record._peek(tag)
        if field.__class__ is str:
            field = record._made(tag, field)
        if field is not None:
            return field.format_field()  # type: ignore[no-any-return]
    return None


def title(record: BaseRecord[Any]) -> str | None:
    """The title with its remainder, 245 $a and $b."""
    return record._answer("245ab")


def issn_title(record: BaseRecord[Any]) -> str | None:
    """The key title, 222 $a and $b."""
    return record._answer("222ab")


def author(record: BaseRecord[Any]) -> str | None:
    """The main entry: the first of 100, 110 and 111, formatted."""
    return _formatted(record, "100", "110", "111")


def uniform_title(record: BaseRecord[Any]) -> str | None:
    """The uniform title: 130 or else 240, formatted."""
    return _formatted(record, "130", "240")


def isbn(record: BaseRecord[Any]) -> str | None:
    """The ISBN in the first 020 $a, without hyphens and what follows it."""
    text = record._answer("020a") or ""
    start = next((at for at, letter in enumerate(text) if letter in _ISBN), len(text))
    end = next((at for at in range(start, len(text)) if text[at] not in _ISBN), len(text))
    return text[start:end].replace("-", "") if end > start else None


def issn(record: BaseRecord[Any]) -> str | None:
    """The ISSN, 022 $a."""
    return record._answer("022a")


def issnl(record: BaseRecord[Any]) -> str | None:
    """The linking ISSN, 022 $l."""
    return record._answer("022l")


def sudoc(record: BaseRecord[Any]) -> str | None:
    """The Superintendent of Documents number, 086, formatted."""
    return _formatted(record, "086")


def series(record: BaseRecord[F]) -> list[F]:
    """Series statements and added entries: 440, 490, 800, 810, 811, 830."""
    return record._with_tags(_SERIES)


def subjects(record: BaseRecord[F]) -> list[F]:
    """Subject fields: those of 6XX, local ones (69X) with them."""
    return record._with_tags(_SUBJECTS)


def added_entries(record: BaseRecord[F]) -> list[F]:
    """Added entries: those of 70X to 75X, local ones (79X) with them."""
    return record._with_tags(_ADDED_ENTRIES)


def notes(record: BaseRecord[F]) -> list[F]:
    """Notes: the fields of 5XX."""
    return record._with_tags(_NOTES)


def location(record: BaseRecord[F]) -> list[F]:
    """Locations: the fields 852."""
    return record.get_fields("852")


def physical_description(record: BaseRecord[F]) -> list[F]:
    """Physical descriptions: the fields 300."""
    return record.get_fields("300")


def _imprint(record: BaseRecord[Any], code: str) -> str | None:
    field: Field
    for field in record.get_fields("260", "264"):
        if field.tag == "260" or field.indicator2 == "1":
            return field.get(code)
    return None


def publisher(record: BaseRecord[Any]) -> str | None:
    """The publisher: $b of the first 260, or 264 with second indicator 1."""
    return _imprint(record, "b")


def pubyear(record: BaseRecord[Any]) -> str | None:
    """The date of publication as written, $c of the field that `publisher` looks at."""
    return _imprint(record, "c")

"""pymarc's `Leader`: the package's own, with pymarc's exceptions."""

from __future__ import annotations

from .. import leader as native
from .exceptions import BadLeaderValue, RecordLeaderInvalid


class Leader(native.Leader):
    """A record's leader (MARC 21 Format, Leader), which can be changed in place.

    Positions count characters from 0, and have names. Two leaders are equal when they are the same
    object. Raises RecordLeaderInvalid and BadLeaderValue.
    """

    __slots__ = ()

    _invalid = RecordLeaderInvalid
    _bad_value = BadLeaderValue

    def __init__(self, leader: str) -> None:
        """Take the 24 characters."""
        super().__init__(leader)

    __eq__ = object.__eq__
    __hash__ = object.__hash__  # type: ignore[assignment]

"""The leader: 24 characters that say how a record is built and what it describes."""

from __future__ import annotations

from .errors import BadLeaderValue, RecordLeaderInvalid

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


LEADER_LEN = 24


class _Part:
    """A run of positions of the leader, read and written by name."""

    def __init__(self, start: int, end: int, text: str) -> None:
        self.start = start
        self.end = end
        self.__doc__ = text

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else instance.leader[self.start : self.end]

    def __set__(self, instance: Leader, value: str) -> None:
        length = self.end - self.start
        if len(value) != length:
            raise instance._bad_value(
                f"{self.name} takes {length} character{'s' if length > 1 else ''}, not {value!r}"
            )
        instance[self.start] = value


class Leader:
    """A record's leader (MARC 21 Format, Leader), which can be changed in place.

    Positions count characters from 0. They can be read and written by number or slice
    (`leader[6]`, `leader[5:8]`) and by the names below. Lengths and the base address are computed
    when a record is written; what they say until then is not used.
    """

    __slots__ = ("leader",)

    # pymarc's leader raises exceptions of its own.
    _invalid: type[Exception] = RecordLeaderInvalid
    _bad_value: type[Exception] = BadLeaderValue

    def __init__(self, leader: str = "00000nam a2200000   4500") -> None:
        """Take the 24 characters. Raises RecordLeaderInvalid for any other number of them."""
        leader = str(leader)
        if len(leader) != LEADER_LEN:
            raise self._invalid(
                f"a leader has 24 characters, this one has {len(leader)}: {leader!r}"
            )
        self.leader = leader

    record_length = _Part(0, 5, "Record length (00-04), in bytes.")
    record_status = _Part(5, 6, "Record status (05).")
    type_of_record = _Part(6, 7, "Type of record (06).")
    bibliographic_level = _Part(7, 8, "Bibliographic level (07).")
    type_of_control = _Part(8, 9, "Type of control (08).")
    coding_scheme = _Part(9, 10, "Character coding scheme (09): blank for MARC-8, a for Unicode.")
    indicator_count = _Part(10, 11, "Indicator count (10).")
    subfield_code_count = _Part(11, 12, "Subfield code count (11).")
    base_address = _Part(12, 17, "Base address of data (12-16), in bytes.")
    encoding_level = _Part(17, 18, "Encoding level (17).")
    cataloging_form = _Part(18, 19, "Descriptive cataloging form (18).")
    multipart_ressource = _Part(
        19, 20, "Multipart resource record level (19), as pymarc spells it."
    )
    length_of_field_length = _Part(20, 21, "Length of the length-of-field portion (20).")
    starting_character_position_length = _Part(
        21, 22, "Length of the starting-character-position portion (21)."
    )
    implementation_defined_length = _Part(
        22, 23, "Length of the implementation-defined portion (22)."
    )

    def valid_values(self, part: str | int) -> dict[str, str]:
        """The values that the standard defines for a position or a named part, with their labels.

        Which those are depends on the format that leader/06 belongs to. Empty for lengths, which
        are numbers. Raises AttributeError for a name and IndexError for a position there is not.
        """
        # Imported when it is asked for: hardly any program needs the tables.
        from .leader_values import values_for

        position = part if isinstance(part, int) else getattr(type(self), part).start
        if not 0 <= position < LEADER_LEN:
            raise IndexError(f"a leader has positions 0 to 23, not {position}")
        return dict(values_for(self.leader[6], position))

    def describe(self, part: str | int) -> str | None:
        """The standard's label for the value of a position or a named part, None without one.

            leader.describe("type_of_record")  # "Language material"

        Raises as `valid_values`.
        """
        position = part if isinstance(part, int) else getattr(type(self), part).start
        return self.valid_values(part).get(self.leader[position])

    def problems(self) -> list[str]:
        """What in the leader is not as the standard has it, a line each; empty for a sound one."""
        found = []
        for position in range(LEADER_LEN):
            values = self.valid_values(position)
            value = self.leader[position]
            if values and value not in values:
                expected = ", ".join([repr(one) for one in sorted(values)])
                found.append(f"leader/{position:02} is {value!r}, not one of {expected}")
            elif not values and not value.isdigit():
                found.append(f"leader/{position:02} is {value!r}, not a digit")
        return found

    def __getitem__(self, item: str | int | slice) -> str:
        """Characters by position or slice, or a part by its name."""
        if isinstance(item, str):
            return str(getattr(self, item))
        return self.leader[item]

    def __setitem__(self, item: str | int | slice, value: str) -> None:
        """Write `value` from a position (or a slice's start) on, or to a part by its name.

        Raises IndexError for a negative position, BadLeaderValue for text that goes past the end.
        """
        if isinstance(item, str):
            setattr(self, item, value)
            return
        start = item.start or 0 if isinstance(item, slice) else item
        if start < 0:
            raise IndexError("positions of the leader count from its start")
        end = start + len(value)
        if end > LEADER_LEN:
            raise self._bad_value(f"{value!r} does not fit into the leader at {start}")
        self.leader = self.leader[:start] + value + self.leader[end:]

    def __str__(self) -> str:
        return self.leader

    def __repr__(self) -> str:
        return f"Leader({self.leader!r})"

    def __len__(self) -> int:
        return LEADER_LEN

    def __eq__(self, other: object) -> bool:
        if isinstance(other, (Leader, str)):
            return self.leader == str(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it can be changed in place

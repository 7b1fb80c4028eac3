"""What `_core` does otherwise on PyPy."""

from __future__ import annotations

from ._core import RECORD_BYTES_MAX, Buffer, _assemble, _replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

#: Rooms for a record that nobody uses now.
_rooms: list[Buffer] = []


def _in_a_room(call: Callable[..., bytes | None], *arguments: object) -> bytes | None:
    # What a call has written becomes bytes after it, and others may run between: threads, handlers
    # of signals, finalizers. So each call has a room that is nobody else's meanwhile.
    try:
        room = _rooms.pop()
    except IndexError:
        room = Buffer(RECORD_BYTES_MAX + 1)
    try:
        return call(*arguments, room.address)
    finally:
        _rooms.append(room)


def assemble(flat: bytes) -> bytes | None:
    """A record in the flat form as ISO 2709; None where it has no such form."""
    return _in_a_room(_assemble, flat, len(flat))


def replace(record: bytes, changes: bytes) -> bytes | None:
    """A record in ISO 2709 with other contents of some fields; or None."""
    return _in_a_room(_replace, record, len(record), changes, len(changes))


def take_apart(flat: bytes, records: int, known: list[str]) -> list[bytes] | None:
    """None: that cannot be used. Fields would find their place by the identity of their value.

    PyPy has just one text of each single character, and promises none for longer ones.
    """
    return None

"""What `_core` does otherwise on PyPy.

There ctypes copies bytes and views one character at a time, and no call keeps the GIL. What cffi is
built on, which is always there, does not copy them, and keeps them where they are.
"""

from __future__ import annotations

import ctypes

import _cffi_backend as cffi

from . import _bindings as c
from ._core import RECORD_BYTES_MAX, Buffer, _holding, _library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_POINTER = cffi.new_pointer_type(cffi.new_primitive_type("char"))
_CHARACTERS = cffi.new_array_type(_POINTER, None)
_NUMBER = cffi.new_primitive_type("uintptr_t")


def pinned(data: bytes) -> tuple[object, int]:
    """The address of bytes. They stay there as long as the object that comes with it is there."""
    pin = cffi.from_buffer(_CHARACTERS, data)
    return pin, int(cffi.cast(_NUMBER, pin))


class Address(ctypes.c_void_p):
    """A parameter for an address, or bytes, which are not copied."""

    pin: object

    @classmethod
    def from_param(cls, value: Any) -> Any:
        if not isinstance(value, bytes):
            return ctypes.c_void_p.from_param(value)
        pin, address = pinned(value)
        parameter = cls(address)
        parameter.pin = pin
        return parameter


for _one in (_library, _holding):
    for _name, _function in vars(_one).items():
        if _name.startswith("mrrc_"):
            _function.argtypes = [
                Address if kind in (ctypes.c_void_p, c.Bytes) else kind
                for kind in _function.argtypes
            ]


def memory_of(address: int | None, length: int) -> memoryview:
    """So many bytes of the core's memory."""
    if not length or not address:
        return memoryview(b"")
    return memoryview(cffi.buffer(cffi.cast(_POINTER, address), length))


#: Rooms for a record that nobody uses now.
_rooms: list[Buffer] = []


def _in_a_room(call: Callable[[int], bytes | None]) -> bytes | None:
    # What a call has written becomes bytes after it, and others may run between: threads, handlers
    # of signals, finalizers. So each call has a room that is nobody else's meanwhile.
    try:
        room = _rooms.pop()
    except IndexError:
        room = Buffer(RECORD_BYTES_MAX + 1)
    try:
        return call(room.address)
    finally:
        _rooms.append(room)


def assemble(flat: bytes) -> bytes | None:
    """A record in the flat form as ISO 2709; None where it has no such form."""
    length = len(flat)
    if length > RECORD_BYTES_MAX:
        return None
    return _in_a_room(lambda room: _holding.mrrc_assemble(flat, length, room))


def replace(record: bytes, changes: bytes) -> bytes | None:
    """A record in ISO 2709 with other contents of some fields; or None."""
    # Nobody says that there is a NUL behind bytes, as CPython does.
    record, changes = record + b"\0", changes + b"\0"
    return _in_a_room(lambda room: _holding.mrrc_replace(room, record, changes))


def join(parts: bytes, fields: int, delimiters: int, is_flat: int) -> bytes | None:
    """A record from its parts, see `mrrc_join`; or None."""
    parts += b"\0"
    return _in_a_room(lambda room: _holding.mrrc_join(room, parts, fields, delimiters, is_flat))


def take_apart(flat: bytes, records: int, known: list[str]) -> list[bytes] | None:
    """None: that cannot be used. Fields would find their place by the identity of their value.

    PyPy has just one text of each single character, and promises none for longer ones.
    """
    return None

"""Plans and tables of the core, and Arrow's C structures in Python's capsules.

With `_core` the only module that uses ctypes. The structures are the core's (`zig/arrow.zig`), and
so is what frees them: a batch outlives everything here. Only a stream calls back into Python, once
a batch.
"""

from __future__ import annotations

import atexit
import ctypes
import sys
from itertools import count

from . import _bindings as c
from . import errors
from ._core import _fail, _library, memory_of

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Protocol

    from .paths import Filter

    class Batches(Protocol):
        """What a stream takes its batches from."""

        def next_to(self, array: int) -> None:
            """Move the next batch to a struct ArrowArray; nothing at the end."""

        def close(self) -> None:
            """Be done."""


class Plan:
    """What is wanted of records, as the core has it."""

    __slots__ = ("handle",)

    def __init__(self, program: bytes, where: Filter | None = None) -> None:
        """Make a plan. Raises PathInvalid for a regular expression that cannot be read."""
        self.handle: int | None = None
        failure = c.PlanFailure()
        handle = ctypes.c_void_p()
        status = _library.mrrc_plan_create(program, len(program), failure, handle)
        if status == c.Status.INVALID_ARGUMENT and where is not None:
            if not failure.length:
                raise errors.PathInvalid("the filter is nested too deeply", text=where.text)
            message = ctypes.string_at(failure.message or 0, failure.length).decode()
            one = where.patterns[failure.expression]
            before = one.pattern.encode()[: failure.offset].decode(errors="ignore")
            raise errors.PathInvalid(
                f"this regular expression cannot be read: {message}",
                text=one.text,
                position=one.places[len(before)],
            )
        if status < 0:
            _fail(status)
        self.handle = handle.value

    def __del__(self, destroy: Callable[..., None] = _library.mrrc_plan_destroy) -> None:
        if getattr(self, "handle", None):
            destroy(self.handle)
            self.handle = None


class Table:
    """Rows that become batches or text."""

    __slots__ = ("_added", "_handle", "_output", "consumed")

    def __init__(self, plan: Plan) -> None:
        self._handle: int | None = None
        handle = ctypes.c_void_p()
        status = _library.mrrc_table_create(plan.handle, handle)
        if status < 0:
            _fail(status)
        self._handle = handle.value
        self._added = c.Added()
        self._output = c.Output()
        #: Bytes of the rows that the last call added.
        self.consumed = 0

    def __del__(self, destroy: Callable[..., None] = _library.mrrc_table_destroy) -> None:
        if getattr(self, "_handle", None):
            destroy(self._handle)
            self._handle = None

    def add(self, rows: memoryview, before: int, limit: int, is_strict: bool) -> int:
        """Add rows, up to `limit` in the batch: a Status. See mrrc_table_add."""
        flags = c.STRICT if is_strict else 0
        address, length = _address_of(rows)
        status: int = _library.mrrc_table_add(
            self._handle, address, length, before, limit, flags, self._added
        )
        if status < 0:
            _fail(status)
        self.consumed = self._added.consumed
        return status

    @property
    def rows(self) -> int:
        """How many the batch has."""
        return int(self._added.rows)

    @property
    def repeated(self) -> tuple[int, int, int]:
        """Of a value that is repeated the column, and number and offset of the record."""
        return self._added.column, self._added.number, self._added.offset

    def take(self, array: int) -> None:
        """Move the batch to a struct ArrowArray."""
        status = _library.mrrc_table_take(self._handle, array)
        if status < 0:
            _fail(status)
        self._added.rows = 0

    def text(
        self, form: int, rows: memoryview, before: int, separator: str, is_strict: bool
    ) -> tuple[int, memoryview]:
        """Rows as text, in the core's memory: good until the next call. And a Status, as `add`."""
        flags = c.STRICT if is_strict else 0
        address, length = _address_of(rows)
        status: int = _library.mrrc_table_text(
            self._handle,
            form,
            address,
            length,
            before,
            ord(separator),
            flags,
            self._added,
            self._output,
        )
        if status < 0:
            _fail(status)
        return status, memory_of(self._output.bytes, self._output.length)

    def tally(self, column: int) -> tuple[int, int]:
        """Records with more than one value in a column that has one, and values that are unfit."""
        tally = c.Tally()
        _library.mrrc_table_tally(self._handle, column, tally)
        return tally.repeated, tally.unread


def _address_of(rows: memoryview) -> tuple[int | None, int]:
    """Where the core's memory is that a view looks at."""
    if not len(rows):
        return None, 0
    return ctypes.addressof(ctypes.c_char.from_buffer(rows)), len(rows)


# ---- capsules


def _obstacle() -> str:
    """Why no capsules can be made here; nothing where they can."""
    if not hasattr(ctypes, "pythonapi"):
        return f"{sys.implementation.name} does not have the C interface of CPython's"
    current, main = (
        ctypes.PYFUNCTYPE(ctypes.c_void_p)((name, ctypes.pythonapi))()
        for name in ("PyInterpreterState_Get", "PyInterpreterState_Main")
    )
    # PyGILState_Ensure, by which a stream comes back to Python, knows no other.
    return "" if current == main else "this is not Python's main interpreter"


_OBSTACLE = _obstacle()


def _check_capsules() -> None:
    if _OBSTACLE:
        raise NotImplementedError(
            f"there are no tables of Arrow's here: {_OBSTACLE}. Rows come by iterating, and to_csv "
            "and to_jsonl write them"
        )


def _capsule(structure: int | None, name: bytes, destroy: Any) -> object:
    return _new_capsule(structure, name, ctypes.cast(destroy, ctypes.c_void_p))


def schema_capsule(plan: Plan) -> object:
    """The schema of a plan's batches, as `__arrow_c_schema__` gives it.

    Raises NotImplementedError where Python has no capsules, or none that are safe.
    """
    _check_capsules()
    schema = ctypes.c_void_p()
    status = _library.mrrc_arrow_schema(plan.handle, schema)
    if status < 0:
        _fail(status)
    return _capsule(schema.value, b"arrow_schema", _library.mrrc_arrow_destroy_schema)


# ---- streams

_numbers = count(1)
#: What streams take their batches from, by the numbers that the core knows them by.
_streams: dict[int, Batches] = {}
_MESSAGE_BYTES = 1024
_EIO, _EINTR, _ENOMEM = 5, 4, 12


@ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p)  # type: ignore[untyped-decorator]
def _pull(number: int, array: int, message: int) -> int:
    try:
        _streams[number].next_to(array)
        return 0
    except BaseException as error:  # it cannot go through the core
        told = (
            str(error)
            if isinstance(error, errors.MarcError)
            else f"{type(error).__name__}: {error}"
        )
        whole = told.encode(errors="replace")[: _MESSAGE_BYTES - 1]
        # No character is cut in two.
        text = whole.decode(errors="ignore").encode() + b"\0"
        ctypes.memmove(message, text, len(text))
        if isinstance(error, MemoryError):
            return _ENOMEM
        return _EINTR if isinstance(error, KeyboardInterrupt) else _EIO


@ctypes.CFUNCTYPE(None, ctypes.c_uint64)  # type: ignore[untyped-decorator]
def _drop(number: int) -> None:
    batches = _streams.pop(number, None)
    if batches is not None:
        batches.close()


if not _OBSTACLE:
    # With prototypes of its own: those of `ctypes.pythonapi` are everybody's.
    _new_capsule = ctypes.PYFUNCTYPE(
        ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p
    )(("PyCapsule_New", ctypes.pythonapi))
    _keep = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", ctypes.pythonapi))
    # A capsule or a stream may go while an exception is on its way, when no code of Python's can
    # run: the core is called then, and puts it aside.
    _library.mrrc_arrow_python(
        *(
            ctypes.cast(ctypes.PYFUNCTYPE(None)((name, ctypes.pythonapi)), ctypes.c_void_p)
            for name in (
                "PyGILState_Ensure",
                "PyGILState_Release",
                "PyCapsule_GetPointer",
                "PyErr_Fetch",
                "PyErr_Restore",
            )
        )
    )
    # At the end the streams that are still there must not call what is no more.
    atexit.register(_library.mrrc_arrow_end)
    for _one in (_pull, _drop):
        _keep(_one)


def stream_capsule(plan: Plan, begin: Callable[[], Batches]) -> object:
    """A stream of the batches that `begin` gives, as `__arrow_c_stream__` gives it.

    It closes them when it is released. Raises NotImplementedError as `schema_capsule` does.
    """
    _check_capsules()
    number = next(_numbers)
    stream = ctypes.c_void_p()
    pull, drop = (ctypes.cast(one, ctypes.c_void_p) for one in (_pull, _drop))
    _streams[number] = begin()
    status = _library.mrrc_arrow_stream(plan.handle, number, pull, drop, stream)
    if status < 0:
        del _streams[number]
        _fail(status)
    return _capsule(stream.value, b"arrow_array_stream", _library.mrrc_arrow_destroy_stream)

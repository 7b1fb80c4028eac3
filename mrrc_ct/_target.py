"""Where bytes go to: a path, packed if its name says so, or a binary file object."""

from __future__ import annotations

import io
import os
from importlib import import_module

from ._source import compression_of, raise_os_error
from .errors import SourceError

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Union

    #: What can be written to: a path, or a binary file object.
    TargetLike = Union[str, os.PathLike[str], IO[bytes]]


class Target:
    """A place that bytes are written to."""

    __slots__ = ("_file", "_is_own", "name")

    def __init__(self, target: TargetLike) -> None:
        """Open a path, or take a binary file object. Raises SourceError, or TypeError."""
        if isinstance(target, (str, os.PathLike)):
            self.name = os.fspath(target)
            self._is_own = True
            self._file = self._open(self.name)
            return
        if not hasattr(target, "write"):
            raise TypeError(
                f"a path or a binary file object was expected, not {type(target).__name__}"
            )
        name = getattr(target, "name", None)
        self.name = name if isinstance(name, str) else f"<{type(target).__name__}>"
        self._is_own = False
        self._file = target

    def _open(self, path: str) -> Any:
        module = compression_of(path)
        try:
            if module is not None:
                return import_module(module).open(path, "wb")
            return open(path, "wb", buffering=0)
        except OSError as error:
            raise_os_error(error, path, "write to")

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it."""
        # A file object of unknown making may keep what it is given; the core's memory changes.
        view = memoryview(data if isinstance(self._file, io.IOBase) else bytes(data))
        is_raw = isinstance(self._file, io.RawIOBase)
        try:
            while len(view):
                written = self._file.write(view)
                if written == 0 or (written is None and is_raw):
                    raise SourceError("cannot write to: the file takes nothing", source=self.name)
                # A file object that does not say has taken everything.
                view = view[len(view) if written is None else written :]
        except SourceError:
            raise
        except OSError as error:
            raise_os_error(error, self.name, "write to")

    def flush(self) -> None:
        """Pass on what a file object of the user's may hold back."""
        flush = getattr(self._file, "flush", None)
        if flush is not None:
            try:
                flush()
            except OSError as error:
                raise_os_error(error, self.name, "write to")

    def close(self) -> None:
        """Close the file if it was opened here."""
        if self._is_own:
            try:
                self._file.close()
            except OSError as error:
                raise_os_error(error, self.name, "write to")

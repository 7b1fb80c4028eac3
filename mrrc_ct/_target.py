"""Where bytes go to: a path, packed if its name says so, or a binary file object.

What is at a path is replaced as a whole or not at all: the bytes go to a temporary file beside it,
which takes its place when everything is there. docs/design.md has the reasons.
"""

from __future__ import annotations

import io
import os
import stat
from types import TracebackType

from ._source import compression_of, raise_os_error
from .errors import SourceError, WriterClosed

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Callable, Union

    #: What can be written to: a path, or a binary file object.
    TargetLike = Union[str, os.PathLike[str], IO[bytes]]

#: So much of a file's name is in that of the temporary file: names have 255 bytes at most.
STEM_LENGTH = 50
#: The access control list of a file, as Linux keeps it.
ACL = "system.posix_acl_access"
_BINARY = getattr(os, "O_BINARY", 0)


def open_target(target: TargetLike) -> Target:
    """What writes to a path or a binary file object. Raises SourceError, or TypeError."""
    if isinstance(target, (str, os.PathLike)):
        return PathTarget(os.fspath(target))
    return Target(target)


class Target:
    """A file object of the user's that bytes are written to. It stays open."""

    __slots__ = ("_file", "name")

    def __init__(self, file: Any) -> None:
        """Write to `file`. Raises TypeError for what is none."""
        if not hasattr(file, "write"):
            raise TypeError(
                f"a path or a binary file object was expected, not {type(file).__name__}"
            )
        name = getattr(file, "name", None)
        self.name = name if isinstance(name, str) else f"<{type(file).__name__}>"
        self._file = file

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it. Raises SourceError."""
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
        """Pass on what the file object may hold back. Raises SourceError."""
        flush = getattr(self._file, "flush", None)
        if flush is not None:
            try:
                flush()
            except OSError as error:
                raise_os_error(error, self.name, "write to")

    def close(self) -> None:
        """Pass on what the file object may hold back. Raises SourceError."""
        self.flush()

    def discard(self) -> None:
        """Give up: what the file object has taken cannot be taken back."""

    def __enter__(self) -> Target:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()


class PathTarget(Target):
    """What is at a path: a regular file is replaced, a device or FIFO written to in place.

    It holds nothing with a finalizer of its own: in a cycle that is collected such would be closed
    before or behind this, as chance has it.
    """

    __slots__ = (
        "_descriptor",
        "_is_broken",
        "_is_resting",
        "_packer",
        "_path",
        "_process",
        "_temporary",
        "is_completed_unclosed",
        "parts",
    )

    def __init__(self, path: str) -> None:
        """Open what is there, or make a temporary file beside it. Raises SourceError."""
        self.name = path
        #: What the next `flush` writes.
        self.parts: list[bytes] = []
        self._descriptor = -1
        self._temporary: str | None = None
        self._path = path
        self._process = os.getpid()
        #: A write has failed or was interrupted: nobody knows what is there of it.
        self._is_broken = False
        #: The file is closed until the next write.
        self._is_resting = False
        #: Whether what nobody has closed is completed when it is collected, with a ResourceWarning.
        self.is_completed_unclosed = False
        self._packer = _packer_of(path)
        try:
            self._open()
        except SourceError:
            raise
        except OSError as error:
            raise_os_error(error, path, "write to")

    def _open(self) -> None:
        inherited = _descriptor_named(self.name)
        if inherited is not None:
            self._descriptor = os.dup(inherited)
            return
        old = None
        try:
            # Nothing is truncated, and whoever may not write to a file does not replace it.
            descriptor = os.open(self.name, os.O_WRONLY | _BINARY)
        except FileNotFoundError:
            if os.path.basename(self.name) in ("", ".", ".."):
                raise
        else:
            self._descriptor = descriptor
            old = os.fstat(descriptor)
            if not stat.S_ISREG(old.st_mode):
                return
            self._close_descriptor()
        # Where a symbolic link leads to, even if nothing is there yet.
        self._path = os.path.realpath(self.name)
        directory, name = os.path.split(self._path)
        temporary = os.path.join(directory, f".{name[:STEM_LENGTH]}.mrrc-ct-{os.urandom(8).hex()}")
        try:
            # A new file has the mode that the umask and the directory give it.
            mode = 0o666 if old is None else 0o600
            self._descriptor = os.open(
                temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode
            )
            self._temporary = temporary
            if old is not None:
                _take_after(self._descriptor, old, self._path)
        except OSError as error:
            if old is None:
                raise
            raise_os_error(error, self.name, "make a temporary file beside it")
        except BaseException:
            self._temporary = temporary
            self.discard()
            raise

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it. Raises SourceError; WriterClosed in a process that was forked off."""
        self._check()
        self._is_broken = True
        self._put(data)
        self._is_broken = False

    def flush(self) -> None:
        """Write what waits. Raises as `write`. What a packer holds back stays there."""
        self._check()
        if self.parts:
            self._is_broken = True
            data = b"".join(self.parts)
            self.parts.clear()
            self._put(data)
            self._is_broken = False

    def rest(self) -> None:
        """Write what waits, and hold nothing open until the next write. Raises as `write`.

        Only a file that is to be replaced can be opened again where it was left off.
        """
        self.flush()
        if self._temporary is None or self._is_resting:
            return
        try:
            if self._packer is not None:
                self._write_all(self._packer.flush())
                self._packer = None  # what comes next is packed by itself
            self._close_descriptor()
        except OSError as error:
            raise_os_error(error, self.name, "write to")
        self._is_resting = True

    def _wake(self) -> None:
        if self._is_resting:
            assert self._temporary is not None
            self._descriptor = os.open(self._temporary, os.O_WRONLY | os.O_APPEND | _BINARY)
            self._is_resting = False

    def _check(self) -> None:
        if self.is_foreign():
            raise WriterClosed("what is written was opened by another process", source=self.name)
        if self._is_broken:
            raise SourceError(
                "cannot write to: a write before has failed or was interrupted", source=self.name
            )

    def _put(self, data: bytes | memoryview) -> None:
        try:
            if self._is_resting:
                self._wake()
                self._packer = _packer_of(self.name)
            self._write_all(data if self._packer is None else self._packer.compress(data))
        except OSError as error:
            raise_os_error(error, self.name, "write to")

    def _write_all(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while len(view):
            written = os.write(self._descriptor, view)
            if written == 0:
                raise SourceError("cannot write to: the file takes nothing", source=self.name)
            view = view[written:]

    def close(self) -> None:
        """Write what waits and put the file in its place.

        Raises as `write`, and then what was there before is there still.
        """
        if self._descriptor < 0 and not self._is_resting:
            return
        try:
            self._complete()
        except BaseException:
            self.discard()
            raise

    def _complete(self) -> None:
        self.flush()
        try:
            self._wake()
            if self._packer is not None:
                self._write_all(self._packer.flush())
            if self._temporary is not None:
                os.fsync(self._descriptor)
            self._close_descriptor()
        except OSError as error:
            raise_os_error(error, self.name, "write to")
        if self._temporary is not None:
            try:
                os.replace(self._temporary, self._path)
            except OSError as error:
                raise_os_error(error, self.name, "replace")

    def discard(self) -> None:
        """Give up: what was there before stays. What a device or FIFO has taken is gone."""
        self._is_broken = True
        self._is_resting = False
        self.parts.clear()
        _is_done(self._close_descriptor)
        if self._temporary is not None and not self.is_foreign():
            _is_done(os.unlink, self._temporary)
        self._temporary = None

    def _close_descriptor(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def is_foreign(self) -> bool:
        """Whether this is a copy, in a process that was forked off: the file is not its own."""
        return self._process != os.getpid()

    def complete_unclosed(self) -> None:
        """Close what its user has not closed, with a ResourceWarning."""
        try:
            import warnings

            warnings.warn(f"unclosed writer to {self.name}", ResourceWarning, 3, self)
        finally:
            self.close()

    def __del__(self) -> None:
        if self._descriptor < 0 and not self._is_resting:
            return
        if self.is_completed_unclosed and not self.is_foreign():
            self.complete_unclosed()
        else:
            self.discard()


def _packer_of(path: str) -> Any:
    """What packs as the name of a file demands, or None."""
    module = compression_of(path)
    if module == "gzip":
        import zlib

        return zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    if module == "bz2":
        import bz2

        return bz2.BZ2Compressor()
    if module == "lzma":
        import lzma

        return lzma.LZMACompressor()
    return None


def _descriptor_named(path: str) -> int | None:
    """The descriptor that `/dev/stdout`, `/dev/fd/3` or a link to such stands for, or None.

    Opening it by its name would begin a redirected file anew, and replacing it would leave out
    whoever has it open.
    """
    directories = {os.path.realpath(name) for name in ("/dev/fd", "/proc/self/fd")}
    for _ in range(40):  # as many links as systems follow
        directory, name = os.path.split(path)
        directory = os.path.realpath(directory)
        path = os.path.join(directory, name)
        if directory in directories and name.isdigit() and os.path.lexists(path):
            return int(name)
        try:
            path = os.path.join(directory, os.readlink(path))
        except OSError:
            return None  # the end of the links
    return None


def _take_after(descriptor: int, old: os.stat_result, path: str) -> None:
    """Give a file what belongs to the one at `path` that it will replace, as the system allows.

    That is the owner, the group, extended attributes, an access control list, and the mode last:
    until then only the owner may read it.
    """
    mode = old.st_mode & 0o777
    if hasattr(os, "fchown"):
        new = os.fstat(descriptor)
        if new.st_gid != old.st_gid and not _is_done(os.fchown, descriptor, -1, old.st_gid):
            # What was for the file's group is not for another.
            mode = mode & 0o707 | (mode & 0o007) << 3
        if new.st_uid != old.st_uid:
            _is_done(os.fchown, descriptor, old.st_uid, -1)
    if hasattr(os, "listxattr"):
        try:
            # The directory may have given the new file a list that the old one does not have.
            _is_done(os.removexattr, descriptor, ACL)
            for name in os.listxattr(path):
                if name.startswith("user.") or name == ACL:
                    _is_done(os.setxattr, descriptor, name, os.getxattr(path, name))
        except OSError:
            pass  # this file system has no such thing
    if hasattr(os, "fchmod"):
        _is_done(os.fchmod, descriptor, mode)


def _is_done(change: Callable[..., None], *arguments: Any) -> bool:
    try:
        change(*arguments)
    except OSError:
        return False
    return True

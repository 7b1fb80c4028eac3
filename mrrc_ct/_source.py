"""Where bytes come from: a path, bytes, or a file object, and what they are packed in.

`open_source` makes a `Window` of any of them: a run of bytes at an address that the core can look
at, moved along the source as records are taken from its front.
"""

from __future__ import annotations

import codecs
import os
import stat
from importlib import import_module

from . import _core
from ._bindings import FINAL
from .errors import (
    CompressedDataInvalid,
    EmptySource,
    ExpansionTooLarge,
    FormatUnknown,
    MarcError,
    SeekNotSupported,
    SourceError,
    SourceIsDirectory,
    SourceNotFound,
    TextError,
)

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, Callable, NoReturn, Union

    #: What can be read from: a path, bytes, or a binary file object.
    SourceLike = Union[str, os.PathLike[str], bytes, bytearray, memoryview, IO[bytes]]
    #: One of these, or several.
    Sources = Union[SourceLike, list[SourceLike], tuple[SourceLike, ...]]


#: A reader that is only peeked at stays small; one that goes on takes larger bites.
CHUNK_MIN = 4 * 1024
CHUNK_MAX = 256 * 1024
#: Packed data may become so many times as large, unless told otherwise, and so many bytes anyway.
MAX_EXPANSION = 200
EXPANSION_FREE = 64 * 1024 * 1024
#: An XML declaration is no longer than this.
DECLARATION_MAX = 256
#: As much as the core is shown at once: offsets in it are 32-bit numbers.
LOOK_MAX = 1 << 31
#: Of what somebody may be writing still, so much is shown again as soon as there is more.
LIVE_MAX = 1024 * 1024

EXTENSIONS = {
    ".mrc": "marc",
    ".marc": "marc",
    ".marc8": "marc",
    ".utf8": "marc",
    ".dat": "marc",
    ".iso": "marc",
    ".iso2709": "marc",
    ".xml": "marcxml",
    ".marcxml": "marcxml",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".marcjson": "marcjson",
    ".mrk": "mrk",
    ".mrk8": "mrk",
    ".seq": "seq",
    ".line": "line",
}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "lzma"}


def compression_of(path: str) -> str | None:
    """The module of Python's library for a compressed file's name, or None."""
    return COMPRESSIONS.get(os.path.splitext(path)[1].lower())


def format_of_name(path: str) -> str | None:
    """The format that a file's name tells, or None."""
    stem, extension = os.path.splitext(path.lower())
    if extension in COMPRESSIONS:
        extension = os.path.splitext(stem)[1]
    return EXTENSIONS.get(extension)


def format_of_data(head: bytes) -> str | None:
    """The format that the first bytes of a source tell, or None."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")):
        return "marcxml"
    text = head.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    if text[:9].isdigit() and text[9:10] == b" ":
        return "seq"
    if text[:5].isdigit() and len(text) >= 5:
        return "marc"
    return {b"<": "marcxml", b"{": "json", b"[": "json", b"=": "mrk"}.get(text[:1])


def raise_os_error(error: OSError, path: str, doing: str) -> NoReturn:
    """Raise what stands for an OSError about `path`, one of this package's errors."""
    if isinstance(error, TimeoutError) and error.errno is None:
        raise error  # not the system's: a handler of signals raised it in the midst of the call
    kinds = {FileNotFoundError: SourceNotFound, IsADirectoryError: SourceIsDirectory}
    kind = kinds.get(type(error), SourceError)
    failure = kind(f"cannot {doing}: {error.strerror or error}", source=path)
    failure.errno = error.errno
    failure.strerror = error.strerror
    failure.filename = path
    raise failure from None


class Window:
    """A run of a source's bytes in memory that the core can look at, moved along from its front.

    This one has everything in sight from the beginning: it is over `bytes`.
    """

    is_final = True

    def __init__(self, name: str, data: bytes) -> None:
        """Look at `data`."""
        self.name = name
        #: The source's size in bytes where it is known, for showing progress.
        self.total: int | None = len(data)
        #: Where the front is, in bytes from the source's first.
        self.offset = 0
        #: What can be read from anywhere by its descriptor, and waited for.
        self.descriptor: int | None = None
        self.waitable: int | None = None
        #: Whether reading may have to wait for somebody else.
        self.may_wait = False
        self._buffer: _core.FixedBuffer | _core.Buffer = _core.FixedBuffer(data)
        self._start = 0
        self._end = len(data)

    def look(self) -> tuple[int, int, int]:
        """Address and length of the bytes in sight, and the flags to hand them to the core with."""
        length = min(self._end - self._start, LOOK_MAX)
        is_last = self.is_final and length == self._end - self._start
        return self._buffer.address + self._start, length, FINAL if is_last else 0

    def head(self, count: int) -> bytes:
        """A copy of the first `count` bytes in sight, or of as many as there are."""
        return bytes(self._buffer.view[self._start : min(self._start + count, self._end)])

    def run(self) -> tuple[_core.Run, int]:
        """What the bytes in sight are in, and where their front is: until more are brought."""
        return self._buffer.data, self._start

    def progress(self) -> tuple[int, int | None]:
        """How much has been read, and of how much where that is known, in bytes of the file."""
        return self.offset, self.total

    def take(self, count: int) -> None:
        """Be done with `count` bytes at the front."""
        self._start += count
        self.offset += count

    def fill(self) -> None:
        """Bring more bytes in sight, waiting for them if need be."""

    def is_ready(self, seconds: float) -> bool:
        """Whether a read would not have to wait, once so many seconds have passed at most."""
        return True

    def grow(self, size: int) -> None:
        """Read `size` bytes at once from now on, if there are as many."""

    def seek(self, offset: int) -> None:
        """Go to an offset in bytes from the source's first."""
        self.offset = self._start = min(offset, self._end)

    def end_at(self, offset: int) -> None:
        """Let the source end at an offset in bytes from its first, behind all that is in sight."""
        self._end = min(self._end, offset)

    def close(self) -> None:
        """Let go of the source."""


class StreamWindow(Window):
    """The window over what is read a piece at a time."""

    is_final = False

    def __init__(
        self,
        name: str,
        read: Callable[[memoryview], int],
        close: Callable[[], None] | None = None,
        *,
        seek: Callable[[int], object] | None = None,
        offset: int = 0,
        total: int | None = None,
        is_own: bool = False,
        is_file: bool = False,
        descriptor: int | None = None,
        is_buffered: bool = False,
        packed: _Packed | None = None,
    ) -> None:
        """Read with `read`, which fills what it can of a buffer and returns 0 at the end.

        `offset` is where that begins in the source; `is_own` says that nobody else closes it,
        `is_file` that it should not be empty; `descriptor` is what `read` waits at; `packed` is the
        file that it unpacks.
        """
        self._packed = packed
        self.name = name
        self.total = total
        self.offset = offset
        self.descriptor = descriptor if is_file and hasattr(os, "pread") else None
        self.waitable = None if is_file else descriptor
        self.may_wait = not is_file and seek is None
        # A buffered file object may hold something that its descriptor does not tell of.
        self._has_rest = is_buffered
        self._start = self._end = 0
        self._buffer: _core.Buffer = _core.Buffer(CHUNK_MIN)
        self._read = read
        self._close = close
        self._seek = seek
        self._is_own = is_own
        self._is_file = is_file

    def progress(self) -> tuple[int, int | None]:
        """How much has been read, and of how much where that is known, in bytes of the file."""
        packed = self._packed
        return super().progress() if packed is None else (packed.count, packed.size)

    def fill(self) -> None:
        """Bring more bytes in sight, waiting for them if need be; note when there are no more.

        A quarter of what is in sight already, at least: then what is looked at again and again is
        no more than a few times what there is. Less where somebody may have ended a record.
        """
        if self.is_final:
            return
        left = self._end - self._start
        is_live = self.may_wait and left <= LIVE_MAX
        size = len(self._buffer.view)
        if left * 2 > size:
            size *= 2  # what comes next does not fit
        elif self._end and size < CHUNK_MAX:
            size = min(16 * size, CHUNK_MAX)  # the reading goes on
        buffer = self._buffer if size == len(self._buffer.view) else _core.Buffer(size)
        if self._start or buffer is not self._buffer:
            buffer.view[:left] = self._buffer.view[self._start : self._end]
        self._buffer = buffer
        self._start, self._end = 0, left
        self._has_rest = False
        while not self.is_final:
            self._read_once()
            if self._end - left >= left // 4:
                return
            if is_live and not self.is_ready(0, False):
                return

    def _read_once(self) -> None:
        try:
            count = self._read(self._buffer.view[self._end :])
        except MarcError as error:
            # What could not be read once will not be asked for again.
            self.is_final = True
            error.source = self.name
            error.byte_offset = self.offset + self._end
            raise
        if count == 0:
            self.is_final = True
            if self._is_file and not self._end and not self.offset:
                raise EmptySource("the file is empty", source=self.name, byte_offset=0)
        self._end += count

    def is_ready(self, seconds: float, unknown: bool = True) -> bool:
        """Whether a read would not have to wait, once so many seconds have passed at most.

        `unknown` is what is said of what cannot be waited for without reading it.
        """
        if self.is_final or self._has_rest:
            return True
        if self.waitable is None:
            return unknown
        import select

        try:
            return bool(select.select([self.waitable], [], [], seconds)[0])
        except (OSError, ValueError):  # no such thing here
            return unknown

    def grow(self, size: int) -> None:
        """Read `size` bytes at once from now on, if there are as many."""
        if not self._end and len(self._buffer.view) < size:
            self._buffer = _core.Buffer(size)

    def seek(self, offset: int) -> None:
        """Go to an offset in bytes from the source's first. Raises SeekNotSupported."""
        if self._seek is None:
            raise SeekNotSupported(
                "a compressed file or a stream cannot be read from another offset", source=self.name
            )
        self._seek(offset)
        self.offset = offset
        self._start = self._end = 0
        self.is_final = False

    def end_at(self, offset: int) -> None:
        """Let the source end at an offset in bytes from its first, behind all that is in sight."""
        read = self._read
        self._is_file = False  # but a part of one, which may be empty

        def read_some(view: memoryview) -> int:
            left = offset - self.offset - (self._end - self._start)
            return read(view[:left]) if left > 0 else 0

        self._read = read_some

    def close(self) -> None:
        """Close the file."""
        close, self._close = self._close, None
        if close is not None:
            close()

    def __del__(self) -> None:
        # A reader that nobody closed takes its own file with it; a user's stays open.
        if getattr(self, "_is_own", False):
            self.close()


def open_source(source: SourceLike, max_expansion: float | None = MAX_EXPANSION) -> Window:
    """The window over a source. Raises SourceNotFound and the like, TypeError for anything else.

    See `_read_unpacked` for `max_expansion`; ValueError where it is not positive.
    """
    if max_expansion is not None and not max_expansion > 0:
        raise ValueError(f"max_expansion should be more than 0, or None, not {max_expansion}")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Window("<bytes>", bytes(source))
    if isinstance(source, (str, os.PathLike)):
        return _open_path(os.fspath(source), max_expansion)
    name = getattr(source, "name", None)
    name = name if isinstance(name, str) else f"<{type(source).__name__}>"
    seek = _seek_of(source)
    offset = source.tell() if seek else 0
    total = None
    if seek is not None:
        total = source.seek(0, os.SEEK_END)
        source.seek(offset)
    return StreamWindow(
        name,
        _read_of(source, name),
        getattr(source, "close", None),
        seek=seek,
        offset=offset,
        total=total,
        descriptor=None if seek else _descriptor_of(source),
        is_buffered=hasattr(source, "peek"),
    )


def _open_path(path: str, max_expansion: float | None) -> Window:
    try:
        file: Any = open(path, "rb", buffering=0)  # noqa: SIM115  # the window closes it
    except OSError as error:
        raise_os_error(error, path, "open")
    status = os.fstat(file.fileno())
    is_regular = stat.S_ISREG(status.st_mode)
    module = compression_of(path)
    if module is None:
        return StreamWindow(
            path,
            _read_of(file, path),
            file.close,
            seek=file.seek if is_regular else None,
            total=status.st_size if is_regular else None,
            is_own=True,
            is_file=is_regular,
            descriptor=file.fileno(),
        )
    packed = _Packed(file, status.st_size if is_regular else None)
    unpacked = import_module(module).open(packed)

    def close() -> None:
        unpacked.close()
        file.close()

    read = _read_unpacked(unpacked, packed, max_expansion)
    return StreamWindow(path, read, close, is_own=True, is_file=is_regular, packed=packed)


def _read_of(file: Any, name: str) -> Callable[[memoryview], int]:
    """How to read what a file object has, without waiting for more than that."""
    read_into = next(
        (getattr(file, n) for n in ("readinto1", "readinto", "recv_into") if hasattr(file, n)), None
    )
    if read_into is None:
        read = getattr(file, "read1", None) or getattr(file, "read", None)
        if read is None:
            raise TypeError(
                f"a path, bytes or a binary file object was expected, not {type(file).__name__}"
            )

        def read_into(view: memoryview) -> int:
            data = read(len(view))
            if isinstance(data, str):
                raise TypeError(f"{name} is open as text: open it in binary mode, 'rb'")
            view[: len(data)] = data
            return len(data)

    def checked(view: memoryview) -> int:
        try:
            count = read_into(view)
        except OSError as error:
            raise_os_error(error, name, "read")
        if count is None:
            raise SourceError("the file is in non-blocking mode and has nothing to read yet")
        return int(count)

    return checked


class _Packed:
    """A packed file, its size where that is known, and how many bytes of it have been read."""

    def __init__(self, file: IO[bytes], size: int | None) -> None:
        self._file = file
        self.size = size
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.count += len(data)
        return data


def _read_unpacked(
    unpacked: Any, packed: _Packed, max_expansion: float | None
) -> Callable[[memoryview], int]:
    """How to read what is packed, as long as it is no more than so many times as large.

    Up to EXPANSION_FREE bytes that does not matter.
    """
    import zlib

    failures: tuple[type[Exception], ...] = (EOFError, OSError, zlib.error)
    if unpacked.__class__.__module__ == "lzma":
        import lzma

        failures = (*failures, lzma.LZMAError)

    total = 0

    def read(view: memoryview) -> int:
        nonlocal total
        try:
            # Not `readinto`, which would throw away what was unpacked before the damage.
            data = unpacked.read1(len(view))
        except failures as error:
            raise CompressedDataInvalid(
                f"the compressed data is damaged or cut short: {error} "
                f"(at byte {packed.count} of the compressed file or shortly before)"
            ) from None
        total += len(data)
        if max_expansion and total > max(EXPANSION_FREE, max_expansion * packed.count):
            raise ExpansionTooLarge(
                f"the compressed data becomes more than {max_expansion} times as large, the limit: "
                f"{packed.count} bytes are {total} and more"
            )
        view[: len(data)] = data
        return len(data)

    return read


def _seek_of(file: Any) -> Callable[[int], object] | None:
    try:
        return file.seek if file.seekable() else None
    except (AttributeError, ValueError):
        return None


def _descriptor_of(file: Any) -> int | None:
    try:
        return int(file.fileno())
    except (AttributeError, OSError, ValueError):
        return None


def first_bytes(window: Window, count: int) -> bytes:
    """The first bytes of a source, `count` of them or more unless it has fewer; they stay there."""
    head = window.head(DECLARATION_MAX)
    while len(head) < count and not window.is_final:
        window.fill()
        head = window.head(DECLARATION_MAX)
    return head


#: Told by its first bytes.
UTF_16 = ("utf-16", "utf-16-le", "utf-16-be")


def _is_charset(encoding: str) -> bool:
    """Whether a codec reads ASCII as it is. Raises LookupError for one that there is not.

    UTF-7, IDNA and Punycode do not, nor those that undo the escapes of Python's source.
    """
    text = "<a b='&#+AEE-'>.xn--bcher-kva.</a>"
    return text.encode().decode(encoding) == text and b"\\u0041".decode(encoding) != "A"


XML_ENCODING = rb"""<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']"""


def decoded_xml(window: Window) -> Window:
    """The window, or one over its text in UTF-8 where an XML document is in another encoding."""
    head = first_bytes(window, 4)
    while head.startswith(b"<?xml") and b">" not in head and len(head) < DECLARATION_MAX:
        longer = first_bytes(window, len(head) + 1)
        if len(longer) == len(head):
            break
        head = longer
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif head.startswith(b"<\0"):
        encoding = "utf-16-le"
    elif head.startswith(b"\0<"):
        encoding = "utf-16-be"
    else:
        import re  # only needed here, and not cheap

        declared = re.match(XML_ENCODING, head)
        encoding = declared.group(1).decode("ascii").lower() if declared else "utf-8"
        # It could be read thus far as bytes of ASCII.
        if encoding.replace("_", "-") in ("utf-8", "utf8", "us-ascii") or encoding.startswith(
            "utf-16"
        ):
            return window
    try:
        is_known = encoding in UTF_16 or _is_charset(encoding)
        decoder = codecs.getincrementaldecoder(encoding)()
    except (LookupError, ValueError, TypeError):
        is_known = False
    if not is_known:
        raise FormatUnknown(
            f"the XML document is in an unknown encoding, {encoding}", source=window.name
        )
    pending = memoryview(b"")

    def read(view: memoryview) -> int:
        nonlocal pending
        while not pending:
            _, length, flags = window.look()
            if length > CHUNK_MAX:
                length, flags = CHUNK_MAX, flags & ~FINAL
            data = window.head(length)
            try:
                pending = memoryview(decoder.decode(data, bool(flags & FINAL)).encode())
            except UnicodeError as error:
                raise TextError(f"the text is not {encoding}: {error}") from None
            window.take(length)
            if flags & FINAL and not pending:
                return 0
            if not window.look()[1]:
                window.fill()
        count = min(len(view), len(pending))
        view[:count] = pending[:count]
        pending = pending[count:]
        return count

    decoded = StreamWindow(window.name, read, window.close)
    decoded.may_wait = window.may_wait
    return decoded

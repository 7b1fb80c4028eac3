"""Places in the middle of a source where a record begins, whatever stands before them."""

from __future__ import annotations

from . import _core
from ._bindings import START
from ._source import Window, open_source
from .errors import SeekNotSupported

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._source import SourceLike

#: What may stand between two records: see gapLength in zig/iso2709.zig.
GAP_BYTES = b"\r\n\x1a\xef\xbb\xbf"
#: It is hardly ever more than this, and what counts never more than the other.
_BACK_BYTES = 64
_BACK_BYTES_MAX = 4096


def split_offsets(source: SourceLike, parts: int) -> list[tuple[int, int]]:
    """Cut a source into ranges of about the same size, without reading it all.

        for start, stop in split_offsets("large.mrc", 4):
            ...  # a thread or a process reads MARCReader("large.mrc", start=start, stop=stop)

    Each pair is a range of offsets in bytes, from the first byte of a record to that of another;
    together they are the whole source. A small one has fewer than `parts`, an empty one none.
    Raises SourceError and its kin for what cannot be opened, SeekNotSupported for what is packed or
    a stream, ValueError for fewer parts than one.
    """
    if parts < 1:
        raise ValueError(f"a source has one part at least, not {parts}")
    window = open_source(source)
    try:
        size = size_of(window)
        cuts = [find_boundary(window, size * part // parts) for part in range(1, parts)]
    finally:
        if not hasattr(source, "read"):
            window.close()
    ends = sorted({0, size, *cuts})
    return list(zip(ends, ends[1:]))


def size_of(window: Window) -> int:
    """The size of a source in bytes. Raises SeekNotSupported where nobody knows."""
    if window.total is None:
        raise SeekNotSupported(
            "a compressed file or a stream cannot be read in parts", source=window.name
        )
    return window.total


def limit(window: Window, start: int, stop: int | None) -> None:
    """Leave in a window the records that begin in `[start, stop)`. Raises SeekNotSupported."""
    first = window.offset
    end = None if stop is None else find_boundary(window, stop)
    window.seek(first)
    if start:
        find_boundary(window, start)
    begin = window.offset
    window.seek(begin)
    if end is not None:
        window.end_at(max(begin, end))


def find_boundary(window: Window, offset: int) -> int:
    """The first boundary at or behind an offset, where the window is then; or the source's end.

    See zig/walk.zig. Raises SeekNotSupported.
    """
    back = _BACK_BYTES
    while True:
        start = max(0, offset - back)
        window.seek(start)
        while window.look()[1] < offset - start and not window.is_final:
            window.fill()
        before = window.head(offset - start)
        # Back to a byte that is no line end: it tells whether a record begins right here.
        if start == 0 or back > _BACK_BYTES_MAX or before.strip(GAP_BYTES):
            break
        back *= 2
    behind = offset - start
    while True:
        address, length, flags = window.look()
        flags = flags | (START if window.offset == 0 else 0)
        is_certain, found = _core.find_boundary(address, length, min(behind, length), flags)
        if is_certain:
            window.take(found)
            return window.offset
        window.take(found)
        behind = max(0, behind - found)
        window.fill()

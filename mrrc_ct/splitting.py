"""Records into several files: so many in each, so many bytes, or those that have a value.

from mrrc_ct import read
from mrrc_ct.splitting import split

split(read("books.mrc"), "part-{}.mrc", count=10_000)
split(read("books.mrc"), "books-{}.xml", by="008[35:38]")
"""

from __future__ import annotations

import os
import re

from ._asking import FirstValue
from ._core import normalization_number
from ._target import PathTarget
from ._work import Formatter
from .conversion import check_different, check_writing
from .errors import MarcError, TooManyFiles

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Callable

    from ._source import SourceLike
    from .record import Record

#: What stands in a name for a number or a value.
PLACE = "{}"
#: So many files are made, unless told otherwise.
FILES_MAX = 10_000
#: Bytes that wait for one file, and for all together, before they are written.
_WAITING_EACH, _WAITING_ALL = 256 * 1024, 16 * 1024 * 1024
#: Bytes of a value in the name of a file.
_NAME_BYTES = 100
#: What Windows takes for devices.
_RESERVED = re.compile("con|prn|aux|nul|com[0-9]|lpt[0-9]", re.IGNORECASE)


class Part:
    """One of the files: its `path`, its `records`, and with `by` their `value`, None for none.

    `bytes` are counted before packing.
    """

    def __init__(self, path: str, value: str | None = None) -> None:
        """Make it. Raises SourceError."""
        self.path = path
        self.value = value
        self.records = 0
        self.bytes = 0
        self._waiting = 0
        self._target = PathTarget(path)
        self._target.rest()

    def _add(self, data: bytes) -> None:
        self._target.parts.append(data)
        self.bytes += len(data)
        self._waiting += len(data)

    def _write(self) -> None:
        """Write what waits; then no file is open."""
        self._waiting = 0
        self._target.rest()


def split(
    records: Iterable[Record],
    pattern: str | os.PathLike[str],
    to: str | None = None,
    *,
    count: int | None = None,
    size: int | None = None,
    by: str | None = None,
    encoding: str | None = None,
    unmappable: str = "error",
    invalid_xml: str = "error",
    normalize: str | None = None,
    files_max: int = FILES_MAX,
    sources: Iterable[SourceLike] = (),
    on_error: Callable[[MarcError], None] | None = None,
) -> list[Part]:
    """Write records to several files: what was written, in the order in which it began.

    The path `pattern` has `{}` in it. That becomes 0001, 0002 and so on where a file has `count`
    records, or as many as fit into `size` bytes (one, if it is larger). With `by`, a path of
    docs/tables.md's language, it becomes the first value that this leads to in a record, or `none`,
    in letters that any system takes; where values would have the same name a number is added.

    `to`, `encoding`, `unmappable`, `invalid_xml` and `normalize` are those of `convert`. The files
    at these paths are replaced when all is written, and only then; until then one at a time is
    open. None of them may be one of `sources`. A record that cannot be written is left out, and
    `on_error` is called; without that it is raised. Raises SourceError, TooManyFiles for more than
    `files_max`, PathInvalid, and ValueError for a pattern without `{}`.
    """
    pattern = os.fspath(pattern)
    if pattern.count(PLACE) != 1:
        raise ValueError(f"there should be one {PLACE} in the name of the files, not {pattern!r}")
    if sum(one is not None for one in (count, size, by)) != 1:
        raise ValueError("say how to split: by count, by size, or by a value")
    if (count is not None and count < 1) or (size is not None and size < 1):
        raise ValueError("a file has at least one record, and one byte")
    to = check_writing(pattern, to, encoding, unmappable, invalid_xml, normalize)
    forms = _Forms(
        to, encoding, unmappable, invalid_xml == "replace", normalization_number(normalize)
    )
    files = _Files(pattern, files_max, list(sources), forms)
    value_of = None if by is None else FirstValue(by)
    try:
        for record in records:
            try:
                data = files.forms.of(record)
                value = value_of.of(record) if value_of is not None else None
            except MarcError as error:
                if on_error is None:
                    raise
                on_error(error)
                continue
            if value_of is not None:
                part = files.with_value(value)
            else:
                part = files.last(count, size, len(data))
            files.add(part, data)
        files.complete()
    except BaseException:
        files.discard()
        raise
    return files.parts


class _Forms:
    """Records as they are written, and what stands around them."""

    def __init__(
        self,
        to: str,
        encoding: str | None,
        unmappable: str,
        replace_forbidden: bool,
        normalization: int,
    ) -> None:
        self._encoding = encoding
        self._unmappable = unmappable
        self._normalization = normalization
        self._formatter: Formatter | None = None
        self.head = self.tail = b""
        if to != "marc":
            self._formatter = Formatter(to, replace_forbidden, normalization, is_part=True)
            frame = Formatter(to)
            self.head, self.tail = frame.begin(), frame.end()

    def of(self, record: Record) -> bytes:
        """A record. Raises the MarcError of one that has no such form."""
        if self._formatter is None:
            return record._written_in(self._normalization, self._encoding, self._unmappable)
        return b"".join(self._formatter.formatted([record]))


class _Files:
    """The files, none of them in its place before all of them are whole."""

    def __init__(
        self, pattern: str, files_max: int, sources: list[SourceLike], forms: _Forms
    ) -> None:
        self.parts: list[Part] = []
        self.forms = forms
        self._pattern = pattern
        self._files_max = files_max
        self._sources = sources
        self._by_value: dict[str | None, Part] = {}
        self._names: set[str] = set()
        self._waiting = 0

    def last(self, count: int | None, size: int | None, length: int) -> Part:
        """The last file, or a new one if that has no room for so many bytes more."""
        if self.parts:
            part = self.parts[-1]
            if count is not None and part.records < count:
                return part
            if size is not None and part.bytes + length + len(self.forms.tail) <= size:
                return part
            # It is not written to again, but for what ends it.
            part._write()
        return self._new(f"{len(self.parts) + 1:04}")

    def with_value(self, value: str | None) -> Part:
        """The file for a value."""
        part = self._by_value.get(value)
        if part is None:
            part = self._by_value[value] = self._new(self._name_for(value), value)
        return part

    def _new(self, name: str, value: str | None = None) -> Part:
        if len(self.parts) == self._files_max:
            raise TooManyFiles(f"this would make more than {self._files_max:,} files")
        path = self._pattern.replace(PLACE, name)
        for source in self._sources:
            check_different(source, path)
        part = Part(path, value)
        self.parts.append(part)
        part._add(self.forms.head)
        return part

    def _name_for(self, value: str | None) -> str:
        """A name for a value, one that no other has."""
        import unicodedata

        wanted = safe_name(value) if value is not None else "none"
        number, name = 1, wanted
        # For some systems it is the same in capitals, or with its accents apart.
        while (key := unicodedata.normalize("NFC", name).casefold()) in self._names:
            number += 1
            name = f"{wanted}-{number}"
        self._names.add(key)
        return name

    def add(self, part: Part, data: bytes) -> None:
        """Add a record to a file."""
        if part.records == 0 and data[:1] == b",":
            data = data[1:]  # it stands between two
        part._add(data)
        part.records += 1
        self._waiting += len(data)
        if part._waiting >= _WAITING_EACH:
            self._waiting -= part._waiting
            part._write()
        if self._waiting >= _WAITING_ALL:
            self._write()

    def _write(self) -> None:
        for part in self.parts:
            if part._waiting:
                part._write()
        self._waiting = 0

    def complete(self) -> None:
        """Put the files in their places."""
        for part in self.parts:
            part._add(self.forms.tail)
        self._write()
        for part in self.parts:
            part._target.close()

    def discard(self) -> None:
        """Leave what was there as it was."""
        for part in self.parts:
            part._target.discard()


def safe_name(value: str) -> str:
    """A value as a part of a file's name: letters, digits and `-.+=@`, and `_` for all else."""
    import unicodedata

    composed = unicodedata.normalize("NFC", value)
    name = "".join([one if one.isalnum() or one in "-.+=@" else "_" for one in composed])
    name = re.sub("__+", "_", name).encode()[:_NAME_BYTES].decode(errors="ignore")
    name = name.strip("_.") or "_"
    return f"{name}_" if _RESERVED.fullmatch(name) else name

"""The files that Spark reads records from: found, cut into parts, opened, here or far away."""

from __future__ import annotations

import io
import os
import re
from fnmatch import fnmatchcase
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from pyarrow import fs

from ._source import compression_of, format_of_name
from .conversion import close_own, open_as
from .errors import SourceNotFound
from .ranges import split_offsets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: Bytes that a file which is not local is read by.
REMOTE_BYTES = 4 * 1024 * 1024


class File(NamedTuple):
    """A file and its size in bytes."""

    filesystem: fs.FileSystem
    path: str
    size: int


class Part(NamedTuple):
    """A file, or the records that begin in `[start, stop)` of it."""

    filesystem: fs.FileSystem
    path: str
    format: str
    start: int
    stop: int | None


def locate(path: str) -> tuple[fs.FileSystem, str]:
    """Where a path or URL is."""
    if not re.match("[A-Za-z][A-Za-z0-9+.-]+:", path):
        return fs.LocalFileSystem(), os.path.abspath(path).replace(os.sep, "/")
    # Spark's names of what Arrow calls s3, and signs of patterns that no URL may have.
    url = quote(re.sub("^s3[an]:", "s3:", path), safe="%/:=&?~#+!$,;'@()*")
    return fs.FileSystem.from_uri(url)  # type: ignore[no-any-return]


def find_files(paths: list[str]) -> list[File]:
    """The files of paths, folders and patterns. Raises SourceNotFound."""
    if not paths:
        raise ValueError("there is nothing to read: name a file, a folder or a pattern in load")
    found = []
    for path in paths:
        filesystem, place = locate(path)
        places = _matching(filesystem, place)
        if not places:
            raise SourceNotFound("there is no such file", source=path)
        for info in places:
            below = [info]
            if info.type == fs.FileType.Directory:
                below = filesystem.get_file_info(fs.FileSelector(info.path, recursive=True))
                below = [one for one in below if not _is_hidden(one.path[len(info.path) :])]
            below.sort(key=lambda one: one.path)
            # A size that nobody knows is that of one part.
            sizes = [
                (one.path, 1 if one.size is None else one.size) for one in below if one.is_file
            ]
            found += [File(filesystem, path, size) for path, size in sizes if size]
    return found


def _matching(filesystem: fs.FileSystem, path: str) -> list[fs.FileInfo]:
    """The file or folder of this path, or those of a pattern."""
    info = filesystem.get_file_info(path)
    if info.type != fs.FileType.NotFound:
        return [info]
    if not re.search(r"[*?[]", path):
        return []
    head, _, name = path.rpartition("/")
    found = []
    for folder in _matching(filesystem, head or "/"):
        if folder.type == fs.FileType.Directory:
            below = filesystem.get_file_info(fs.FileSelector(folder.path))
            found += [one for one in below if fnmatchcase(one.base_name, name)]
    return [one for one in found if not _is_hidden(one.base_name)]


def _is_hidden(path: str) -> bool:
    """Whether it is none of the data: `_SUCCESS`, `_temporary/…`, `.name.crc`."""
    return re.search("(^|/)[._]", path) is not None


class _Remote(io.BufferedReader):
    """A file that is not local, with the name that errors have."""

    def __init__(self, file: Any, name: str) -> None:
        super().__init__(file, REMOTE_BYTES)
        self._name = name

    @property
    def name(self) -> str:
        """The path."""
        return self._name


class _Unpacked(io.RawIOBase):
    """What is in a packed file: it can only be read from its beginning."""

    def __init__(self, file: Any, name: str) -> None:
        self._file = file
        self.name = name

    def readinto(self, view: Any) -> int:
        """Read some of it."""
        data = self._file.read1(len(view))
        view[: len(data)] = data
        return len(data)


def source_of(file: File | Part) -> Any:
    """What a file is read from: its path where it is local."""
    if isinstance(file.filesystem, fs.LocalFileSystem):
        return file.path
    remote = _Remote(file.filesystem.open_input_file(file.path), file.path)
    module = compression_of(file.path)
    return remote if module is None else _Unpacked(import_module(module).open(remote), file.path)


def parts_of(file: File, format_: str, size: int) -> Iterator[tuple[Part, int]]:
    """A file in parts of about so many bytes, each with its size."""
    format_ = format_ or format_of_name(file.path) or ""
    if not format_:
        source = source_of(file)
        window, format_ = open_as(source, None)
        close_own(window, source)
    parts = -(-file.size // size)
    if parts == 1 or format_ != "marc" or compression_of(file.path):
        yield Part(file.filesystem, file.path, format_, 0, None), file.size
        return
    for start, stop in split_offsets(source_of(file), parts):
        yield Part(file.filesystem, file.path, format_, start, stop), stop - start

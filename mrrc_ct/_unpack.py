"""The core's library out of a zip file: systems load libraries from files of their own only.

It is put into a folder of the user's that is kept, under a name made of its contents, so that the
next program finds it there. Nobody else can put another into its place, or it is not used: then,
and where nothing can be kept, a temporary folder has it until it is loaded.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, TypeVar

    T = TypeVar("T")

_BINARY = getattr(os, "O_BINARY", 0)
#: Neither followed nor waited for, should it be a symbolic link or a FIFO.
_AS_IT_IS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def load_unpacked(data: bytes, name: str, open_library: Callable[[str], T]) -> T:
    """What `open_library` makes of the path of a file that holds `data`. Raises OSError."""
    try:
        return open_library(_kept(data, name))
    except OSError:  # or nothing can be loaded from where things are kept
        folder = tempfile.mkdtemp(prefix="mrrc-ct-")
    path = os.path.join(folder, name)
    try:
        _write(path, data)
        return open_library(path)
    finally:
        # What is loaded stays. Windows alone has to keep the file, too.
        with suppress(OSError):
            os.unlink(path)
            os.rmdir(folder)


def cache_home() -> str:
    """Where this user's programs keep what can be made again. OSError where that is nowhere."""
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        home = os.path.expanduser("~/Library/Caches")
    else:
        home = os.environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(home):
            home = os.path.expanduser("~/.cache")
    if not os.path.isabs(home):
        raise FileNotFoundError("there is no home directory")
    return home


def _kept(data: bytes, name: str) -> str:
    """The path of a file that holds `data` and is kept. Raises OSError where none can be."""
    home = cache_home()
    folder = os.path.join(home, "mrrc-ct")
    for one in (home, folder):
        with suppress(FileExistsError):
            os.mkdir(one, 0o700)
    folder = os.path.realpath(folder)
    _check(folder)
    path = os.path.join(folder, f"{hashlib.sha256(data).hexdigest()}-{name}")
    if not _holds(path, data):
        temporary = f"{path}.{os.urandom(8).hex()}"
        try:
            _write(temporary, data)
            os.replace(temporary, path)
        except BaseException:
            if os.path.lexists(temporary):
                os.unlink(temporary)
            raise
    return path


def _check(folder: str) -> None:
    """Raise PermissionError where somebody else could change a folder, or put another there."""
    if not hasattr(os, "geteuid"):
        return  # on Windows such folders are the user's alone
    status = os.lstat(folder)
    if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_WRITE:
        raise PermissionError(f"{folder} is not this user's alone")
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        status = os.lstat(folder)
        is_shared = status.st_mode & _OTHERS_WRITE and not status.st_mode & stat.S_ISVTX
        if status.st_uid not in (0, os.geteuid()) or is_shared:
            raise PermissionError(f"{folder} can be changed by others")


def _holds(path: str, data: bytes) -> bool:
    """Whether a regular file of this user's is there that holds just that."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _BINARY | _AS_IT_IS)
    except OSError:
        return False
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        is_own = not hasattr(os, "geteuid") or (
            status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_WRITE
        )
        is_alike = stat.S_ISREG(status.st_mode) and status.st_size == len(data)
        return is_own and is_alike and file.read() == data


def _write(path: str, data: bytes) -> None:
    """Write a file that was not there. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)

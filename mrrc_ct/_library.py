"""The files of the package that are no modules: the core's library, and data.

The package may lie in a folder, or where a loader finds it that is no file system: in a zip file.
"""

from __future__ import annotations

import os

from ._platform import CORES, find_library, library_name, this_platform

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, TypeVar

    T = TypeVar("T")


def package_data(name: str) -> bytes:
    """What a file of the package holds. Raises OSError where there is none."""
    # As the loader knows the place: made absolute it would be another.
    path = os.path.join(os.path.dirname(__file__), name)
    data: bytes = __spec__.loader.get_data(path)  # type: ignore[union-attr]
    return data


def load(open_library: Callable[[str], T]) -> T:
    """What `open_library` makes of the path of the core's library, which it opens at once.

    There may be no file there afterwards. Raises ImportError where the library is missing, or is
    none that the system can load.
    """
    folder = os.path.dirname(os.path.abspath(__file__))
    try:
        if os.path.isdir(folder):
            return open_library(find_library(folder))
        from ._unpack import load_unpacked

        return load_unpacked(*_packed(folder), open_library)
    except OSError as error:
        raise ImportError(f"mrrc_ct: its compiled core cannot be loaded here: {error}") from error


def _packed(folder: str) -> tuple[bytes, str]:
    """What the library holds that a loader finds, and its name. Raises ImportError."""
    platform = this_platform()
    name = library_name(platform)
    for path in (name, os.path.join(CORES, platform, name)):
        try:
            return package_data(path), name
        except (AttributeError, OSError):  # a loader may know nothing but modules
            continue
    raise ImportError(
        f"mrrc_ct: its compiled core is missing, there is none for {platform} in {folder}"
    )

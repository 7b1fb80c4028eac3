"""What this Python runs on, by the names that the package's builds go by.

`hatch_build.py` runs this file by itself, before there is a core: it imports nothing else of it.
"""

from __future__ import annotations

import os
import sys

#: How Python calls systems, and how the core's library is called there.
_SYSTEMS = {"win32": "windows", "darwin": "macos"}
_LIBRARIES = {"windows": "mrrc_ct.dll", "macos": "libmrrc_ct.dylib"}

#: The folder, in a package that carries a core for each platform, with a folder for each.
CORES = "cores"

#: What a kernel says that runs a Python of 32 bits, too.
_NARROW = {"x86_64": "i686", "aarch64": "armv7l"}
#: Other names of the same machines.
_MACHINES = {"i386": "i686", "i586": "i686", "armv8l": "armv7l", "amd64": "x86_64"}


def library_name(platform: str) -> str:
    """What the core's library is called on a platform."""
    return _LIBRARIES.get(platform.partition("-")[0], "libmrrc_ct.so")


def this_platform() -> str:
    """Such as linux-x86_64-glibc, linux-aarch64-musl, macos-arm64 or windows-x86_64."""
    system = _SYSTEMS.get(sys.platform, sys.platform)
    if system == "windows":
        # The machine may be of another kind than the programs that it runs.
        from sysconfig import get_platform

        machine = get_platform().rpartition("-")[2]
    else:
        machine = os.uname().machine
        if sys.maxsize < 1 << 32:
            machine = _NARROW.get(machine, machine)
    machine = _MACHINES.get(machine, machine)
    return f"{system}-{machine}" + (f"-{_libc()}" if system == "linux" else "")


def _libc() -> str:
    """The C library of Linux: glibc tells its version, others do not know the question."""
    try:
        version = os.confstr("CS_GNU_LIBC_VERSION")
    except (OSError, ValueError):
        version = None
    return "glibc" if version and version.startswith("glibc") else "musl"


def find_library(folder: str) -> str:
    """The path of the core's library for this Python in the package's folder. ImportError: none."""
    system = _SYSTEMS.get(sys.platform, sys.platform)
    path = os.path.join(folder, library_name(system))
    if os.path.exists(path):
        return path
    cores = os.path.join(folder, CORES)
    if not os.path.isdir(cores):
        raise ImportError(
            f"mrrc_ct: its compiled core is missing, there is no {path}. "
            "In a checkout of the source, pip install -e . makes it; started in another folder, "
            "Python finds the package that is installed"
        )
    platform = this_platform()
    found = os.path.join(cores, platform, library_name(system))
    if not os.path.exists(found):
        raise ImportError(
            f"mrrc_ct: there is no compiled core for {platform}, only for "
            f"{', '.join(sorted(os.listdir(cores)))}. "
            "pip install --no-binary mrrc-ct mrrc-ct compiles one"
        )
    return found

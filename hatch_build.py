"""Compiles the core when the wheel is built, or an editable install is made.

The compiler comes with the build requirement `ziglang`; nothing else is needed on the machine. It
is called directly: Zig's own build runner, which `build.zig` is for, takes minutes to compile when
its cache is empty.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
from platform import machine
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CoreHook(BuildHookInterface):
    """Adds the core's library to the wheel and tags it for the platform, for any Python 3."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is put together; `version` is `standard` or `editable`."""
        root = pathlib.Path(self.root)
        build = root / "build"
        build.mkdir(exist_ok=True)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        name = library_name(platform)
        library = build / name
        compile_core(root / "zig", library, platform)
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{wheel_platform(platform)}"
        if version == "editable":
            shutil.copy2(library, root / "mrrc_ct" / name)
        else:
            build_data["force_include"][str(library)] = f"mrrc_ct/{name}"


def library_name(platform: str) -> str:
    """What the library is called where it is loaded."""
    if platform.startswith("win"):
        return "mrrc_ct.dll"
    return "libmrrc_ct.dylib" if platform.startswith("macosx") else "libmrrc_ct.so"


def is_musl() -> bool:
    """Whether this Python runs on musl rather than glibc."""
    return "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or "")


def zig_target(platform: str) -> str:
    """Zig's name of the target: on Linux with glibc its oldest version that can be linked to."""
    if not platform.startswith("linux"):
        return "native"
    machine = platform.partition("_")[2]
    machine = {"i686": "x86", "armv7l": "arm", "ppc64le": "powerpc64le"}.get(machine, machine)
    if is_musl():
        return f"{machine}-linux-musl"
    oldest = {"riscv64": "2.27", "powerpc64le": "2.19"}.get(machine, "2.17")
    abi = "gnueabihf" if machine == "arm" else "gnu"
    return f"{machine}-linux-{abi}.{oldest}"


def is_x86_64(platform: str) -> bool:
    """Whether Zig compiles for that: for Linux as `platform` says, elsewhere for this machine."""
    name = platform if platform.startswith("linux") else machine().lower()
    return name.endswith(("x86_64", "amd64"))


def wheel_platform(platform: str) -> str:
    """The platform's tag in the wheel's name."""
    return platform


def compile_core(zig: pathlib.Path, library: pathlib.Path, platform: str) -> None:
    """Compile the shared library; subprocess.CalledProcessError when Zig cannot."""
    environment = dict(os.environ)
    cache = library.parent
    environment.setdefault("ZIG_LOCAL_CACHE_DIR", str(cache / "zig-local"))
    # Without a home directory Zig would not know where to keep what it compiles for all projects.
    if os.name != "nt" and not (environment.get("HOME") or environment.get("XDG_CACHE_HOME")):
        environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(cache / "zig-global"))
    zig_command = [sys.executable, "-m", "ziglang"]
    options = ["-fstrip", "-O", environment.get("MRRC_CT_OPTIMIZE", "fast")]
    options += ["-target", zig_target(platform)]

    def run(command: str, *arguments: str) -> None:
        subprocess.run(
            [*zig_command, command, *options, *arguments], cwd=zig, env=environment, check=True
        )

    objects = []
    if is_x86_64(platform):
        # What cpu.zig chooses where the processor can do more than the baseline.
        objects = [str(library.with_name("canonical_v3.o"))]
        run(
            *("build-obj", "-fPIC", "-mcpu", "x86_64_v3", "canonical_v3.zig"),
            f"-femit-bin={objects[0]}",
        )
    run(
        *("build-lib", "-dynamic", "-lc", "-mcpu", "baseline", "--name", "mrrc_ct"),
        *(*objects, "abi.zig", f"-femit-bin={library}"),
    )

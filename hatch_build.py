"""Compiles the core when a wheel is built, or an editable install is made, and tags the wheel.

The compiler comes with the build requirement `ziglang`; nothing else is needed on the machine. It
is called directly: Zig's own build runner, which `build.zig` is for, takes minutes to compile when
its cache is empty. It compiles for any platform on any other: MRRC_CT_PLATFORM in the environment
chooses one of PLATFORMS, or `any` for one wheel that carries the cores of all of them.
"""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import runpy
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version as version_of
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = pathlib.Path(__file__).resolve().parent
BUILD = ROOT / "build"
# Neither the package nor tools/ can be imported here.
_platform = runpy.run_path(str(ROOT / "mrrc_ct" / "_platform.py"))
this_platform = _platform["this_platform"]
library_name = _platform["library_name"]
CORES = _platform["CORES"]
#: The wheel with the cores of all platforms.
ANY = "any"


class Platform(NamedTuple):
    """What a platform is called: by Zig, and in the name of a wheel."""

    target: str
    tag: str


def _linux(
    machine: str, arch: str, floats: str = "", glibc: str = "2.17", linked: str = ""
) -> dict[str, Platform]:
    """A machine with musl, and with glibc from a version, linked as for that or for `linked`."""
    tag = f"manylinux_{glibc.replace('.', '_')}_{machine}"
    if glibc == "2.17":
        # By that name it was known before pip 20.3.
        tag = f"manylinux2014_{machine}.{tag}"
    return {
        f"linux-{machine}-glibc": Platform(f"{arch}-linux-gnu{floats}.{linked or glibc}", tag),
        f"linux-{machine}-musl": Platform(f"{arch}-linux-musl{floats}", f"musllinux_1_2_{machine}"),
    }


#: By the names of mrrc_ct/_platform.py.
PLATFORMS = {
    **_linux("x86_64", "x86_64"),
    **_linux("aarch64", "aarch64"),
    **_linux("armv7l", "arm", floats="eabihf"),
    **_linux("i686", "x86"),
    # The oldest that Zig has; nothing of it is used that was not there in 2.17, see auditwheel.
    **_linux("ppc64le", "powerpc64le", linked="2.19"),
    # The oldest that auditwheel has a rule for.
    **_linux("riscv64", "riscv64", glibc="2.31", linked="2.27"),
    **_linux("s390x", "s390x"),
    "macos-x86_64": Platform("x86_64-macos.10.13", "macosx_10_13_x86_64"),
    "macos-arm64": Platform("aarch64-macos.11.0", "macosx_11_0_arm64"),
    "windows-x86_64": Platform("x86_64-windows-gnu", "win_amd64"),
    "windows-arm64": Platform("aarch64-windows-gnu", "win_arm64"),
}


class CoreHook(BuildHookInterface):
    """Adds the core's library to the wheel and tags it for the platform, for any Python 3."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is put together; `version` is `standard` or `editable`."""
        wanted = os.environ.get("MRRC_CT_PLATFORM") or this_platform()
        build_data["tag"] = f"py3-none-{wheel_tag(wanted)}"
        build_data["pure_python"] = wanted == ANY
        if wanted == ANY:
            for platform in PLATFORMS:
                library = compile_core(platform)
                path = f"mrrc_ct/{CORES}/{platform}/{library.name}"
                build_data["force_include"][str(library)] = path
        elif version == "editable":
            library = compile_core(wanted)
            shutil.copy2(library, ROOT / "mrrc_ct" / library.name)
        else:
            library = compile_core(wanted)
            build_data["force_include"][str(library)] = f"mrrc_ct/{library.name}"
        # hatchling for Python 3.9 leaves this out.
        build_data.setdefault("sbom_files", []).append(self.write_sbom(wanted))

    def write_sbom(self, platform: str) -> str:
        """Write the bill of materials; its path from here."""
        name = self.metadata.name
        make = runpy.run_path(str(ROOT / "tools" / "sbom.py"))["sbom"]
        bill = make(name, self.metadata.version, platform == ANY or "windows" in platform)
        path = BUILD / platform / f"{name}.cdx.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")
        return path.relative_to(ROOT).as_posix()


def wheel_tag(platform: str) -> str:
    """The platform's tag in the wheel's name."""
    if platform in PLATFORMS:
        return PLATFORMS[platform].tag
    if platform == ANY:
        return ANY
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def compile_core(platform: str) -> pathlib.Path:
    """Compile the shared library for a platform; nothing is done where it is there already.

    ValueError for a platform that is neither known nor this one; subprocess.CalledProcessError when
    Zig cannot.
    """
    if platform not in PLATFORMS and platform != this_platform():
        raise ValueError(f"there is no platform {platform}: {', '.join([*PLATFORMS, ANY])}")
    folder = BUILD / platform
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / library_name(platform)
    commands = zig_commands(platform, library)
    made_of = folder / "made-of"
    wanted = _digest(commands)
    if library.exists() and made_of.exists() and made_of.read_text() == wanted:
        return library
    for command in commands:
        subprocess.run(
            [sys.executable, "-m", "ziglang", *command],
            cwd=ROOT / "zig",
            env=zig_environment(),
            check=True,
        )
    made_of.write_text(wanted)
    return library


def zig_commands(platform: str, library: pathlib.Path) -> list[list[str]]:
    """What Zig is told to make the library."""
    target = PLATFORMS[platform].target if platform in PLATFORMS else "native"
    options = ["-fstrip", "-O", os.environ.get("MRRC_CT_OPTIMIZE", "fast"), "-target", target]
    build = ["build-lib", *options, "-dynamic", "-lc", "-mcpu", "baseline", "--name", "mrrc_ct"]
    if platform.startswith("macos"):
        # It would have the path by which it was made.
        build += ["-install_name", f"@rpath/{library.name}"]
    if platform.startswith("windows"):
        build += ["-fno-emit-implib"]
    build += ["abi.zig", f"-femit-bin={library}"]
    if "x86_64" not in platform:
        return [build]
    # What cpu.zig chooses where the processor can do more than the baseline.
    wide = str(library.with_name("canonical_v3.o"))
    first = ["build-obj", *options, "-fPIC", "-mcpu", "x86_64_v3", "canonical_v3.zig"]
    return [[*first, f"-femit-bin={wide}"], [*build, wide]]


def zig_environment() -> dict[str, str]:
    """The environment with places for what Zig keeps."""
    environment = dict(os.environ)
    environment.setdefault("ZIG_LOCAL_CACHE_DIR", str(BUILD / "zig-local"))
    # Without a home directory Zig would not know where to keep what it compiles for all projects.
    if os.name != "nt" and not (environment.get("HOME") or environment.get("XDG_CACHE_HOME")):
        environment.setdefault("ZIG_GLOBAL_CACHE_DIR", str(BUILD / "zig-global"))
    return environment


def _digest(commands: list[list[str]]) -> str:
    """Of all that a library is made of."""
    made_of = hashlib.sha256(repr([version_of("ziglang"), commands]).encode())
    for source in sorted((ROOT / "zig").glob("*.zig")):
        made_of.update(f"{source.name} {source.stat().st_size}\n".encode() + source.read_bytes())
    return made_of.hexdigest()

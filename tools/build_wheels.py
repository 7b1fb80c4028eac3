"""Makes the wheels of all platforms on this machine, whichever that is, and checks each of them.

    pip install hatchling ziglang==0.17.1
    python tools/build_wheels.py                      # all, and one for any platform, in dist/
    python tools/build_wheels.py linux-x86_64-glibc any
    python tools/build_wheels.py --list

What hatch_build.py does for this machine's wheel is done for each platform, with cores compiled
first, as many at a time as there are processors. The same source makes the same bytes, with
whatever SOURCE_DATE_EPOCH says, or without it. Where auditwheel is installed it is asked, too.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import pathlib
import re
import struct
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hatch_build import ANY, CORES, PLATFORMS, compile_core, library_name, wheel_tag  # noqa: E402

#: What the head of a library says: ELF's class, byte order and machine, Mach-O's and PE's machine.
ELF = {
    "x86_64": (2, 1, 62),
    "aarch64": (2, 1, 183),
    "armv7l": (1, 1, 40),
    "i686": (1, 1, 3),
    "ppc64le": (2, 1, 21),
    "riscv64": (2, 1, 243),
    "s390x": (2, 2, 22),
}
MACH_O = {"x86_64": 0x0100_0007, "arm64": 0x0100_000C}
PE = {"x86_64": 0x8664, "arm64": 0xAA64}

#: What a wheel has beside the package.
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
METADATA_SBOM = "sboms/mrrc-ct.cdx.json"


class WheelInvalid(Exception):
    """A wheel is not what it says."""


def build_wheel(platform: str, target: pathlib.Path) -> pathlib.Path:
    """Make a platform's wheel, or the one of ANY, in a folder, and check it."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)],
        cwd=ROOT,
        env={**os.environ, "MRRC_CT_PLATFORM": platform},
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise WheelInvalid(f"the wheel of {platform} cannot be made: {done.stdout}{done.stderr}")
    (wheel,) = target.glob(f"*-py3-none-{wheel_tag(platform)}.whl")
    check_wheel(wheel, platform)
    if platform.startswith("linux") and importlib.util.find_spec("auditwheel"):
        audit(wheel, platform)
    return wheel


def check_wheel(wheel: pathlib.Path, platform: str) -> None:
    """Raise WheelInvalid unless there is the package in the wheel, its cores, and nothing else."""
    libraries = (
        {f"mrrc_ct/{CORES}/{one}/{library_name(one)}": one for one in PLATFORMS}
        if platform == ANY
        else {f"mrrc_ct/{library_name(platform)}": platform}
    )
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        info = "-".join(wheel.name.split("-")[:2]) + ".dist-info"
        wanted = package_files() | set(libraries)
        wanted |= {f"{info}/{name}" for name in [*METADATA, METADATA_SBOM]}
        if set(names) != wanted or len(names) != len(wanted):
            differing = ", ".join(sorted(set(names) ^ wanted)) or "a name twice"
            raise WheelInvalid(f"{wheel.name} has more or less than the package: {differing}")
        for name, one in libraries.items():
            check_library(archive.read(name), one, f"{wheel.name}: {name}")
        tags = [
            line for line in archive.read(f"{info}/WHEEL").decode().splitlines() if "Tag:" in line
        ]
    if tags != [f"Tag: py3-none-{tag}" for tag in wheel_tag(platform).split(".")]:
        raise WheelInvalid(f"{wheel.name} has the tags {tags}")


def audit(wheel: pathlib.Path, platform: str) -> None:
    """Raise WheelInvalid unless auditwheel finds what the tag promises of the C library."""
    tag = wheel_tag(platform).split(".")[-1]
    options, expected = [], f'platform tag: "{tag}"'
    if platform.endswith("musl"):
        # This machine's libraries are not asked. musl is libc.so by whatever name its file has;
        # auditwheel wants the one in Alpine Linux.
        options = ["--ldpaths", os.devnull]
        expected = 'required by the wheel: { "libc.so": null }'
    done = subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", *options, str(wheel)],
        check=False,
        capture_output=True,
        text=True,
    )
    if expected not in " ".join(done.stdout.split()):
        raise WheelInvalid(f"{wheel.name} is not {tag}: {done.stdout}{done.stderr}")


def package_files() -> set[str]:
    """The files of the package in the source, by their names in a wheel."""
    compiled = {".pyc", ".so", ".dylib", ".dll"}
    files = [path for path in (ROOT / "mrrc_ct").rglob("*") if path.is_file()]
    return {path.relative_to(ROOT).as_posix() for path in files if path.suffix not in compiled}


def check_library(data: bytes, platform: str, where: str) -> None:
    """Raise WheelInvalid for a library of another platform, or one that tells where it was made."""
    system, machine = platform.split("-")[:2]
    if system == "linux":
        bits, order, number = ELF[machine]
        found = data[:6] == b"\x7fELF" + bytes([bits, order])
        found = found and struct.unpack_from("<H" if order == 1 else ">H", data, 18)[0] == number
    elif system == "macos":
        found = struct.unpack_from("<II", data) == (0xFEED_FACF, MACH_O[machine])
    else:
        at = struct.unpack_from("<I", data, 0x3C)[0] if data[:2] == b"MZ" else 0
        found = data[at : at + 4] == b"PE\0\0"
        found = found and struct.unpack_from("<H", data, at + 4)[0] == PE[machine]
    if not found:
        raise WheelInvalid(f"{where} is no library for {platform}")
    # A quick build has names such as builtin.zig_backend, which are no paths.
    told = re.search(re.escape(str(ROOT)).encode() + rb"|\w+\.zig\b", data)
    if told is not None:
        raise WheelInvalid(f"{where} tells where it was made: {told[0]!r}")


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("platforms", nargs="*", help="all, and any, unless said")
    parser.add_argument("-o", "--output", default=ROOT / "dist", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--list", action="store_true", help="tell the platforms and their tags")
    options = parser.parse_args(arguments)
    known = [*PLATFORMS, ANY]
    if options.list:
        for platform in known:
            print(f"{platform:22} py3-none-{wheel_tag(platform)}")
        return 0
    wanted = options.platforms or known
    for platform in wanted:
        if platform not in known:
            parser.error(f"there is no platform {platform}; --list tells those that there are")
    options.output.mkdir(parents=True, exist_ok=True)
    compiled = list(PLATFORMS) if ANY in wanted else wanted
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_core, compiled))
    for platform in wanted:
        wheel = build_wheel(platform, options.output)
        data = wheel.read_bytes()
        print(f"{hashlib.sha256(data).hexdigest()}  {len(data):9,}  {wheel.name}", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (WheelInvalid, subprocess.CalledProcessError) as error:
        sys.exit(f"build_wheels: {error}")

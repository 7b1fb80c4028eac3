"""Runs the core's own tests as they are compiled for other platforms, on this machine.

    python zig/test_targets.py                    # all that can be run here
    python zig/test_targets.py linux-s390x-musl   # this one, or an error

Linux programs of other machines are run by qemu-user (Debian's qemu-user-static), those of
Windows by Wine. With musl they are linked statically, and need no system of that machine.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from hatch_build import PLATFORMS, zig_environment  # noqa: E402

#: By the machine, as qemu calls it; an empty name where the processor does it itself.
QEMU = {"armv7l": "arm", "i686": "i386"}
NATIVE = {"x86_64": ("x86_64", "i686"), "aarch64": ("aarch64",)}


def emulator(platform: str) -> list[str] | None:
    """What runs a platform's programs here; None where nothing does."""
    system, machine = platform.split("-")[:2]
    if system == "linux" and sys.platform == "linux":
        if machine in NATIVE.get(os.uname().machine, ()):
            return []
        name = f"qemu-{QEMU.get(machine, machine)}"
        found = shutil.which(f"{name}-static") or shutil.which(name)
    else:
        found = shutil.which("wine") if platform == "windows-x86_64" else None
    return [found] if found else None


def test(platform: str, runner: list[str]) -> bool:
    """Compile and run the tests; whether they pass."""
    options = ["-lc", "-O", "debug", "-mcpu", "baseline", "-target", PLATFORMS[platform].target]
    for argument in runner:
        options += ["--test-cmd", argument]
    if runner:
        options.append("--test-cmd-bin")
    done = subprocess.run(
        [sys.executable, "-m", "ziglang", "test", *options, "abi.zig"],
        cwd=ROOT / "zig",
        env={"WINEDEBUG": "-all", **zig_environment()},
        check=False,
    )
    return done.returncode == 0


def main(names: list[str]) -> int:
    """The command."""
    # What is linked with glibc would need that machine's.
    can_be = [platform for platform in PLATFORMS if not platform.endswith("glibc")]
    failed = []
    for platform in names or can_be:
        if platform not in can_be:
            sys.exit(f"test_targets: there is no {platform}: {', '.join(can_be)}")
        runner = emulator(platform)
        if runner is None:
            print(f"{platform}: nothing runs it here", flush=True)
            failed += [platform] if names else []
        else:
            print(f"{platform}: {' '.join(runner) or 'this machine'}", flush=True)
            failed += [] if test(platform, runner) else [platform]
    print(f"failed: {', '.join(failed)}" if failed else "none failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

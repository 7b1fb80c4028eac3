"""Write `zig/mrrc.h` and `mrrc_ct/_bindings.py`: `python zig/make_bindings.py [--check]`.

Both come from the types in `abi.zig`, by way of the Zig program `bindings.zig`. With `--check`
nothing is written and the exit status is 1 when a generated file is not what would be written.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys

ZIG = pathlib.Path(__file__).parent
TARGETS = {"header": ZIG / "mrrc.h", "python": ZIG.parent / "mrrc_ct" / "_bindings.py"}


def main() -> int:
    """Write the bindings, or with `--check` compare them."""
    stale = 0
    for language, path in TARGETS.items():
        command = [sys.executable, "-m", "ziglang", "run", "-lc", str(ZIG / "bindings.zig")]
        text = subprocess.run([*command, "--", language], check=True, stdout=subprocess.PIPE).stdout
        if "--check" not in sys.argv[1:]:
            path.write_bytes(text)
        elif not path.exists() or path.read_bytes() != text:
            print(f"{path.name} is stale: run python zig/make_bindings.py", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())

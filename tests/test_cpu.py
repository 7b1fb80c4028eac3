"""What the processor chooses makes no difference: both compilations of the core find the same."""

from __future__ import annotations

import hashlib
import os
import pathlib
import random
import subprocess
import sys

import pytest
from marc import iso2709, split

import mrrc_ct
from mrrc_ct import _bindings, _core

LEVELS = {_bindings.Cpu.BASELINE: "baseline", _bindings.Cpu.X86_64_V3: "x86_64_v3"}


def damaged(data: bytes, seed: int) -> bytes:
    """The records, most of them with something wrong in leader, directory or data."""
    chance = random.Random(seed)
    out = []
    for record in split(data):
        changed = bytearray(record)
        for _ in range(chance.randrange(4)):
            within = chance.choice([24, int(record[12:17]), len(record)])
            changed[chance.randrange(within)] = chance.choice(b"0123456789 \x1d\x1e\x1fa\xe9")
        out.append(bytes(changed))
    return b"".join(out)


def short_and_long() -> bytes:
    """Records of no fields to 40, of one field that is long, and of very many."""
    counts = [*range(41), 2000]
    records = [iso2709(*[(f"{100 + at % 800}", "  $ax")] * at) for at in counts]
    return b"".join(records) + iso2709(*[("500", "  $a" + "y" * 9000)] * 9)


def found(source: bytes) -> list[object]:
    """What is found in the bytes by everything that checks records."""
    report = mrrc_ct.convert(source, os.devnull, "marcxml", "marc")
    read: list[object] = []
    for record, error in mrrc_ct.MARCReader(source).iter_with_errors():
        try:
            read.append(str(error) if record is None else record.as_marc())
        except mrrc_ct.MarcError as unwritable:  # a terminator inside a field
            read.append(str(unwritable))
    counted = int(mrrc_ct.count(source))
    copied = pathlib.Path(os.environ["COPY"])
    mrrc_ct.convert(source, copied, "marc", "marc")
    errors = [str(error) for error in report.errors]
    return [read, counted, errors, hashlib.sha256(copied.read_bytes()).hexdigest()]


def tell(paths: list[str]) -> None:
    """Run in a process of its own: what is in use, and a digest of what was found."""
    print(_core._library.mrrc_cpu())
    for path in paths:
        told = repr(found(pathlib.Path(path).read_bytes()))
        print(hashlib.sha256(told.encode()).hexdigest(), len(told))


def told(paths: list[pathlib.Path], cpu: str, folder: pathlib.Path) -> list[str]:
    environment = {**os.environ, "MRRC_CT_CPU": cpu, "COPY": str(folder / "copy.mrc")}
    program = "import sys, test_cpu; test_cpu.tell(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, paths)],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=pathlib.Path(__file__).parent,
    )
    return done.stdout.splitlines()


def test_both_compilations_find_the_same(
    tmp_path: pathlib.Path, books: pathlib.Path, awkward: pathlib.Path
) -> None:
    data = books.read_bytes()
    paths = [books, awkward, tmp_path / "sizes.mrc"]
    paths[2].write_bytes(short_and_long())
    for seed in range(12):
        paths.append(tmp_path / f"damaged-{seed}.mrc")
        paths[-1].write_bytes(damaged(data, seed))
    baseline = told(paths, "baseline", tmp_path)
    assert LEVELS[int(baseline[0])] == "baseline"
    assert len(set(baseline[1:])) == len(paths)
    chosen = told(paths, "", tmp_path)
    assert chosen[1:] == baseline[1:]


@pytest.mark.skipif(not pathlib.Path("/proc/cpuinfo").exists(), reason="Linux tells what it has")
def test_the_processor_is_asked(tmp_path: pathlib.Path) -> None:
    """The system's own list says the same."""
    wanted = {"fma", "movbe", "avx", "f16c", "bmi1", "avx2", "bmi2", "abm"}
    flags = pathlib.Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0]
    expected = "x86_64_v3" if wanted <= set(flags.split()) else "baseline"
    assert LEVELS[int(told([], "", tmp_path)[0])] == expected
    assert LEVELS[int(told([], "something else", tmp_path)[0])] == expected

"""How many instructions the core takes for a record: a figure that is the same on every day.

    python benchmarks/instructions.py [--record] [--library FILE]

`instructions.c` does each piece of work to the sample in tests/data through the C interface, under
Valgrind (callgrind), once and twice; the difference is what one time takes. Compared with the
figures in `instructions.json`, which `--record` writes, more than ROOM above is a failure: exit
status 1. The library is that of the installed package unless another is named; the kept figures are
those of the wheel's optimized build.

What is counted is the library's own instructions. The C library's differ from one version, and from
one processor, to the next; so the program has its own memcpy, memmove and memset, which say how
often they were called and for how many bytes, and these stand for a fixed number of instructions.
What malloc and free take is left out. Linux only: without Valgrind, or on an architecture whose
figures are not kept, it says so, and that is no failure.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import importlib.util
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SAMPLE = HERE.parent / "tests" / "data" / "books.mrc"
KEPT = HERE / "instructions.json"
LIBRARY = "libmrrc_ct.so"
#: So much more than what is kept is a failure, so much less is told.
ROOM = 0.03
#: What a call of memcpy, memmove or memset counts as, and the bytes that count as one instruction
#: more: about what the C libraries' own take.
COPY_CALL, COPY_BYTES = 12, 16

#: The library's variants, each with the environment in which it is the one that runs. Figures are
#: kept for each; a further one is a line here and `--record`.
VARIANTS: dict[str, dict[str, str]] = {"baseline": {"MRRC_CT_CPU": "baseline"}}

#: What is done, by the names of instructions.c, and the form of the sample that it is done to.
WORK = {
    "scan": "marc",
    "scan in batches": "marc",
    "take apart": "marc",
    "ask": "marc",
    "assemble": "marc",
    "marc to marc": "marc",
    "marc to marcxml": "marc",
    "marc to jsonl": "marc",
    "marc to mrk": "marc",
    "marc to seq": "marc",
    "marc to line": "marc",
    "marcxml to marc": "marcxml",
    "jsonl to marc": "jsonl",
    "mrk to marc": "mrk",
    "seq to marc": "seq",
    "marc to nfd": "marc",
    "marc-8 to utf-8": "marc-8",
    "utf-8 to marc-8": "marc",
}

#: Instructions for a record, by work.
Figures = dict[str, int]


def compiled(library: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """The program, linked with a copy of the library beside it, which has the name it looks for."""
    program = folder / "instructions"
    shutil.copy(library, folder / LIBRARY)
    has_zig = importlib.util.find_spec("ziglang") is not None
    command = [sys.executable, "-m", "ziglang", "cc"] if has_zig else ["cc"]
    # Or the compiler would make a call of memmove of the loop that is memmove.
    command += ["-std=c99", "-O1", "-fno-builtin", f"-I{HERE.parent / 'zig'}"]
    command += [str(HERE / "instructions.c"), str(folder / LIBRARY), f"-Wl,-rpath,{folder}"]
    environment = {"ZIG_LOCAL_CACHE_DIR": str(folder / "zig-local"), **os.environ}
    subprocess.run([*command, "-o", str(program)], env=environment, check=True)
    return program


def forms_of_sample(folder: pathlib.Path) -> tuple[dict[str, pathlib.Path], int]:
    """The sample in each form that work is done to, and how many records it has."""
    import mrrc_ct

    forms = {"marc": SAMPLE, "marc-8": folder / "books.marc8"}
    done = mrrc_ct.convert(
        SAMPLE, forms["marc-8"], "marc", "marc", encoding="marc-8", unmappable="ncr"
    )
    for form in ("marcxml", "jsonl", "mrk", "seq"):
        forms[form] = folder / f"books.{form}"
        mrrc_ct.convert(SAMPLE, forms[form], form, "marc")
    return forms, done.records_written


def own_instructions(profile: str, library: str) -> int:
    """The library's instructions by a file of callgrind's, without those of what it calls."""
    names: dict[str, str] = {}
    count, name, is_of_call = 0, "", False
    for line in profile.splitlines():
        if line.startswith("ob="):
            # The first time with its name, `ob=(2) /lib/x.so`, then by number alone.
            number, _, path = line[3:].partition(" ")
            name = names.setdefault(number, path)
        elif line.startswith("cob="):
            number, _, path = line[4:].partition(" ")
            names.setdefault(number, path)
        elif line.startswith("calls="):
            is_of_call = True
        elif line[:1] and line[0] in "0123456789+-*":
            # A line number and a cost; behind `calls=` it is the cost of the callee.
            if not is_of_call and name.endswith(f"/{library}"):
                count += int(line.split()[1])
            is_of_call = False
    return count


def counted(
    program: pathlib.Path, work: str, path: pathlib.Path, environment: dict[str, str]
) -> int:
    """What doing the work once to a file takes."""
    counts = []
    for repetitions in (1, 2):
        with tempfile.NamedTemporaryFile("r") as profile:
            done = subprocess.run(
                [
                    *("valgrind", "--quiet", "--tool=callgrind", "--compress-pos=no"),
                    *(f"--callgrind-out-file={profile.name}", str(program)),
                    *(work, str(path), str(repetitions)),
                ],
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                check=True,
            )
            calls, size = map(int, done.stdout.split())
            own = own_instructions(profile.read(), LIBRARY)
        counts.append(own + calls * COPY_CALL + size // COPY_BYTES)
    return counts[1] - counts[0]


def measured(library: pathlib.Path, environment: dict[str, str]) -> Figures:
    """Instructions for a record of each piece of work."""
    workers = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    with tempfile.TemporaryDirectory() as name, workers as pool:
        folder = pathlib.Path(name)
        program = compiled(library, folder)
        forms, records = forms_of_sample(folder)
        found = {
            work: pool.submit(counted, program, work, forms[form], environment)
            for work, form in WORK.items()
        }
        return {work: round(count.result() / records) for work, count in found.items()}


def report(found: Figures, kept: Figures, variant: str) -> tuple[list[str], list[str]]:
    """The table's lines, and what is wrong: a line for each path that takes too many."""
    lines = [f"{variant:20}{'kept':>9}{'now':>9}", "-" * 38]
    slower = []
    for work, count in found.items():
        before = kept.get(work)
        if before is None:
            lines.append(f"{work:20}{'':>9}{count:9,}  new: record it")
            continue
        change = (count - before) / before
        note = f"  {change:+.1%}" if count != before else ""
        if change < -ROOM:
            note += ", a gain: record it"
        if change > ROOM:
            note += ", MORE"
            slower.append(f"{work}, {variant}: {before:,} a record, now {count:,} ({change:+.1%})")
        lines.append(f"{work:20}{before:9,}{count:9,}{note}")
    return lines, slower


def installed_library() -> pathlib.Path:
    """The core of the installed package."""
    import mrrc_ct

    return pathlib.Path(mrrc_ct.__file__).parent / LIBRARY


def main() -> int:
    """Count, compare, and record when told to; the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--record", action="store_true", help="write the figures that are kept")
    parser.add_argument("--library", type=pathlib.Path, help="another build to look at")
    options = parser.parse_args()
    machine = platform.machine()
    if shutil.which("valgrind") is None:
        print("no instructions are counted: there is no valgrind (Debian's package valgrind)")
        return 0
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if machine not in kept and not options.record:
        print(f"no instructions are counted: there are no figures for this machine, {machine}")
        return 0
    library = (options.library or installed_library()).resolve()
    slower = []
    for variant, environment in VARIANTS.items():
        found = measured(library, environment)
        lines, wrong = report(found, kept.get(machine, {}).get(variant, {}), variant)
        print("\n".join(lines), flush=True)
        slower += wrong
        kept.setdefault(machine, {})[variant] = found
    if options.record:
        KEPT.write_text(json.dumps(kept, indent=2) + "\n")
        print(f"recorded in {KEPT.relative_to(HERE.parent)}")
        return 0
    if slower:
        print(f"\nmore than {ROOM:.0%} more instructions than are kept:", *slower, sep="\n  ")
        print("Where that is worth it: python benchmarks/instructions.py --record, and say why.")
    return 1 if slower else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The package against its peers, on anyone's machine, in one command.

    python benchmarks/suite.py [FILE] [--rounds N] [--only WORDS] [--output FOLDER]

Makes an environment of its own with the peers (PyPI; `yaz-marcdump` from Debian, where it can be
had), fetches the records (the Library of Congress's file in pymarc's source distribution, its first
20,000 records; FILE is taken instead), runs this package and each peer in turn on the same data,
compares what they give before it believes a time, and writes `results.md`, `results.json` and
`results.svg` to the folder, build/benchmarks unless told otherwise.

A ratio is the median of those of neighbouring runs (A B A B); its spread stands behind it. Both
sides run on one processor, where the system allows that.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import gc
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
import venv
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from work import Corpus, Row

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parent / "build" / "benchmarks"
PEERS = ["mrrc==0.9.2", "pymarc==5.4.0", "matplotlib>=3"]
RECORDS = 20_000
LARGE = "pymarc-5.4.0/BooksAll.2016.part01.utf8"


def enter_environment() -> None:
    """Go on in an environment that has the peers and this package."""
    folder = FOLDER / "environment"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if pathlib.Path(sys.prefix) == folder:
        return
    if not python.exists():
        print(f"making an environment in {folder}", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    command = [python, "-m", "pip", "install", "--quiet", str(HERE.parent)]
    subprocess.run(command, check=True)
    if not shutil.which("yaz-marcdump") and shutil.which("apt-get") and os.getuid() == 0:
        subprocess.run(["apt-get", "install", "-y", "-qq", "yaz"], check=False)
    raise SystemExit(subprocess.run([python, __file__, *sys.argv[1:]], check=False).returncode)


def fetched() -> pathlib.Path:
    """The whole file of the Library of Congress, 250,000 records."""
    target = FOLDER / pathlib.Path(LARGE).name
    if not target.exists():
        print("fetching the records, 241 MB", flush=True)
        options = ["--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--quiet"]
        command = [sys.executable, "-m", "pip", "download", *options, "-d", str(FOLDER)]
        # pip asks the package's build system for its name; the file is there all the same.
        subprocess.run([*command, "pymarc==5.4.0"], check=False)
        with tarfile.open(FOLDER / "pymarc-5.4.0.tar.gz") as archive:
            source = archive.extractfile(LARGE)
            assert source is not None
            with open(target, "wb") as file:
                shutil.copyfileobj(source, file)
    return target


def corpus_of(path: pathlib.Path) -> Corpus:
    """The file in all the formats that are read."""
    from work import Corpus

    import mrrc_ct

    stem = FOLDER / path.name
    names = Corpus(str(path), *(f"{stem}.{one}" for one in ("marc8", "xml", "jsonl", "json")))
    for target, to in ((names.xml, "marcxml"), (names.jsonl, "jsonl"), (names.json, "json")):
        mrrc_ct.convert(path, target, to)
    if shutil.which("yaz-marcdump"):
        with open(names.marc8, "wb") as file:
            command = ["yaz-marcdump", "-f", "utf-8", "-t", "marc-8", "-l", "9=32", "-o", "marc"]
            subprocess.run([*command, str(path)], stdout=file, check=True)
    return names


def memchr_of(path: str) -> Callable[[], object]:
    """A pass of `memchr` over the bytes of a file, which tells its own time."""
    program = FOLDER / "control"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("there is no C compiler for benchmarks/control.c")
    command = [compiler, "-O2", "-pthread", str(HERE / "control.c"), "-o", str(program)]
    subprocess.run(command, check=True)

    def seconds() -> float:
        done = subprocess.run([program, "scan", "1", path], capture_output=True, check=True)
        return float(done.stdout.split()[0])

    return seconds


def seconds(work: Callable[[], object]) -> float:
    """How long the work takes; a result that is a float tells it itself."""
    gc.collect()
    begin = time.perf_counter()
    told = work()
    taken = time.perf_counter() - begin
    return told if isinstance(told, float) else taken


def measured(row: Row, rounds: int) -> dict[str, Any]:
    """A row's ratios and times."""
    equality = row.check()
    ours, theirs = [], []
    for _ in range(rounds + 1):
        ours.append(seconds(row.ours))
        theirs.append(seconds(row.theirs))
    # The first is for warming up.
    ratios = [other / mine for mine, other in zip(ours[1:], theirs[1:])]
    return {
        "work": row.name,
        "peer": row.peer,
        "at_least": row.target,
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "seconds": statistics.median(ours[1:]),
        "peer_seconds": statistics.median(theirs[1:]),
        "equal": equality,
    }


def growth(small: pathlib.Path, large: pathlib.Path, rounds: int) -> list[dict[str, Any]]:
    """What a record costs in a file of 20,000 and in one of 250,000."""
    import mrrc_ct

    def iterated(path: pathlib.Path) -> None:
        for _ in mrrc_ct.MARCReader(path):
            pass

    found = []
    works: dict[str, Callable[[pathlib.Path], object]] = {
        "iterate": iterated,
        "to MARCXML": lambda path: mrrc_ct.convert(path, os.devnull, "marcxml"),
        "count": mrrc_ct.count,
    }
    counts = {path: int(mrrc_ct.count(path)) for path in (small, large)}
    for name, work in works.items():
        ratios = []
        for _ in range(rounds + 1):
            times = {}
            for path, repeats in ((small, 12), (large, 1)):
                taken = seconds(lambda: [work(path) for _ in range(repeats)])  # noqa: B023
                times[path] = taken / repeats / counts[path]
            ratios.append(times[large] / times[small])
        memory = {path: memory_of(name, path) for path in (small, large)}
        found.append(
            {
                "work": name,
                "time_for_a_record": statistics.median(ratios[1:]),
                "peak_kib": [memory[small], memory[large]],
            }
        )
    return found


def memory_of(name: str, path: pathlib.Path) -> int:
    """The most memory that a process has which does the work, in KiB."""
    works = {
        "iterate": "for _ in mrrc_ct.MARCReader(path): pass",
        "to MARCXML": "mrrc_ct.convert(path, '/dev/null', 'marcxml')",
        "count": "mrrc_ct.count(path)",
    }
    code = f"import mrrc_ct, resource, sys\npath = sys.argv[1]\n{works[name]}\n"
    code += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, check=True, text=True
    )
    return int(done.stdout)


def machine() -> str:
    """What this ran on."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as file:
        name = next(line.split(":")[1].strip() for line in file if "model name" in line)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{name}, {os.cpu_count()} processors, {platform.system()}, {python}"


def markdown(found: dict[str, Any]) -> str:
    """The results as tables."""
    lines = [
        f"{found['machine']}; {found['date']}; {found['records']:,} records, "
        f"{found['rounds']} rounds. `{found['command']}`",
        "",
        "| work | peer | times as fast | spread | at least | a record | equal |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for row in found["rows"]:
        lines.append(
            f"| {row['work']} | {row['peer']} | **{row['ratio']:.1f}** | "
            f"{row['lowest']:.1f} to {row['highest']:.1f} | {row['at_least']:g} | "
            f"{row['seconds'] / row['records'] * 1e6:.2f} µs | {row['equal']} |"
        )
    if found["growth"]:
        lines += ["", "| work | a record of 250,000, against one of 20,000 | peak memory |"]
        lines += ["|---|--:|--:|"]
        for row in found["growth"]:
            small, large = row["peak_kib"]
            lines.append(
                f"| {row['work']} | {row['time_for_a_record']:.3f} times its time | "
                f"{small / 1024:.1f} and {large / 1024:.1f} MiB |"
            )
    return "\n".join(lines) + "\n"


def plot(found: dict[str, Any], target: pathlib.Path) -> None:
    """The ratios as bars, and what they should be."""
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    rows = found["rows"][::-1]
    figure, axes = pyplot.subplots(figsize=(9, 0.34 * len(rows) + 1.2))
    places = range(len(rows))
    colors = ["#2a6f97" if row["ratio"] >= row["at_least"] else "#c8553d" for row in rows]
    axes.barh(places, [row["ratio"] for row in rows], color=colors, height=0.62)
    axes.hlines(places, [row["lowest"] for row in rows], [row["highest"] for row in rows], "black")
    for place, row in zip(places, rows):
        axes.plot([row["at_least"]] * 2, [place - 0.4, place + 0.4], color="black", linewidth=2)
    axes.set_yticks(places, [f"{row['work'].replace('`', '')} — {row['peer']}" for row in rows])
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_xticks([0.5, 1, 2, 5, 10, 20, 50, 100])
    axes.minorticks_off()
    axes.set_xlabel("times as fast as the peer (the mark: what it is to be)")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(target)


def main() -> None:
    """Set up, run, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", nargs="?", help="ISO 2709 in UTF-8, instead of what is fetched")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--only", default="", help="the rows with these words in their name or peer"
    )
    parser.add_argument("--output", type=pathlib.Path, default=FOLDER)
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    enter_environment()
    from work import rows

    import mrrc_ct

    large = None
    path = pathlib.Path(options.file or FOLDER / "books.mrc").resolve()
    if options.file is None:
        large = fetched()
        records = zip(range(RECORDS), mrrc_ct.MARCReader(large))
        path.write_bytes(b"".join(record.as_marc() for _, record in records))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    count = int(mrrc_ct.count(path))
    found: dict[str, Any] = {
        "machine": machine(),
        "date": str(datetime.date.today()),
        "command": "python benchmarks/suite.py" + (" FILE" if options.file else ""),
        "records": count,
        "rounds": options.rounds,
        "rows": [],
        "growth": [],
    }
    corpus = corpus_of(path)
    for row in rows(corpus, memchr_of(str(path))):
        if options.only.lower() not in f"{row.name} {row.peer}".lower():
            continue
        if row.peer == "yaz-marcdump" and not shutil.which("yaz-marcdump"):
            print(f"{row.name}: left out, there is no yaz-marcdump")
            continue
        result = measured(row, options.rounds)
        result["records"] = 2000 if "serialized" in row.name or "tuples" in row.name else count
        found["rows"].append(result)
        print(
            f"{row.name}, {row.peer}: {result['ratio']:.1f} times as fast "
            f"({result['lowest']:.1f} to {result['highest']:.1f}), {row.target:g} wanted",
            flush=True,
        )
    if large is not None and not options.only:
        found["growth"] = growth(path, large, 3)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    (options.output / "results.md").write_text(markdown(found))
    if found["rows"]:
        plot(found, options.output / "results.svg")
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()

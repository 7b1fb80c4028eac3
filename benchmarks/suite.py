"""The package against its peers, on anyone's machine, in one command.

    python benchmarks/suite.py [FILE] [--rounds N] [--only WORDS] [--output FOLDER]
                               [--update-readme]

Makes an environment of its own with the peers (PyPI; `yaz-marcdump` from Debian, where it can be
had), fetches the records (the Library of Congress's file in pymarc's source distribution, its first
20,000 records; FILE, ISO 2709 in UTF-8, is taken instead), runs this package and each peer in turn
on the same data, compares what they give before it believes a time, and writes `results.md`,
`results.json` and plots to the folder, build/benchmarks unless told otherwise. With
`--update-readme` the tables go into the README, too.

measure.py says how times are taken, rows_records.py and rows_files.py what is compared with what,
growth.py what is done with the whole file of 250,000 records. For Linux and macOS.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import datetime
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tarfile
import venv
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from rows import Corpus, Row

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parent / "build" / "benchmarks"
PEERS = ["mrrc==0.9.2", "pymarc==5.4.0", "matplotlib>=3.7"]
#: These need Python 3.11; without them their rows are left out.
MORE_PEERS = ["polars-marc21==0.3.0", "marctable==0.5.0"]
RECORDS = 20_000
ARCHIVE = "pymarc-5.4.0"
LARGE = "BooksAll.2016.part01.utf8"


def enter_environment() -> None:
    """Go on in an environment that has the peers and this package."""
    folder = FOLDER / "environment"
    if pathlib.Path(sys.prefix).resolve() == folder.resolve():
        return
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making an environment in {folder}", flush=True)
        venv.create(folder, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, *PEERS], check=True)
    for peer in MORE_PEERS:
        subprocess.run([*install, peer], check=False)
    subprocess.run([*install, str(HERE.parent)], check=True)
    if not shutil.which("yaz-marcdump") and shutil.which("apt-get") and os.getuid() == 0:
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", "yaz"], check=False)
    raise SystemExit(subprocess.run([python, __file__, *sys.argv[1:]], check=False).returncode)


def fetched() -> pathlib.Path:
    """The whole file of the Library of Congress, 250,000 records."""
    target = FOLDER / LARGE
    if target.exists():
        return target
    print("fetching the records, 76 MB", flush=True)
    options = ["--quiet", "--no-deps", "--no-binary", "pymarc", "--dest", str(FOLDER)]
    command = [sys.executable, "-m", "pip", "download", *options, "pymarc==5.4.0"]
    subprocess.run(command, check=True)
    unfinished = target.with_suffix(".part")
    with tarfile.open(FOLDER / f"{ARCHIVE}.tar.gz") as archive, open(unfinished, "wb") as file:
        source = archive.extractfile(f"{ARCHIVE}/{LARGE}")
        assert source is not None
        shutil.copyfileobj(source, file)
    return unfinished.rename(target)


def corpus_of(path: pathlib.Path) -> Corpus:
    """The file in all the formats that are read."""
    from rows import Corpus

    import mrrc_ct

    stem = FOLDER / path.name
    forms = {form: f"{stem}.{form}" for form in ("marc8", "xml", "jsonl", "json", "empty")}
    for form, to in (("xml", "marcxml"), ("jsonl", "jsonl"), ("json", "json")):
        mrrc_ct.convert(path, forms[form], to)
    pathlib.Path(forms["empty"]).write_bytes(b"")
    if shutil.which("yaz-marcdump"):
        with open(forms["marc8"], "wb") as file:
            command = ["yaz-marcdump", "-f", "utf-8", "-t", "marc-8", "-l", "9=32", "-o", "marc"]
            subprocess.run([*command, str(path)], stdout=file, check=True)
    else:
        mrrc_ct.convert(path, forms["marc8"], "marc", encoding="marc-8")
    return Corpus(marc=str(path), records=int(mrrc_ct.count(path)), **forms)


def memchr_of() -> Callable[[bytes], object] | None:
    """A function that goes through bytes with `memchr`; None without a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        print("left out: there is no C compiler for benchmarks/memchr.c")
        return None
    library = FOLDER / "memchr.so"
    command = [compiler, "-O2", "-shared", "-fPIC", str(HERE / "memchr.c"), "-o", str(library)]
    subprocess.run(command, check=True)
    terminators = ctypes.CDLL(str(library)).terminators
    terminators.argtypes, terminators.restype = [ctypes.c_char_p, ctypes.c_size_t], ctypes.c_size_t
    return lambda data: terminators(data, len(data))


def all_rows(corpus: Corpus) -> list[Row]:
    """Every row, in the table's order. Further groups of rows are a line here."""
    import rows_files
    import rows_records

    found = [
        *rows_records.reading(corpus),
        *rows_records.looking(corpus),
        *rows_records.writing(corpus),
        *rows_records.building(corpus),
        *rows_files.converting(corpus),
        *rows_files.from_json(corpus),
        *rows_files.decoding(corpus),
        *rows_files.counting(corpus, memchr_of()),
        *rows_records.columns(corpus),
    ]
    if not shutil.which("yaz-marcdump"):
        print("left out: there is no yaz-marcdump (Debian's package yaz)")
        found = [row for row in found if row.peer != "yaz-marcdump"]
    return found


def measured(row: Row, rounds: int) -> dict[str, Any]:
    """A row's equality, ratios and times."""
    from measure import compared

    equality = row.check()
    times = compared(row.ours, row.theirs, rounds, row.start)
    return {
        "work": row.name,
        "peer": row.peer,
        "at_least": row.at_least,
        "ratio": times.ratio,
        "lowest": min(times.ratios),
        "highest": max(times.ratios),
        "seconds": times.ours,
        "peer_seconds": times.theirs,
        "start_seconds": times.start,
        "records": row.records,
        "rounds": [one._asdict() for one in times.rounds],
        "void": times.void,
        "is_disturbed": times.is_disturbed,
        "equal": equality,
    }


def machine() -> str:
    """What this ran on."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, StopIteration), open("/proc/cpuinfo") as file:
        name = next(line.split(":")[1].strip() for line in file if "model name" in line)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{name}, {os.cpu_count()} processors, {platform.system()}, {python}"


def command_of(options: argparse.Namespace) -> str:
    """The command that was given, a file by its name alone."""
    words = ["python benchmarks/suite.py"]
    words += [pathlib.Path(options.file).name] if options.file else []
    words += [f"--rounds {options.rounds}"] if options.rounds != ROUNDS else []
    words += [f"--only '{options.only}'"] if options.only else []
    return " ".join(words)


def write(found: dict[str, Any], folder: pathlib.Path) -> None:
    """The results, in all their forms."""
    import plots
    import report

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(found, indent=1) + "\n")
    (folder / "results.md").write_text(report.markdown(found))
    if found["rows"]:
        plots.plot(found, folder / "results.svg")
    if found["growth"]:
        plots.plot_growth(found, folder / "growth.svg")
    print(f"written to {folder}")


ROUNDS = 7


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("file", nargs="?", help="ISO 2709 in UTF-8, instead of what is fetched")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--only", default="", help="the rows with these words in their name or peer, or `growth`"
    )
    parser.add_argument("--output", type=pathlib.Path, default=FOLDER)
    parser.add_argument("--update-readme", action="store_true", help="put the tables there")
    options = parser.parse_args()
    if options.update_readme and options.only:
        parser.error("the README has all rows")
    return options


def main() -> None:
    """Set up, run, write."""
    options = parsed()
    FOLDER.mkdir(parents=True, exist_ok=True)
    enter_environment()
    import measure

    # Before anything is imported that starts threads.
    measure.pin()
    from report import times, update_readme

    import mrrc_ct

    large = None
    path = pathlib.Path(options.file or FOLDER / "books.mrc").resolve()
    if options.file is None:
        large = fetched()
        records = zip(range(RECORDS), mrrc_ct.MARCReader(large))
        path.write_bytes(b"".join(record.as_marc() for _, record in records))
    corpus = corpus_of(path)
    found: dict[str, Any] = {
        "machine": machine(),
        "date": str(datetime.date.today()),
        "command": command_of(options),
        "records": corpus.records,
        "rows": [],
        "growth": [],
    }
    for row in all_rows(corpus):
        if options.only.lower() not in f"{row.name} {row.peer}".lower():
            continue
        result = measured(row, options.rounds)
        found["rows"].append(result)
        wanted = "" if row.at_least is None else f", {row.at_least:g} wanted"
        void = f", {result['void']} rounds void" if result["void"] else ""
        void += ", busy machine" if result["is_disturbed"] else ""
        ratio, lowest, highest = (times(result[key]) for key in ("ratio", "lowest", "highest"))
        print(
            f"{row.name}, {row.peer}: {ratio} times as fast ({lowest} to {highest}{void}){wanted}",
            flush=True,
        )
    if large is not None and options.only in ("", "growth"):
        from growth import growth

        found["growth"] = growth(large, FOLDER, options.rounds)
    write(found, options.output)
    if options.update_readme:
        update_readme(found, HERE.parent / "README.md")


if __name__ == "__main__":
    main()

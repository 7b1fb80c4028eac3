"""What a second thread brings, measured against what it can bring on this machine at the time.

    python benchmarks/threads.py FILE [ROUNDS]

A round first runs a control in C (`control.c`) on one and on two threads: a spin, and a scan for
the record terminator. Where the spin gains less than 1.8, two cores were not there, and the round
is void. Then each piece of work is done by one thread and by two, the same total work. A line tells
the median gain, and the median of the gain divided by the control's in the same round. FILE should
be large: 200 MB and more. Needs a C compiler, or the package `ziglang`.

Before that, how fast a thread that only counts, in Python, goes on while another thread is at each
kind of work, in parts of the speed that it has alone: what the work leaves of the GIL.
"""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from typing import Callable

import mrrc_ct

HERE = pathlib.Path(__file__).parent
#: A round in which two threads spin less than so many times as fast as one tells nothing.
SPIN_MIN = 1.8


def compiled(folder: str) -> str:
    """The control, compiled."""
    program = os.path.join(folder, "control")
    compiler = shutil.which("cc")
    command = [compiler] if compiler else [sys.executable, "-m", "ziglang", "cc"]
    source = str(HERE / "control.c")
    subprocess.run([*command, "-O2", "-pthread", source, "-o", program], check=True)
    return program


def control(program: str, kind: str, path: str) -> float:
    """How many times as fast two threads are."""
    times = []
    for threads in ("1", "2"):
        done = subprocess.run(
            [program, kind, threads, path], check=True, stdout=subprocess.PIPE, text=True
        )
        times.append(float(done.stdout.split()[0]))
    return times[0] / times[1]


def timed(function: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def titles(path: str, start: int, stop: int) -> None:
    """Read a range with a title for each record."""
    for record in mrrc_ct.MARCReader(path, start=start, stop=stop):
        record.title()


def values(path: str, start: int, stop: int) -> None:
    """Work in Python: every value of every record."""
    for record in mrrc_ct.MARCReader(path, start=start, stop=stop):
        for field in record:
            field.value()


def at_once(make: Callable[..., threading.Thread], work: Callable[..., None], path: str) -> None:
    """Do the two halves of a file at the same time."""
    parts = [
        make(target=work, args=(path, start, stop))
        for start, stop in mrrc_ct.split_offsets(path, 2)
    ]
    for part in parts:
        part.start()
    for part in parts:
        part.join()


def write(path: str) -> None:
    """Read and write every record."""
    with mrrc_ct.MARCWriter(os.devnull) as writer:
        for record in mrrc_ct.MARCReader(path):
            writer.write(record)


def iterate(path: str) -> None:
    """Read every record."""
    for _ in mrrc_ct.MARCReader(path):
        pass


def drain(path: str) -> None:
    """Take every record from a pipeline."""
    for _ in mrrc_ct.ProducerConsumerPipeline(path):
        pass


def counted_beside(work: Callable[[], object] | None, seconds: float = 1.0) -> float:
    """Steps a second that a counting thread makes while this one works, or sleeps."""
    steps, is_over = 0, False

    def run() -> None:
        nonlocal steps
        while not is_over:
            steps += 1

    thread = threading.Thread(target=run)
    begin = time.perf_counter()
    thread.start()
    if work is None:
        time.sleep(seconds)
    while work is not None and time.perf_counter() - begin < seconds:
        work()
    took = time.perf_counter() - begin
    is_over = True
    thread.join()
    return steps / took


def print_shares(path: str) -> None:
    """What each kind of work leaves to another thread of Python's."""
    size = os.path.getsize(path)
    kinds: dict[str, Callable[[], object]] = {
        "count": lambda: mrrc_ct.count(path, "marc"),
        "convert": lambda: mrrc_ct.convert(path, os.devnull, "marcxml", "marc"),
        "convert, 2 threads": lambda: mrrc_ct.convert(
            path, os.devnull, "marcxml", "marc", threads=2
        ),
        "write as JSON": lambda: mrrc_ct.write(mrrc_ct.MARCReader(path), os.devnull, "jsonl"),
        "read": lambda: iterate(path),
        "read, pipeline": lambda: drain(path),
        "read and write": lambda: write(path),
        "read with titles": lambda: titles(path, 0, size),
        "read with all values": lambda: values(path, 0, size),
    }
    for name, work in kinds.items():
        alone = counted_beside(None)
        print(f"{name:24} leaves {counted_beside(work) / alone:.2f} to a counting thread")


def main() -> None:
    """Measure, and print a line for each kind of work."""
    path = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    size = os.path.getsize(path)
    print_shares(path)
    process = multiprocessing.get_context("fork").Process

    def converted(to: str, threads: int) -> None:
        mrrc_ct.convert(path, os.devnull, to, "marc", threads=threads)

    # The work by one thread and by two, and the control that goes with it.
    work: dict[str, tuple[Callable[[], object], Callable[[], object], str]] = {
        "convert to MARCXML": (
            lambda: converted("marcxml", 1),
            lambda: converted("marcxml", 2),
            "spin",
        ),
        "convert to JSON lines": (
            lambda: converted("jsonl", 1),
            lambda: converted("jsonl", 2),
            "spin",
        ),
        "count": (
            lambda: mrrc_ct.count(path, "marc"),
            lambda: mrrc_ct.count(path, "marc", threads=2),
            "scan",
        ),
        "read with titles": (
            lambda: titles(path, 0, size),
            lambda: at_once(threading.Thread, titles, path),
            "spin",
        ),
        "values, two processes": (
            lambda: values(path, 0, size),
            lambda: at_once(process, values, path),
            "spin",
        ),
    }
    try:
        import pyarrow  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        print("left out: columns, pyarrow is not here")
    else:

        def selected(threads: int) -> None:
            wanted = {"id": "001", "title": "245$a", "author": "100$a", "subjects": "650$a"}
            columns = mrrc_ct.select(path, wanted, threads=threads)
            for _ in pyarrow.RecordBatchReader.from_stream(columns):
                pass

        work["columns"] = lambda: selected(1), lambda: selected(2), "spin"
    gains: dict[str, list[float]] = {name: [] for name in work}
    shares: dict[str, list[float]] = {name: [] for name in work}
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(folder)
        void = 0
        for name, (one, two, kind) in work.items():
            for _ in range(rounds * 4):
                if len(gains[name]) == rounds:
                    break
                if control(program, "spin", path) < SPIN_MIN:
                    void += 1
                    continue
                reference = control(program, kind, path)
                gain = timed(one) / timed(two)
                gains[name].append(gain)
                shares[name].append(gain / reference)
    print(f"{rounds} rounds each, {void} void")
    for name in work:
        if not gains[name]:
            print(f"{name:24} never were two cores free")
            continue
        gain, share = sorted(gains[name]), sorted(shares[name])
        print(
            f"{name:24} {statistics.median(gain):.2f} times as fast "
            f"({gain[0]:.2f} to {gain[-1]:.2f}), {statistics.median(share):.2f} of the "
            f"{work[name][2]} ({share[0]:.2f} to {share[-1]:.2f})"
        )


if __name__ == "__main__":
    main()

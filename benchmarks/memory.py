"""The memory that readers, records, threads and pipelines take.

    python benchmarks/memory.py FILE

Prints a Markdown table: for each thing so many of them are made in a process of their own, and what
the process has gained in resident memory is divided by their number. Linux only (`/proc`).
"""

from __future__ import annotations

import subprocess
import sys
import textwrap

THREAD = """
import threading

def work(ready):
    reader = MARCReader(path)
    for _ in range(3000):
        next(reader)
    ready.release()
    threading.Event().wait()

def make():
    ready = threading.Semaphore(0)
    threading.Thread(target=work, args=(ready,), daemon=True).start()
    ready.acquire()
"""

#: What is made, how many of it, and how: `make()` gives one, which is kept.
THINGS = {
    "a record, as read": (5000, "records = MARCReader(path)\nmake = lambda: next(records)"),
    "the same, one field asked for": (
        5000,
        """
        records = MARCReader(path)
        def make():
            record = next(records)
            record["245"]
            return record
        """,
    ),
    "the same, all fields": (
        2000,
        """
        records = MARCReader(path)
        def make():
            record = next(records)
            record.fields
            return record
        """,
    ),
    "a reader that has read one record": (
        500,
        """
        def make():
            reader = MARCReader(path)
            next(reader)
            return reader
        """,
    ),
    "a reader in the middle of a file": (
        50,
        """
        def make():
            reader = MARCReader(path)
            for _ in range(3000):
                next(reader)
            return reader
        """,
    ),
    "a thread that reads, alone": (
        1,
        THREAD,
    ),
    "a thread that reads, one of four": (
        4,
        THREAD,
    ),
    "a pipeline, 1 worker": (20, "make = lambda: started(ProducerConsumerPipeline(path))"),
    "a pipeline for_latency": (
        20,
        "make = lambda: started(ProducerConsumerPipeline.for_latency(path))",
    ),
    "a pipeline for_throughput": (
        10,
        "make = lambda: started(ProducerConsumerPipeline.for_throughput(path, workers=2))",
    ),
    "a pipeline for_memory, 1 MiB": (
        20,
        "make = lambda: started(ProducerConsumerPipeline.for_memory(path, 1 << 20))",
    ),
}

PROGRAM = """
import os, sys, time
from mrrc_ct import MARCReader, ProducerConsumerPipeline

path, count = sys.argv[1], int(sys.argv[2])

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def started(pipeline):
    for _ in range(500):
        next(pipeline)
    time.sleep(0.05)  # it reads ahead as far as it may
    return pipeline

{make}
make()
before = resident()
kept = [make() for _ in range(count)]
print((resident() - before) // count)
os._exit(0)
"""


def main() -> None:
    """Measure each and print the table."""
    print("| what | bytes each |\n|---|---:|")
    for name, (count, make) in THINGS.items():
        program = PROGRAM.replace("{make}", textwrap.dedent(make))
        done = subprocess.run(
            [sys.executable, "-c", program, sys.argv[1], str(count)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        print(f"| {name} | {int(done.stdout):,} |")


if __name__ == "__main__":
    main()

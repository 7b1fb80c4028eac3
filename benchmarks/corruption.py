"""What one damage costs: random damages of a file, and what each reader still gives of it.

    python benchmarks/corruption.py FILE [DAMAGES] [SEED] [--peers]

The file is the first 1,000 records of FILE. A damage changes, inserts or removes one byte, zeroes
a block of up to 500 bytes, or cuts the file. For each reader a line tells how many damages cost it
records that were not touched, and how many of these it lost or altered, compared with what it gives
of the sound file. With `--peers` also for pymarc, mrrc and yaz-marcdump, where they are installed.
"""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import sys
import tempfile
from typing import Callable, NamedTuple

import mrrc_ct


class Damage(NamedTuple):
    """A damaged file, and the numbers of the records that were touched, from 0."""

    kind: str
    data: bytes
    touched: set[int]


KINDS = ("change", "insert", "remove", "zero", "cut")


def damaged(records: list[bytes], kind: str, chance: random.Random) -> Damage:
    """One random damage."""
    data = b"".join(records)
    at = chance.randrange(len(data))
    length = chance.randint(1, 500) if kind == "zero" else 1
    if kind == "cut":
        length = len(data) - at
    byte = bytes([chance.randrange(256)])
    middle = {"change": byte, "insert": byte + data[at : at + 1], "zero": bytes(length)}
    new = data[:at] + middle.get(kind, b"") + data[at + length :]
    touched, start = set(), 0
    for number, record in enumerate(records):
        # A byte that is inserted between two records touches neither.
        if (
            start < at + length
            and at < start + len(record)
            and not (kind == "insert" and start == at)
        ):
            touched.add(number)
        start += len(record)
    return Damage(kind, new, touched)


def lenient(data: bytes) -> list[bytes]:
    """The reader of this project."""
    return [record.as_marc() for record in mrrc_ct.MARCReader(data, recovery_mode="lenient")]


def pipeline(data: bytes) -> list[bytes]:
    """The pipeline of this project."""
    with mrrc_ct.ProducerConsumerPipeline(data, recovery_mode="lenient") as records:
        return [record.as_marc() for record in records]


def converted(data: bytes) -> list[bytes]:
    """The conversion of this project, to ISO 2709."""
    target = io.BytesIO()
    mrrc_ct.convert(data, target, "marc", "marc")
    return [piece + b"\x1d" for piece in target.getvalue().split(b"\x1d")[:-1]]


def repaired(data: bytes) -> list[bytes]:
    """The repair of this project."""
    target = io.BytesIO()
    mrrc_ct.repair(data, target, None, io.BytesIO(), from_="marc")
    return [piece + b"\x1d" for piece in target.getvalue().split(b"\x1d")[:-1]]


def pymarc(data: bytes) -> list[bytes]:
    """The reader of pymarc, which gives None for what it cannot read."""
    import pymarc

    reader = pymarc.MARCReader(io.BytesIO(data))
    return [record.as_marc() for record in reader if record is not None]


def mrrc(data: bytes) -> list[bytes]:
    """The reader of mrrc, in its lenient mode."""
    import mrrc

    found = []
    try:
        for record in mrrc.MARCReader(io.BytesIO(data), recovery_mode="lenient"):
            found.append(bytes(record.as_marc()))
    except mrrc.MrrcException:
        pass  # it ends there
    return found


def yaz(data: bytes) -> list[bytes]:
    """The output of yaz-marcdump."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        command = ["yaz-marcdump", "-i", "marc", "-o", "marc", file.name]
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return [piece + b"\x1d" for piece in out.split(b"\x1d")[:-1]]


def main() -> None:
    """Print a line for each reader."""
    arguments = [one for one in sys.argv[1:] if not one.startswith("--")]
    count = int(arguments[1]) if len(arguments) > 1 else 1000
    chance = random.Random(int(arguments[2]) if len(arguments) > 2 else 0)
    records = []
    for record in mrrc_ct.MARCReader(arguments[0]):
        records.append(record.as_marc())
        if len(records) == 1000:
            break
    readers: dict[str, Callable[[bytes], list[bytes]]] = {
        "reader": lenient,
        "pipeline": pipeline,
        "conversion": converted,
        "repair": repaired,
    }
    if "--peers" in sys.argv:
        readers.update({"pymarc": pymarc, "mrrc": mrrc})
        if shutil.which("yaz-marcdump"):
            readers["yaz-marcdump"] = yaz
    # What a reader makes of each record where nothing is damaged: some write it in another way.
    whole = {name: read(b"".join(records)) for name, read in readers.items()}
    for name, given in whole.items():
        if len(given) != len(records):
            sys.exit(f"{name} gives {len(given)} of the {len(records)} sound records")
    failed = {(name, kind): 0 for name in readers for kind in KINDS}
    missing = dict.fromkeys(readers, 0)
    for index in range(count):
        damage = damaged(records, KINDS[index % len(KINDS)], chance)
        for name, read in readers.items():
            got = set(read(damage.data))
            expected = [one for at, one in enumerate(whole[name]) if at not in damage.touched]
            lost = sum(one not in got for one in expected)
            missing[name] += lost
            if lost:
                failed[name, damage.kind] += 1
    for name in readers:
        kinds = ", ".join(f"{kind} {failed[name, kind]}" for kind in KINDS)
        print(f"{name:14} {missing[name]:8} untouched records lost; damages that did: {kinds}")


if __name__ == "__main__":
    main()

"""Input that is made to do harm: time stays linear, memory bounded, and nothing is expanded."""

from __future__ import annotations

import gzip
import io
import os
import pathlib
import subprocess
import sys
import textwrap
import time
import tracemalloc
from typing import Any, Callable

import pytest
from marc import LEADER, iso2709

import mrrc_ct
from mrrc_ct import (
    MARCReader,
    ProducerConsumerPipeline,
    Record,
    _source,
    cli,
    convert,
    count,
    errors,
    read,
)
from mrrc_ct import pymarc as dropin

ONE = iso2709(("001", "42"), ("245", "10$aOdes"))
FIELD = b'<datafield tag="245" ind1="1" ind2="0"><subfield code="a">x</subfield></datafield>'
L = LEADER.encode()


class Short(io.RawIOBase):
    """A source that gives little at once, and cannot be read from another place."""

    def __init__(self, data: bytes, size: int = 4096) -> None:
        self.data = data
        self.size = size
        self.at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        part = self.data[self.at : self.at + min(self.size, len(target))]
        target[: len(part)] = part
        self.at += len(part)
        return len(part)


class Endless(Short):
    """The same bytes again and again, so many in all."""

    def __init__(self, head: bytes, unit: bytes, total: int) -> None:
        super().__init__(head, 1 << 16)
        self.unit = unit * (1 + (1 << 16) // len(unit))
        self.left = total - len(head)

    def readinto(self, target: Any) -> int:
        count = super().readinto(target)
        if len(target) and not count and self.left > 0:
            self.data, self.at = self.unit[: self.left], 0
            self.left -= len(self.data)
            count = super().readinto(target)
        return count


class Sink(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


def drain(records: Any) -> list[Any]:
    """How many fields the records have, and what is wrong, in order."""
    found: list[Any] = []
    while True:
        try:
            found.append(len(next(records).fields))
        except StopIteration:
            return found
        except errors.MarcError as error:
            found.append((error.code, error.record_number, error.byte_offset, error.message))


def entries(count: int) -> bytes:
    return b"99999nam a2299999   4500" + b"245000900000" * count


#: What is repeated, and what stands before it, by format: each took time that grew with the square
#: of the length, or could.
REPEATED = {
    "marcxml": [
        b"<record><!DOCTYPE ",
        b"<!DOCTYPE ",
        b"<record>",
        b"<!--",
        b"<record><!--",
        b"<![CDATA[",
        b"<record><![CDATA[",
        b"<record><?",
        b'<record><controlfield tag="001">--><!--',
        b'<record><controlfield tag="001">]]><![CDATA[',
        b'<record><controlfield tag="001"/>' + b"<x/>" * 50,
        b'<record><a b="',
        b"<record></",
        FIELD,
    ],
    "json": [
        b'{"leader":',
        b'{"leader":"' + L + b'","x":',
        b'{"leader":"' + L + b'","x":[' + b"1," * 50,
        b'[{"x":',
        b"\n[",
        b"{ ",
        b'{"fields":[{"001":"',
        b'"',
    ],
    "mrk": [b"=LDR  \n", b"=001  x\n", b"{", b"\r", b"=245  10$a$"],
    "seq": [
        b"000000001 LDR   L \n",
        b"000000001 001   L ^\n",
        b"000000001 FMT   L \n",
        b"$",
        b"\r",
        b"\xff\n",
        b"x\n",
        b"000000001 24510 L $$a$",
    ],
    "marc": [
        b"\x1d",
        b"\x1e",
        b"\n",
        b"00026nam a2200025 a 4500xx",
        b"00026nam a2200025 a 4500x\x1d",
        b"x\x1d" + b"\n" * 50,
        b"0002600026",
        b"245000900000",
        entries(8000) + b"\x1e" + b"1E\x1e" * 100 + b"\x1d",
        b"j\x1d" + ONE,
        iso2709(("245", b"10\x1fa" + b"\x1b$1" * 3000)),
        iso2709(("245", b"10\x1fa" + b"\xe1" * 9000)),
    ],
}
HEADS = {
    "marcxml": b"<collection><record><leader>" + L + b"</leader>",
    "json": b'[{"leader":"' + L + b'","fields":[',
    "mrk": b"=LDR  " + L + b"\n",
    "seq": b"000000001 LDR   L " + L + b"\n",
    "marc": ONE + entries(2000) + b"\x1e",
}


def file_of(data: bytes, folder: pathlib.Path) -> str:
    path = folder / "hostile.mrc"
    path.write_bytes(data)
    return str(path)


def in_parts(data: bytes) -> Short:
    """As many reads however much there is: up to 1 MiB what is pushed is looked at with each."""
    return Short(data, max(1, len(data) // 16))


WAYS: dict[str, Callable[[bytes, str, pathlib.Path], object]] = {
    "read": lambda data, form, _: drain(read(data, form)),
    "read, a little at once": lambda data, form, _: drain(read(Short(data), form)),
    "convert": lambda data, form, _: convert(Short(data), Sink(), "jsonl", form),
    "count": lambda data, form, _: count(Short(data), form),
}
MARC_WAYS: dict[str, Callable[[bytes, str, pathlib.Path], object]] = {
    "strict": lambda data, form, _: convert(data, Sink(), "mrk", form, recovery_mode="strict"),
    "lenient": lambda data, form, _: list(MARCReader(Short(data), recovery_mode="lenient")),
    "threads": lambda data, form, folder: convert(
        file_of(data, folder), Sink(), "jsonl", form, threads=2
    ),
    "pushed": lambda data, form, _: convert(in_parts(data), Sink(), "jsonl", form, threads=2),
    "pipeline": lambda data, form, folder: drain(
        ProducerConsumerPipeline(file_of(data, folder), workers=2)
    ),
    "salvaging pipeline": lambda data, form, _: list(
        ProducerConsumerPipeline(in_parts(data), recovery_mode="lenient")
    ),
    "counting threads": lambda data, form, folder: count(file_of(data, folder), form, threads=2),
    "pymarc": lambda data, form, _: list(dropin.MARCReader(Short(data))),
}


@pytest.mark.parametrize(
    ("form", "way"),
    [(form, way) for form in REPEATED for way in WAYS] + [("marc", way) for way in MARC_WAYS],
)
def test_time_is_linear(
    form: str, way: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Up to there a live source is looked at again with each read, which is bounded, but not linear.
    monkeypatch.setattr(_source, "LIVE_MAX", 8192)
    work = {**WAYS, **MARC_WAYS}[way]

    def seconds(data: bytes) -> float:
        begin = time.process_time()
        work(data, form, tmp_path)
        return time.process_time() - begin

    for unit in REPEATED[form]:
        for head in (b"", HEADS[form]):
            small, large = (head + unit * (size // len(unit) + 1) for size in (20_000, 160_000))
            # Eight times as much in 64 times the time is what must not be.
            spent = seconds(small)
            # The machine may be busy with something else.
            assert any(seconds(large) < 20 * spent + 0.1 for _ in range(3)), (unit[:50], head[:10])


# ---- one record


def xml_record(size: int) -> bytes:
    text = "x" * size
    return (
        f'<record><leader>{LEADER}</leader><controlfield tag="001">{text}</controlfield></record>'
    ).encode()


def json_record(size: int) -> bytes:
    return f'{{"leader":"{LEADER}","fields":[{{"001":"{"x" * size}"}}]}}'.encode()


def mrk_record(size: int) -> bytes:
    return f"=LDR  {LEADER}\n=001  {'x' * size}\n\n".encode()


def seq_record(size: int) -> bytes:
    return f"{size:09} LDR   L {LEADER}\n{size:09} 001   L {'x' * size}\n".encode()


SIZED: dict[str, tuple[Callable[[int], bytes], bytes, bytes, bytes]] = {
    "marc": (lambda size: iso2709(("001", "x" * size)), b"", b"\n", b""),
    "marcxml": (xml_record, b"<collection>", b"\n", b"</collection>"),
    "json": (json_record, b"[", b",\n", b"]"),
    "jsonl": (json_record, b"", b"\n", b""),
    "mrk": (mrk_record, b"", b"", b""),
    "seq": (seq_record, b"", b"", b""),
}


@pytest.mark.parametrize("form", SIZED)
@pytest.mark.parametrize("limit", [1, 1000, 5000, 150_000, 1 << 30])
def test_a_record_that_is_too_long_costs_that_record(form: str, limit: int) -> None:
    make, head, between, tail = SIZED[form]
    sizes = [10, 2000, 20, 9000, 9000, 30]
    if form != "marc":
        sizes += [120_000, 40, 300_000, 50]
    records = [make(size) for size in sizes]
    source = head + between.join(records) + tail
    found = drain(read(source, form, max_record_bytes=limit))
    at = len(head)
    assert len(found) == len(records)
    for number, (record, one) in enumerate(zip(records, found), 1):
        if len(record) > limit:
            assert one[:3] == ("record-too-long", number, at)
            assert f"longer than {limit} bytes" in one[3]
        else:
            assert isinstance(one, int)
        at += len(record) + len(between)
    for size in (4096, 70_000):
        assert drain(read(Short(source, size), form, max_record_bytes=limit)) == found
    sound = sum(isinstance(one, int) for one in found)
    for mode in ("lenient", "strict"):
        report = convert(
            source,
            Sink(),
            "marcxml",
            form,
            max_record_bytes=limit,
            recovery_mode=mode,
        )
        assert (report.records_written, report.records_lost) == (sound, len(records) - sound)
        assert {error.code for error in report.errors} <= {"record-too-long"}
    assert count(source, form, max_record_bytes=limit) == sound


def test_marc_readers_have_the_limit(tmp_path: pathlib.Path) -> None:
    long = iso2709(("245", "10$a" + "x" * 5000))
    path = tmp_path / "some.mrc"
    path.write_bytes(ONE + long + ONE)
    for mode in ("strict", "lenient"):
        for reader in (
            MARCReader(path, max_record_bytes=1000, recovery_mode=mode),
            ProducerConsumerPipeline(path, max_record_bytes=1000, recovery_mode=mode),
        ):
            codes = [error and error.code for _, error in reader.iter_with_errors()]
            assert codes == [None, "record-too-long", None]
    assert count(path, threads=2, max_record_bytes=1000) == 2
    assert convert(path, Sink(), "mrk", threads=2, max_record_bytes=1000).records_written == 2
    for limit in (0, -1, (1 << 30) + 1):
        for call in (MARCReader, ProducerConsumerPipeline, read, count):
            with pytest.raises(ValueError, match="max_record_bytes"):
                call(path, max_record_bytes=limit)  # type: ignore[operator]
        with pytest.raises(ValueError, match="max_record_bytes"):
            convert(path, Sink(), "mrk", max_record_bytes=limit)


@pytest.mark.parametrize("size", [300, 100_001, 1 << 20])
def test_damage_without_an_end_comes_in_pieces(size: int) -> None:
    data = ONE + b"x" * 350_000 + b"\x1d" + ONE + b"\x1d" * 250_000 + ONE
    whole = list(
        MARCReader(data, recovery_mode="lenient", max_record_bytes=1000).iter_with_errors()
    )
    assert [record is not None for record, _ in whole] == [
        True,
        *[False] * 3,
        True,
        *[False] * 3,
        True,
    ]
    reader = MARCReader(Short(data, size), recovery_mode="lenient", max_record_bytes=1000)
    assert [str(error)[9:] for _, error in reader.iter_with_errors()] == [
        str(error)[9:] for _, error in whole
    ]
    assert reader.summary.bytes_skipped == 600_001


MEMORY = """
    import sys, mrrc_ct
    sys.path.insert(0, sys.argv[1])
    from test_hostile import Endless, Sink, drain, HEADS

    def peak():
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

    form, limit = sys.argv[2], 2 << 20
    unit = eval(sys.argv[3])
    options = {"max_record_bytes": limit}
    drain(mrrc_ct.read(Endless(HEADS[form], unit, 1 << 20), form, **options))
    before = peak()
    drain(mrrc_ct.read(Endless(HEADS[form], unit, 24 << 20), form, **options))
    mrrc_ct.convert(Endless(HEADS[form], unit, 24 << 20), Sink(), "mrk", form, **options)
    if form == "marc":
        source = Endless(HEADS[form], unit, 24 << 20)
        for _ in mrrc_ct.MARCReader(source, recovery_mode="lenient", **options):
            pass
        mrrc_ct.convert(Endless(b"", unit, 24 << 20), Sink(), "mrk", form, threads=2, **options)
    print((peak() - before) * 1024 / limit)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("form", "unit"),
    [
        ("marcxml", FIELD),
        ("marcxml", b"x"),
        ("json", b'{"001":""},'),
        ("json", b" "),
        ("mrk", b"=001  x\n"),
        ("mrk", b"\r"),
        ("seq", b"000000001 001   L x\n"),
        ("seq", b"\xff\n"),
        ("marc", b"x"),
        ("marc", b"\n"),
        ("marc", b"\x1e"),
        ("marc", b"245000900000"),
    ],
)
def test_memory_is_bounded_by_the_limit(form: str, unit: bytes) -> None:
    folder = str(pathlib.Path(__file__).parent)
    code = textwrap.dedent(MEMORY)
    arguments = [sys.executable, "-c", code, folder, form, repr(unit)]
    done = subprocess.run(arguments, capture_output=True, check=True, text=True)
    # What a process needs anyway is in it: 2 MiB are not much.
    assert float(done.stdout) < 20


def test_the_errors_that_are_kept_do_not_keep_their_records() -> None:
    data = (b"x" * 100_000 + b"\x1d" + ONE) * 20
    reader = MARCReader(data, recovery_mode="lenient")
    tracemalloc.start()
    try:
        assert len(list(reader)) == 20
        assert len(reader.summary.errors) == 20
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


# ---- packed data


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two sound records, and a field of 100 MB in so many KB."""
    path = tmp_path_factory.mktemp("packed") / "bomb.xml.gz"
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(b"<collection>" + xml_record(1) * 2 + b"\n")
        for _ in range(100):
            file.write(b"<!-- " + b" " * 1_000_000 + b"-->")
        file.write(xml_record(1) + b"</collection>")
    return str(path)


def test_packed_data_may_not_become_too_large(bomb: str, tmp_path: pathlib.Path) -> None:
    for call in (convert(bomb, Sink(), "mrk"), count(bomb).report):
        assert call.records_read == 2
        (error,) = [one for one in call.errors if isinstance(one, errors.SourceError)]
        assert isinstance(error, errors.ExpansionTooLarge)
        assert error.code == "expansion-too-large"
        assert "more than 200 times" in str(error)
        assert not call.ok
    found = drain(read(bomb))
    assert [one[0] for one in found[2:]] == ["expansion-too-large", "truncated-record"] or [
        one[0] for one in found[2:]
    ] == ["expansion-too-large", "xml-syntax-invalid"]
    for limit in (None, 100_000):
        assert count(bomb, max_expansion=limit) == 3
    with pytest.raises(ValueError, match="max_expansion"):
        count(bomb, max_expansion=0)
    target = str(tmp_path / "out.mrk")
    assert cli.main(["convert", bomb, "-o", target]) == 1
    assert cli.main(["convert", bomb, "-o", target, "--max-expansion", "0"]) == 0
    assert cli.main(["count", bomb, "--max-record-bytes", "50"]) == 1
    assert cli.main(["count", bomb, "--max-record-bytes", "0"]) == 2


def test_packed_marc_has_the_limit(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "bomb.mrc.gz")
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(ONE)
        for _ in range(80):
            file.write(b"\n" * 1_000_000)
        file.write(ONE)
    for reader in (MARCReader(path), ProducerConsumerPipeline(path)):
        assert next(reader).get("001")
        with pytest.raises(errors.ExpansionTooLarge):
            next(reader)
    assert len(list(MARCReader(path, max_expansion=None))) == 2
    assert len(list(ProducerConsumerPipeline(path, max_expansion=None))) == 2
    assert convert(path, Sink(), "mrk", threads=2).records_written == 1


# ---- XML

ENTITIES = [
    "<!DOCTYPE record [<!ENTITY a 'x'>]>",
    "<!DOCTYPE record [<!ELEMENT record ANY><!ENTITY % a 'x'>]>",
    "<!DOCTYPE record [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>",
    "<!DOCTYPE record SYSTEM 'x.dtd' [<!-- --> <!ENTITY a 'x'>]>",
]
BODY = (
    "<leader>00000nam a2200000   4500</leader>"
    '<datafield tag="245" ind1="1" ind2="0"><subfield code="a">Odes&amp;</subfield></datafield>'
)


@pytest.mark.parametrize("entities", ENTITIES)
def test_a_document_type_with_entities_is_refused(entities: str) -> None:
    document = f"<?xml version='1.0'?>\n{entities}<record>{BODY}</record>".encode()
    for size in (1, 50, 4096):
        records = read(Short(document, size), "marcxml")
        with pytest.raises(errors.XmlSyntaxInvalid, match="entities"):
            next(records)
        # What does not use them can be read.
        assert next(records).title() == "Odes&"
    for parse in (dropin.parse_xml_to_array, lambda file: dropin.map_xml(print, file)):
        with pytest.raises(errors.XmlSyntaxInvalid, match="entities"):
            parse(io.BytesIO(document))


@pytest.mark.parametrize(
    "document_type",
    ["<!DOCTYPE record>", "<!DOCTYPE record PUBLIC 'a' 'http://127.0.0.1:9/x.dtd'>"],
)
def test_another_document_type_is_left_alone(document_type: str) -> None:
    document = f"{document_type}<record>{BODY}</record>".encode()
    assert [record.title() for record in read(document, "marcxml")] == ["Odes&"]
    assert [record.title for record in dropin.parse_xml_to_array(io.BytesIO(document))] == ["Odes&"]


def test_a_lost_end_tag_costs_one_record() -> None:
    good = f"<record>{BODY}</record>"
    for lost, message in (
        (BODY, "a record inside a record"),
        (BODY[: BODY.index("</subfield>")], "an element inside the text"),
    ):
        document = f"<collection>{good}<record>{lost}{good}{good}</collection>"
        found = drain(read(document.encode(), "marcxml"))
        assert [isinstance(one, int) for one in found] == [True, False, True, True]
        assert message in found[1][3]


def test_nesting_has_a_limit() -> None:
    deep = 257
    xml = f"<record>{BODY}{'<a>' * deep}{'</a>' * deep}</record>"
    with pytest.raises(errors.XmlSyntaxInvalid, match="nested deeper"):
        mrrc_ct.xml_to_records(xml)
    with pytest.raises(errors.XmlSyntaxInvalid, match="nested deeper"):
        mrrc_ct.xml_to_records(f"{'<a>' * deep}<record>{BODY}</record>{'</a>' * deep}")
    for start, end in (("[", "]"), ('{"a":', "}")):
        value = start * deep + "1" + end * deep
        with pytest.raises(errors.JsonSyntaxInvalid, match="nested"):
            mrrc_ct.json_to_records(f'{{"leader":"{LEADER}","x":{value},"fields":[]}}')


@pytest.mark.parametrize(
    "name",
    ["unicode_escape", "raw_unicode_escape", "idna", "punycode", "utf-7", "rot13", "base64", "hex",
     "undefined", "zlib", "bz2", "utf-32", "cp037"],
)  # fmt: skip
def test_a_declared_encoding_is_one_of_characters(name: str) -> None:
    document = f"<?xml version='1.0' encoding='{name}'?><record>{BODY}</record>".encode()
    with pytest.raises(errors.FormatUnknown, match=name):
        list(read(document, "marcxml"))


@pytest.mark.parametrize("name", ["iso-8859-1", "Windows-1252", "shift_jis", "gb18030", "euc-kr"])
def test_real_encodings_are_read(name: str) -> None:
    document = f"<?xml version='1.0' encoding='{name}'?><record>{BODY}</record>".encode(name)
    assert [record.title() for record in read(document, "marcxml")] == ["Odes&"]


def test_the_dropin_has_the_bound_of_one_record() -> None:
    source = Endless(HEADS["marcxml"] + b"<controlfield tag='001'>", b"x", 80 << 20)
    with pytest.raises(errors.RecordTooLong):
        dropin.parse_xml_to_array(source)


def test_linked_fields_are_paired_in_one_go() -> None:
    titles = [("245", "10", [("6", f"880-{number:02}")]) for number in range(2000)]
    linked = [("880", "10", [("6", f"245-{number:02}")]) for number in range(2000)]
    record = Record.from_fields([*titles, *linked])
    begin = time.process_time()
    pairs = record.get_field_pairs("245")
    assert [other is not None for _, other in pairs] == [False] + [True] * 1999
    # It took two seconds to look for each among all.
    assert time.process_time() - begin < 0.5

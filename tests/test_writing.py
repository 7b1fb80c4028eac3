"""Writing ISO 2709 to paths and file objects."""

from __future__ import annotations

import bz2
import errno
import gc
import gzip
import io
import lzma
import os
import pathlib
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator

import pytest
from marc import iso2709, split

import mrrc_ct
from mrrc_ct import Field, MARCReader, MARCWriter, Record, Subfield, errors


def test_records_are_written_as_they_were_read(books: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out.mrc"
    with MARCWriter(path) as writer:
        for n, record in enumerate(MARCReader(books)):
            (writer.write if n % 2 else writer.write_record)(record)
    assert path.read_bytes() == books.read_bytes()


def test_a_file_object_stays_open_and_has_each_record_at_once(books: pathlib.Path) -> None:
    out = io.BytesIO()
    with MARCWriter(out) as writer:
        for n, record in enumerate(MARCReader(books), 1):
            writer.write(record)
            assert len(split(out.getvalue())) == n
    assert not out.closed


def test_a_record_written_to_a_pipe_is_delivered_before_the_pipe_closes() -> None:
    end, begin = os.pipe()
    with os.fdopen(end, "rb", buffering=0) as source, os.fdopen(begin, "wb", buffering=0) as target:
        writer = MARCWriter(target)
        for n in (1, 2):
            writer.write(Record(fields=[Field("001", data=f"{n}")]))
            assert source.read(1000) == iso2709(("001", f"{n}"))


class ShortWrites(io.RawIOBase):
    """Takes three bytes at a time, as raw files may."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: memoryview) -> int:  # type: ignore[override]
        self.data += bytes(data[:3])
        return min(3, len(data))


def test_short_writes_are_normal(books: pathlib.Path) -> None:
    out = ShortWrites()
    record = next(MARCReader(books))
    MARCWriter(out).write(record)
    assert out.data == record.as_marc()


@pytest.mark.parametrize(
    ("extension", "unpack"),
    [(".gz", gzip.decompress), (".bz2", bz2.decompress), (".xz", lzma.decompress)],
)
def test_packed_targets_are_packed(
    tmp_path: pathlib.Path, extension: str, unpack: object, books: pathlib.Path
) -> None:
    path = tmp_path / f"out.mrc{extension}"
    with MARCWriter(path) as writer:
        for record in MARCReader(books):
            writer.write(record)
    assert unpack(path.read_bytes()) == books.read_bytes()  # type: ignore[operator]
    mrrc_ct.convert(books, path, "marc")
    assert unpack(path.read_bytes()) == books.read_bytes()  # type: ignore[operator]


def test_encoding_says_what_to_write(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out.mrc"
    record = Record(fields=[Field("245", ("1", "0"), [Subfield("a", "Dvořák 😀")])])
    with MARCWriter(path, encoding="marc-8", unmappable="ncr") as writer:
        writer.write(record)
    assert b"Dvo\xe9r\xe2ak &#x1F600;" in path.read_bytes()
    assert path.read_bytes()[9:10] == b" "


def test_nothing_of_a_record_that_cannot_be_written_stays(tmp_path: pathlib.Path) -> None:
    good = Record(fields=[Field("001", data="1")])
    large = Record(fields=[Field("001", data="2"), Field("500", None, [Subfield("a", "x" * 9999)])])
    path = tmp_path / "out.mrc"
    with MARCWriter(path) as writer:
        writer.write(good)
        with pytest.raises(errors.FieldTooLong, match="500"):
            writer.write(large)
        writer.write(good)
    assert path.read_bytes() == good.as_marc() * 2


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(errors.WriteNeedsRecord):
        MARCWriter(io.BytesIO()).write(b"00026")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        MARCWriter(42)  # type: ignore[arg-type]


def test_a_closed_writer_refuses(tmp_path: pathlib.Path) -> None:
    writer = MARCWriter(tmp_path / "out.mrc")
    writer.close()
    writer.close()
    with pytest.raises(errors.WriterClosed):
        writer.write(Record())


def test_a_writer_that_is_not_closed_completes_its_file_and_warns(tmp_path: pathlib.Path) -> None:
    writer = MARCWriter(tmp_path / "out.mrc")
    writer.write(Record(fields=[Field("001", data="1")]))
    with pytest.warns(ResourceWarning, match=r"out\.mrc"):  # noqa: PT031
        del writer
        if sys.implementation.name == "pypy":
            gc.collect()  # nothing is gone at once there
    assert (tmp_path / "out.mrc").read_bytes() == iso2709(("001", "1"))


def test_a_target_that_takes_nothing_is_an_error(books: pathlib.Path) -> None:
    class Full(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int | None:  # type: ignore[override]
            return None

    with pytest.raises(errors.SourceError, match="takes nothing"):
        mrrc_ct.convert(books, Full(), "json")


def test_what_a_target_keeps_stays_what_it_was(books: pathlib.Path) -> None:
    class Keeper:
        def __init__(self) -> None:
            self.parts: list[bytes] = []

        def write(self, data: bytes) -> None:
            self.parts.append(data)

    keeper = Keeper()
    mrrc_ct.convert(books.read_bytes() * 20, keeper, "jsonl", "marc")  # type: ignore[arg-type]
    out = io.BytesIO()
    mrrc_ct.convert(books.read_bytes() * 20, out, "jsonl", "marc")
    assert b"".join(keeper.parts) == out.getvalue()


def test_a_target_that_cannot_be_opened_is_an_error(tmp_path: pathlib.Path) -> None:
    for path in (tmp_path, tmp_path / "no" / "out.mrc"):
        with pytest.raises(errors.SourceError, match=str(path)):
            MARCWriter(path)


ONE = iso2709(("001", "1"))


def names_in(folder: pathlib.Path) -> list[str]:
    """What lies in a folder: a temporary file would be seen."""
    return sorted(os.listdir(folder))


def record() -> Record:
    return Record(fields=[Field("001", data="1")])


class Ended(Exception):
    """Ends a `with` from inside."""


def test_a_file_is_replaced_when_its_writer_is_closed(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out.mrc"
    path.write_bytes(b"old")
    with MARCWriter(path) as writer:
        writer.write(record())
        writer.flush()
        assert path.read_bytes() == b"old"
        (temporary,) = set(names_in(tmp_path)) - {"out.mrc"}
        assert temporary.startswith(".out.mrc.mrrc-ct-")
        assert (tmp_path / temporary).read_bytes() == ONE
    assert path.read_bytes() == ONE
    assert names_in(tmp_path) == ["out.mrc"]


@pytest.mark.parametrize("ending", [Ended, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("name", ["out.mrc", "out.mrc.gz", "out.mrc.bz2", "out.mrc.xz"])
def test_an_exception_leaves_what_was_there(
    tmp_path: pathlib.Path, ending: type[BaseException], name: str
) -> None:
    path = tmp_path / name
    for there in ([], [name]):
        with pytest.raises(ending), MARCWriter(path) as writer:  # noqa: PT012
            for _ in range(20_000):  # more than waits in memory
                writer.write(record())
            raise ending
        with pytest.raises(errors.WriterClosed):
            writer.write(record())
        writer.close()
        assert names_in(tmp_path) == there
        assert not there or path.read_bytes() == b"old"
        path.write_bytes(b"old")


def test_whoever_reads_the_old_file_goes_on(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(ONE * 3)
    reader = MARCReader(path)
    with MARCWriter(path) as writer:
        for read in reader:
            writer.write(read)
            writer.write(read)
    assert path.read_bytes() == ONE * 6


@pytest.mark.skipif(os.name != "posix", reason="modes and owners as POSIX has them")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_modes_are_those_that_open_would_leave(tmp_path: pathlib.Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        for mode in (None, 0o600, 0o664, 0o755, 0o444 | 0o200):
            ours, theirs = tmp_path / "ours.mrc", tmp_path / "theirs.mrc"
            for path in (ours, theirs):
                path.unlink(missing_ok=True)
                if mode is not None:
                    path.write_bytes(b"old")
                    path.chmod(mode)
            MARCWriter(ours).close()
            theirs.open("wb").close()
            assert ours.stat().st_mode == theirs.stat().st_mode
    finally:
        os.umask(before)


def test_a_new_file_is_nobody_elses_before_it_has_the_old_ones_mode(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "out.mrc"
    path.write_bytes(b"old")
    path.chmod(0o600)
    writer = MARCWriter(path)
    (temporary,) = set(names_in(tmp_path)) - {"out.mrc"}
    assert stat.S_IMODE((tmp_path / temporary).stat().st_mode) == 0o600
    writer.close()


as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away and mounts"
)


@as_root
def test_the_owner_stays(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out.mrc"
    path.write_bytes(b"old")
    os.chown(path, 1234, 2345)
    path.chmod(0o640)
    MARCWriter(path).close()
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 2345, 0o640)
    assert status.st_size == 0


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="this system has no extended attributes")
def test_extended_attributes_stay(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "out.mrc"
    path.write_bytes(b"old")
    try:
        os.setxattr(path, "user.origin", b"loc.gov")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    MARCWriter(path).close()
    assert os.getxattr(path, "user.origin") == b"loc.gov"
    assert path.read_bytes() == b""


def as_nobody(path: pathlib.Path) -> str:
    """What is wrong when a user who is not root writes to a path."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import mrrc_ct, os, sys; os.setgid(65534); os.setgroups([]); os.setuid(65534)\n"
            "try:\n    mrrc_ct.MARCWriter(sys.argv[1]).close()\n"
            "except mrrc_ct.MarcError as error:\n    print(error)\n",
            str(path),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout


@pytest.fixture
def commons() -> Iterator[pathlib.Path]:
    """A folder that other users can reach."""
    import shutil
    import tempfile

    folder = pathlib.Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@as_root
def test_a_file_that_may_not_be_written_to_is_not_replaced(commons: pathlib.Path) -> None:
    path = commons / "out.mrc"
    path.write_bytes(b"old")
    path.chmod(0o444)
    assert as_nobody(path) == f"{path}: cannot write to: Permission denied\n"
    assert path.read_bytes() == b"old"
    assert names_in(commons) == ["out.mrc"]


@as_root
def test_a_file_in_a_folder_that_may_not_be_written_to_stays(commons: pathlib.Path) -> None:
    path = commons / "out.mrc"
    path.write_bytes(b"old")
    path.chmod(0o666)
    commons.chmod(0o755)
    said = as_nobody(path)
    assert said == f"{path}: cannot make a temporary file beside it: Permission denied\n"
    assert path.read_bytes() == b"old"


@as_root
def test_what_was_for_one_group_is_not_for_another(commons: pathlib.Path) -> None:
    path = commons / "out.mrc"
    path.write_bytes(b"old")
    os.chown(path, 65534, 1234)
    path.chmod(0o664)
    assert as_nobody(path) == ""
    status = path.stat()
    assert (status.st_gid, stat.S_IMODE(status.st_mode), status.st_size) == (65534, 0o644, 0)


def test_links_lead_to_the_file_that_is_replaced(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "file.mrc").write_bytes(b"old")
    (folder / "first").symlink_to("file.mrc")
    (tmp_path / "second.mrc").symlink_to("folder/first")
    (tmp_path / "dangling.mrc").symlink_to("folder/new.mrc")
    for name in ("second.mrc", "dangling.mrc"):
        with MARCWriter(tmp_path / name) as writer:
            writer.write(record())
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / name).read_bytes() == ONE
    assert names_in(folder) == ["file.mrc", "first", "new.mrc"]
    assert not (folder / "file.mrc").is_symlink()
    for link, target in (("loop.mrc", "loop.mrc"), ("lost.mrc", "no/file.mrc")):
        (tmp_path / link).symlink_to(target)
        with pytest.raises(errors.SourceError, match=link):
            MARCWriter(tmp_path / link)
    assert names_in(tmp_path) == ["dangling.mrc", "folder", "loop.mrc", "lost.mrc", "second.mrc"]


def test_another_name_of_a_file_keeps_the_old_one(tmp_path: pathlib.Path) -> None:
    path, other = tmp_path / "a.mrc", tmp_path / "b.mrc"
    path.write_bytes(b"old")
    os.link(path, other)
    with MARCWriter(path) as writer:
        writer.write(record())
    assert (path.read_bytes(), other.read_bytes()) == (ONE, b"old")


def test_names_may_be_as_long_as_the_system_has_them(tmp_path: pathlib.Path) -> None:
    for name in ("n" * 251 + ".mrc", "字" * 83 + ".mrc"):
        MARCWriter(tmp_path / name).close()
        assert (tmp_path / name).read_bytes() == b""


@pytest.mark.parametrize("name", ["", "new/", "new/.", "new/..", "."])
def test_names_that_are_those_of_no_file(
    tmp_path: pathlib.Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(errors.SourceError):
        MARCWriter(name)
    assert names_in(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
@pytest.mark.parametrize("is_link", [False, True])
def test_a_fifo_is_written_in_place(tmp_path: pathlib.Path, is_link: bool) -> None:
    path = tmp_path / "fifo.mrc"
    os.mkfifo(path)
    name = path
    if is_link:
        name = tmp_path / "link.mrc"
        name.symlink_to(path)
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(path.read_bytes()))
    thread.start()
    with MARCWriter(name) as writer:
        writer.write(record())
    thread.join(60)
    assert found == [ONE]
    assert path.is_fifo()


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="this system has no /dev/null")
def test_a_device_is_written_in_place() -> None:
    before = os.stat("/dev/null")
    with MARCWriter("/dev/null") as writer:
        writer.write(record())
    after = os.stat("/dev/null")
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("number", [1, 10_000])
def test_a_full_disk_is_an_error(number: int) -> None:
    with pytest.raises(errors.SourceError, match="/dev/full") as caught:  # noqa: PT012, SIM117
        with MARCWriter("/dev/full") as writer:
            for _ in range(number):
                writer.write(record())
    assert caught.value.errno == errno.ENOSPC


@pytest.fixture
def small(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
    """A disk of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root of a Linux can mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("name", ["out.mrc", "out.mrc.gz", "out.mrc.bz2", "out.mrc.xz"])
def test_a_disk_that_fills_leaves_what_was_there(small: pathlib.Path, name: str) -> None:
    path = small / name
    # What cannot be packed well fills the disk in every way.
    noise = Record(fields=[Field("500", None, [Subfield("a", os.urandom(4000).hex())])])
    for there in ([], [name]):
        writer = MARCWriter(path)
        with pytest.raises(errors.SourceError, match="No space left") as caught:  # noqa: PT012
            for _ in range(10_000):
                writer.write(noise)
                noise["500"]["a"] = os.urandom(4000).hex()
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
        assert str(path) in str(caught.value)
        assert ".mrrc-ct" not in str(caught.value)
        # A writer that has failed does not become a short file.
        with pytest.raises(errors.SourceError, match="before"):
            writer.close()
        writer.close()
        assert names_in(small) == there
        assert not there or path.read_bytes() == b"old"
        path.write_bytes(b"old")


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", ["out.mrc", "out.xml", "out.jsonl.gz"])
def test_a_conversion_on_a_disk_that_fills(
    small: pathlib.Path, books: pathlib.Path, name: str, threads: int
) -> None:
    path = small / name
    path.write_bytes(b"old")
    data = b"".join(
        iso2709(("001", str(n)), ("500", f"  $a{os.urandom(2000).hex()}")) for n in range(500)
    )
    with pytest.raises(errors.SourceError, match="No space left"):
        mrrc_ct.convert(data, path, from_="marc", threads=threads)
    assert names_in(small) == [name]
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("to", ["marc", "jsonl", "marcxml"])
def test_write_on_a_disk_that_fills(small: pathlib.Path, books: pathlib.Path, to: str) -> None:
    path = small / "out"
    path.write_bytes(b"old")
    records = (read for _ in range(20) for read in MARCReader(books))
    with pytest.raises(errors.SourceError, match="No space left"):
        mrrc_ct.write(records, path, to)
    assert names_in(small) == ["out"]
    assert path.read_bytes() == b"old"


KILLED = """
    import os, signal, sys, mrrc_ct
    name, is_before = sys.argv[2], sys.argv[3] == "before"
    call = getattr(os, name)
    def killed(*arguments):
        if not is_before:
            call(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)
    writer = mrrc_ct.MARCWriter(sys.argv[1])
    setattr(os, name, killed)
    writer.write(mrrc_ct.Record(fields=[mrrc_ct.Field("001", data="1")]))
    writer.close()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("moment", ["before", "behind"])
@pytest.mark.parametrize("call", ["write", "fsync", "close", "replace"])
def test_killed_at_each_step_of_completing_a_file(
    tmp_path: pathlib.Path, call: str, moment: str
) -> None:
    path = tmp_path / "out.mrc"
    path.write_bytes(b"old")
    code = textwrap.dedent(KILLED)
    done = subprocess.run([sys.executable, "-c", code, path, call, moment], check=False)
    assert done.returncode == -signal.SIGKILL
    is_replaced = (call, moment) == ("replace", "behind")
    assert path.read_bytes() == (ONE if is_replaced else b"old")


def limit_files() -> None:
    """Let files grow to 64 KiB, and let that be an error of the system's calls."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))


@pytest.mark.skipif(os.name != "posix", reason="this system has no such limit")
def test_a_limit_for_files_leaves_what_was_there(
    tmp_path: pathlib.Path, books: pathlib.Path
) -> None:
    path = tmp_path / "out.mrc"
    path.write_bytes(b"old")
    # 140,424 bytes wait in memory until the writer is closed: that is where it fails.
    code = (
        "import mrrc_ct, sys\n"
        "with mrrc_ct.MARCWriter(sys.argv[2]) as writer:\n"
        "    for record in mrrc_ct.MARCReader(sys.argv[1]): writer.write(record)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(books), str(path)],
        preexec_fn=limit_files,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"{path}: cannot write to: {os.strerror(errno.EFBIG)}".encode() in done.stderr
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["out.mrc"]


def test_a_write_that_is_interrupted_does_not_become_a_short_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.mrc"
    path.write_bytes(b"old")
    writer = MARCWriter(path)
    writer.write(record())

    def interrupt(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            writer.flush()
    writer.write(record())
    with pytest.raises(errors.SourceError, match="interrupted"):
        writer.close()
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["out.mrc"]


def test_short_writes_of_the_system_are_normal(
    tmp_path: pathlib.Path, books: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, view: write(descriptor, view[:1000]))
    for name, unpack in (("a.mrc", bytes), ("a.mrc.gz", gzip.decompress)):
        with MARCWriter(tmp_path / name) as writer:
            for read in MARCReader(books):
                writer.write(read)
        assert unpack((tmp_path / name).read_bytes()) == books.read_bytes()


def test_packing_the_same_gives_the_same(tmp_path: pathlib.Path, books: pathlib.Path) -> None:
    for name in ("a.mrc.gz", "b.mrc.gz"):
        mrrc_ct.convert(books, tmp_path / name)
    assert (tmp_path / "a.mrc.gz").read_bytes() == (tmp_path / "b.mrc.gz").read_bytes()


@pytest.mark.parametrize("name", ["out.mrc", "out.mrc.gz"])
def test_a_writer_in_a_cycle_completes_its_file(tmp_path: pathlib.Path, name: str) -> None:
    class Holder:
        pass

    path = tmp_path / name
    holder = Holder()
    holder.holder, holder.writer = holder, MARCWriter(path)  # type: ignore[attr-defined]
    holder.writer.write(record())  # type: ignore[attr-defined]
    del holder
    with pytest.warns(ResourceWarning, match="out"):
        gc.collect()
    data = path.read_bytes()
    assert (gzip.decompress(data) if name.endswith("gz") else data) == ONE
    assert names_in(tmp_path) == [name]


AT_EXIT = """
    import sys, mrrc_ct
    writer = mrrc_ct.MARCWriter(sys.argv[1])
    sys.writer = writer  # nobody collects it
    writer.write(mrrc_ct.Record(fields=[mrrc_ct.Field("001", data="1")]))
    other = mrrc_ct.MARCWriter(sys.argv[1] + ".gz")
    {}
"""


@pytest.mark.parametrize(("end", "status"), [("", 0), ("sys.exit(3)", 3), ("1 / 0", 1)])
@pytest.mark.parametrize("filter_", ["always", "error"])
def test_a_writer_is_completed_at_the_end_of_the_program(
    tmp_path: pathlib.Path, end: str, status: int, filter_: str
) -> None:
    path = tmp_path / "out.mrc"
    code = textwrap.dedent(AT_EXIT.format(end))
    done = subprocess.run(
        [sys.executable, "-W", filter_, "-c", code, str(path)], capture_output=True, check=False
    )
    assert done.returncode == status
    assert path.read_bytes() == ONE
    assert gzip.decompress((tmp_path / "out.mrc.gz").read_bytes()) == b""
    for name in (path, f"{path}.gz"):
        assert f"ResourceWarning: unclosed writer to {name}\n".encode() in done.stderr
    assert names_in(tmp_path) == ["out.mrc", "out.mrc.gz"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(
    "end",
    [
        "sys.exit()",
        "del writer; gc.collect()",
        "raise SystemExit",
        "refused(writer.close); os._exit(0)",
        "writer.write(record); refused(writer.flush); writer = None; os._exit(0)",
    ],
)
def test_a_process_that_is_forked_off_leaves_the_file_to_its_parent(
    tmp_path: pathlib.Path, end: str
) -> None:
    path = tmp_path / "out.mrc"
    code = """
        import gc, os, sys, mrrc_ct
        record = mrrc_ct.Record(fields=[mrrc_ct.Field("001", data="1")])
        def refused(call):
            try:
                call()
            except mrrc_ct.errors.WriterClosed:
                return
            os._exit(9)
        with mrrc_ct.MARCWriter(sys.argv[1]) as writer:
            writer.write(record)
            child = os.fork()
            if not child:
                {}
                os._exit(0)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            assert status == 0, status
            assert not os.path.exists(sys.argv[1])
            writer.write(record)
    """
    code = textwrap.dedent(code).replace("{}", end)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(path)], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert path.read_bytes() == ONE * 2
    assert names_in(tmp_path) == ["out.mrc"]

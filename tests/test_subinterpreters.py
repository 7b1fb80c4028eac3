"""The package in subinterpreters: as elsewhere, where ctypes can be loaded there."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import textwrap

import pytest

import mrrc_ct

if sys.implementation.name != "cpython":
    pytest.skip("only CPython has subinterpreters", allow_module_level=True)

#: What each version calls the module for them, and a way to run code in one.
RUN = """
    import sys
    if sys.version_info >= (3, 13):
        import _interpreters as interpreters
    else:
        import _xxsubinterpreters as interpreters

    def run_in_another(code, isolated=False):
        if sys.version_info >= (3, 13):
            number = interpreters.create("isolated" if isolated else "legacy")
        elif sys.version_info >= (3, 12):
            number = interpreters.create(isolated=isolated)
        else:
            number = interpreters.create()  # they have all that the main one has
        code = f"import sys; sys.path[:] = {sys.path!r}; sys.argv = {sys.argv!r}\\n{code}"
        failure = interpreters.run_string(number, code)
        interpreters.destroy(number)
        assert failure is None, failure
"""

#: Tells what is read, written and converted in every way.
WORK = r"""
import hashlib, io, os, sys
import mrrc_ct

path, total = sys.argv[1], hashlib.sha256()
for form in ("marcxml", "json", "jsonl", "marcjson", "mrk"):
    for threads in (1, 2):
        out = io.BytesIO()
        mrrc_ct.convert(path, out, form, threads=threads)
    total.update(out.getvalue())
    back = io.BytesIO()
    mrrc_ct.convert(out.getvalue(), back, "marc", form)
    assert back.getvalue() == open(path, "rb").read()
for record in mrrc_ct.MARCReader(path):
    total.update(str(record).encode())
    record["245"]["a"] = "changed"
    record.remove_fields("650")
    total.update(record.as_marc())
for record in mrrc_ct.ProducerConsumerPipeline(path, workers=2):
    total.update(record.as_marc())
out = io.BytesIO()
mrrc_ct.select(path, "001, 245$a, 650$a", "leader[6] == 'a'").to_csv(out)
total.update(out.getvalue())
try:
    next(mrrc_ct.MARCReader(b"12345 this is none"))
except mrrc_ct.MarcError as error:
    total.update(str(error).encode())
# Whole lines, however many write them.
os.write(1, f"{total.hexdigest()}\n".encode())
"""
CAN_BE_LOADED = pytest.mark.skipif(
    sys.version_info[:2] == (3, 12), reason="CPython 3.12 has no ctypes in isolated interpreters"
)
EITHER = pytest.mark.parametrize(
    "isolated",
    [
        pytest.param(False, id="legacy"),
        pytest.param(
            True,
            id="isolated",
            marks=[
                CAN_BE_LOADED,
                pytest.mark.skipif(sys.version_info < (3, 12), reason="there are none"),
            ],
        ),
    ],
)


def run(code: str, *arguments: object) -> list[str]:
    """What a process of its own prints, where `run_in_another` and WORK are there."""
    code = f"{textwrap.dedent(RUN)}\nWORK = {WORK!r}\n{textwrap.dedent(code)}"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


@EITHER
def test_the_work_of_a_subinterpreter_is_that_of_the_main_one(
    books: pathlib.Path, isolated: bool
) -> None:
    # Before it is imported by the main one, behind that, and when another has gone.
    told = run(
        f"""
        run_in_another(WORK, {isolated})
        exec(WORK, {{}})
        run_in_another(WORK, {isolated})
        exec(WORK, {{}})
        """,
        books,
    )
    assert len(told) == 4 and len(set(told)) == 1


@EITHER
def test_subinterpreters_work_at_the_same_time(books: pathlib.Path, isolated: bool) -> None:
    told = run(
        f"""
        import threading
        threads = [
            threading.Thread(target=run_in_another, args=(WORK, {isolated})) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        exec(WORK, {{}})
        for thread in threads:
            thread.join()
        """,
        books,
    )
    assert len(told) == 5 and len(set(told)) == 1


@EITHER
def test_a_writer_that_is_not_closed_is_when_its_interpreter_ends(
    books: pathlib.Path, tmp_path: pathlib.Path, isolated: bool
) -> None:
    code = """
import mrrc_ct, warnings
warnings.simplefilter("ignore", ResourceWarning)
writer = mrrc_ct.MARCWriter(sys.argv[2])
for record in mrrc_ct.MARCReader(sys.argv[1]):
    writer.write(record)
"""
    run(f"run_in_another({code!r}, {isolated})", books, tmp_path / "out.mrc")
    assert (tmp_path / "out.mrc").read_bytes() == books.read_bytes()


ARROW = """
import mrrc_ct

selection = mrrc_ct.select(sys.argv[1], "001")
for make in (selection.__arrow_c_schema__, selection.__arrow_c_stream__):
    try:
        make()
    except NotImplementedError as error:
        print(error)
# The source has not been opened.
assert selection.report is None
print(len(list(selection)))
"""


@EITHER
def test_tables_of_arrow_are_refused_and_those_of_the_main_interpreter_stay(
    books: pathlib.Path, isolated: bool
) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    told = run(
        f"""
        import mrrc_ct, pyarrow
        reader = pyarrow.RecordBatchReader.from_stream(
            mrrc_ct.select(sys.argv[1], "001", batch_size=10)
        )
        assert reader.read_next_batch().num_rows == 10
        run_in_another({ARROW!r}, {isolated})
        print(sum(batch.num_rows for batch in reader))
        """,
        books,
    )
    refused = (
        "there are no tables of Arrow's here: this is not Python's main interpreter. "
        "Rows come by iterating, and to_csv and to_jsonl write them"
    )
    assert told == [refused, refused, "150", "140"]


@pytest.mark.skipif(sys.version_info[:2] != (3, 12), reason="other versions load ctypes there")
def test_without_ctypes_the_import_says_so() -> None:
    code = "try:\n    import mrrc_ct\nexcept ImportError as error:\n    print(error)"
    (told,) = run(f"run_in_another({code!r}, True)")
    assert told == (
        "mrrc_ct needs ctypes, which cannot be loaded here: module _ctypes does not support "
        "loading in subinterpreters. Subinterpreters of CPython 3.12 have it only where they share "
        "the main interpreter's GIL; since 3.13 all have it"
    )


def test_without_ctypes_at_all_the_import_says_so() -> None:
    root = str(pathlib.Path(mrrc_ct.__file__).parents[1])
    (told,) = run(
        f"""
        sys.path.insert(0, {root!r})
        sys.modules["_ctypes"] = None
        try:
            import mrrc_ct
        except ImportError as error:
            print(error)
        """
    )
    assert told.startswith("mrrc_ct needs ctypes, which cannot be loaded here: ")

"""The package inside a zip file: its library comes out of it once, and nobody slips in another."""

from __future__ import annotations

import os
import pathlib
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import pytest

import mrrc_ct
from mrrc_ct import _platform

PACKAGE = pathlib.Path(mrrc_ct.__file__).parent
LIBRARY = pathlib.Path(_platform.find_library(str(PACKAGE)))
#: Tells where the library was loaded from.
WHERE = "import mrrc_ct._core as core; print(core._library._name)"

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid"), reason="these folders and permissions are those of POSIX systems"
)
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives folders away, mounts"
)


@pytest.fixture(scope="module")
def zipped(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The package alone, made a program by the zipapp module."""
    folder = tmp_path_factory.mktemp("zipped")
    ignored = shutil.ignore_patterns("__pycache__", "*.tmp")
    shutil.copytree(PACKAGE, folder / "app" / "mrrc_ct", ignore=ignored)
    # As docs/interpreters.md has it: what `zipapp --main` writes would forget the exit status.
    main = "import sys; from mrrc_ct.cli import main; sys.exit(main())"
    (folder / "app" / "__main__.py").write_text(main)
    target = folder / "mrrc-ct.pyz"
    command = [sys.executable, "-m", "zipapp", str(folder / "app"), "--compress"]
    subprocess.run([*command, "--output", str(target)], check=True)
    return target


class Home:
    """A user's folders, and programs that run there."""

    def __init__(self, folder: pathlib.Path, zipped: pathlib.Path) -> None:
        self.cache = folder / "cache"
        self.kept = self.cache / "mrrc-ct"
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.zipped = zipped
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "XDG_CACHE_HOME": str(self.cache),
            "HOME": str(folder),
            "TMPDIR": str(self.temporary),
        }

    def start(self, *arguments: str, **options: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            # The package that the tests run on is not to be found.
            [sys.executable, "-S", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,  # type: ignore[call-overload]
        )

    def run(self, *arguments: str, **options: object) -> str:
        process = self.start(*arguments, **options)
        out, error = process.communicate(timeout=100)
        assert process.returncode == 0, error
        return out

    def loaded(self, code: str = WHERE) -> pathlib.Path:
        """Where the library was loaded from by a program that has the zip file on its path."""
        return pathlib.Path(self.run("-c", self.with_path(code)).strip())

    def with_path(self, code: str) -> str:
        return f"import sys; sys.path.insert(0, {str(self.zipped)!r}); {code}"

    def path_kept(self) -> pathlib.Path:
        """Where the library is kept."""
        path = self.loaded()
        assert path.parent == self.kept
        return path


@pytest.fixture
def home(tmp_path: pathlib.Path, zipped: pathlib.Path) -> Home:
    if sys.platform != "linux":
        pytest.skip("the cache is where Linux has it")
    return Home(tmp_path, zipped)


def test_a_zipapp_is_the_command_line(home: Home, books: pathlib.Path) -> None:
    assert home.run(str(home.zipped), "count", str(books)) == "150\n"
    target = home.temporary / "out.xml"
    home.run(str(home.zipped), "convert", str(books), "-o", str(target))
    expected = home.temporary / "expected.xml"
    mrrc_ct.convert(books, expected)
    assert target.read_bytes() == expected.read_bytes()
    process = home.start(str(home.zipped), "count", "none.mrc")
    assert "none.mrc: cannot open" in process.communicate(timeout=100)[1]
    assert process.returncode == 2


def test_the_library_is_kept_for_the_next_program(home: Home) -> None:
    path = home.path_kept()
    assert path.read_bytes() == LIBRARY.read_bytes()
    assert stat.S_IMODE(home.cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.kept.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.stat()
    assert home.path_kept() == path
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(home.kept.iterdir()) == [path]
    assert not list(home.temporary.iterdir())


def test_a_relative_path_to_the_zip_file_will_do(home: Home) -> None:
    code = f"import sys; sys.path.insert(0, {home.zipped.name!r}); {WHERE}"
    assert home.run("-c", code, cwd=home.zipped.parent).strip() == str(home.path_kept())


def test_data_is_found_in_a_zip_file(home: Home) -> None:
    # 245 is there once, 650 may be repeated: that is in a table.
    code = "from mrrc_ct.paths import parse_columns as p; print([c.mode for c in p('245$a,650$a')])"
    assert home.run("-c", home.with_path(code)) == "['only', 'list']\n"


def test_programs_that_start_at_the_same_time_do_not_disturb_each_other(home: Home) -> None:
    # Each waits until the others are there, too.
    code = home.with_path(f"sys.stdin.read(1); {WHERE}")
    for _ in range(3):
        processes = [home.start("-c", code, stdin=subprocess.PIPE) for _ in range(6)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("x")
            process.stdin.flush()
        told = [process.communicate() for process in processes]
        assert [error for _, error in told] == [""] * len(processes)
        (path,) = home.kept.iterdir()
        assert {out.strip() for out, _ in told} == {str(path)}
        assert path.read_bytes() == LIBRARY.read_bytes()
        path.unlink()


# ---- what somebody else has put there


def planted() -> bytes:
    """A library that would be loaded: the core with a byte more."""
    return LIBRARY.read_bytes() + b"\0"


@pytest.mark.parametrize(
    "plant",
    [
        lambda path, other: path.write_bytes(planted()),
        lambda path, other: path.write_bytes(LIBRARY.read_bytes()[:-1] + b"x"),
        lambda path, other: path.write_bytes(b""),
        lambda path, other: (other.write_bytes(planted()), path.symlink_to(other)),
        lambda path, other: path.symlink_to(other),
        lambda path, other: os.mkfifo(path),
        # Sound, but others may change it at any moment.
        lambda path, other: (path.write_bytes(LIBRARY.read_bytes()), path.chmod(0o666)),
    ],
    ids=["longer", "changed", "cut", "link", "dead-link", "fifo", "writable"],
)
def test_another_file_in_its_place_is_replaced(home: Home, plant: object) -> None:
    path = home.path_kept()
    path.unlink()
    other = home.temporary / "other"
    plant(path, other)  # type: ignore[operator]
    assert home.path_kept() == path
    assert stat.S_ISREG(path.lstat().st_mode)
    assert path.read_bytes() == LIBRARY.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(home.kept.iterdir()) == [path]
    assert not other.exists() or other.read_bytes() == planted()


def give_away(path: pathlib.Path) -> None:
    os.chown(path, 65534, 65534)


def link_to_foreign(home: Home) -> None:
    home.kept.rename(home.cache / "elsewhere")
    home.kept.symlink_to(home.cache / "elsewhere")
    give_away(home.cache / "elsewhere")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda home: home.kept.chmod(0o777),
        lambda home: home.kept.chmod(0o770),
        lambda home: home.cache.chmod(0o777),
        lambda home: home.cache.parent.chmod(0o777),
        pytest.param(lambda home: give_away(home.kept), marks=as_root),
        pytest.param(lambda home: give_away(home.cache), marks=as_root),
        pytest.param(link_to_foreign, marks=as_root),
        lambda home: (shutil.rmtree(home.kept), home.kept.write_bytes(b"a file")),
        lambda home: (shutil.rmtree(home.kept), home.kept.symlink_to(home.cache / "nowhere")),
    ],
    ids=[
        *("all-write", "group-writes", "all-write-above", "all-write-far-above"),
        *("of-another", "of-another-above", "link-to-what-is-of-another", "file", "dead-link"),
    ],
)
def test_a_folder_that_is_not_the_users_alone_is_not_used(home: Home, spoil: object) -> None:
    path = home.path_kept()
    path.write_bytes(planted())
    spoil(home)  # type: ignore[operator]
    loaded = home.loaded()
    assert loaded.parent.parent == home.temporary
    assert loaded.parent.name.startswith("mrrc-ct-")
    assert not path.exists() or path.read_bytes() == planted()
    assert not list(home.temporary.iterdir())


def test_a_shared_folder_above_will_do_where_files_stay_their_owners(home: Home) -> None:
    home.cache.parent.chmod(0o1777)
    assert home.path_kept()


# ---- where nothing can be kept


def test_without_a_place_to_keep_it_the_library_is_there_for_a_moment(home: Home) -> None:
    shutil.rmtree(home.cache, ignore_errors=True)
    home.cache.write_bytes(b"a file")
    # Nothing is left behind by a program that is killed either.
    killed = f"{WHERE}; import os; sys.stdout.flush(); os.kill(os.getpid(), 9)"
    process = home.start("-c", home.with_path(killed))
    loaded = pathlib.Path(process.communicate()[0].strip())
    assert process.returncode == -9
    assert loaded.parent.parent == home.temporary
    assert not list(home.temporary.iterdir())


def test_without_a_home_the_library_is_there_for_a_moment(home: Home) -> None:
    home.environment["XDG_CACHE_HOME"] = "relative"
    home.environment["HOME"] = str(home.temporary / "missing" / "home")
    assert home.loaded().parent.parent == home.temporary
    assert not list(home.temporary.iterdir())


@pytest.fixture
def mounted(home: Home) -> Iterator[Home]:
    """A home whose cache is on a disk that nothing may be run from."""
    home.cache.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", "noexec,size=8m,mode=0700", "tmpfs", str(home.cache)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    yield home
    subprocess.run(["umount", "-l", str(home.cache)], check=True)


@as_root
def test_where_nothing_may_be_run_from_the_cache_the_library_is_elsewhere(mounted: Home) -> None:
    assert mounted.loaded().parent.parent == mounted.temporary
    assert not list(mounted.temporary.iterdir())


# ---- what is wrong with the zip file


def with_library(home: Home, files: dict[str, bytes]) -> None:
    """Let the zip file have these files instead of the library."""
    home.zipped, zipped = home.temporary.parent / "another.zip", home.zipped
    with zipfile.ZipFile(zipped) as old, zipfile.ZipFile(home.zipped, "w") as new:
        for name in old.namelist():
            if not name.endswith(LIBRARY.name):
                new.writestr(name, old.read(name))
        for name, data in files.items():
            new.writestr(f"mrrc_ct/{name}", data)


def test_of_cores_for_all_platforms_the_one_for_this_is_taken(home: Home) -> None:
    cores = f"{_platform.CORES}/{{}}/{LIBRARY.name}"
    platforms = {cores.format("linux-other"): b"none", cores.format("macos-arm64"): b"none"}
    here = cores.format(_platform.this_platform())
    with_library(home, {**platforms, here: LIBRARY.read_bytes()})
    assert home.path_kept().read_bytes() == LIBRARY.read_bytes()


@pytest.mark.parametrize(
    ("instead", "message"),
    [(None, "is missing, there is none for "), (b"no library", "cannot be loaded here: ")],
)
def test_a_library_that_is_missing_or_none_is_an_import_error(
    home: Home, instead: bytes | None, message: str
) -> None:
    with_library(home, {} if instead is None else {LIBRARY.name: instead})
    code = "\ntry:\n    import mrrc_ct\nexcept ImportError as error:\n    print(error)"
    told = home.run("-c", home.with_path(code))
    assert told.startswith("mrrc_ct: its compiled core ") and message in told
    assert not list(home.temporary.iterdir())

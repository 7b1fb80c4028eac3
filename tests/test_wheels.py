"""The wheels: what is in them, that they can be made again, and which core an environment gets."""

from __future__ import annotations

import importlib.util
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
import types
import zipfile
from typing import Any

import pytest

import mrrc_ct

ROOT = pathlib.Path(__file__).parents[1]
SOURCE = pathlib.Path(mrrc_ct.__file__).parent

for needed in ("hatchling", "ziglang"):
    if not importlib.util.find_spec(needed):
        pytest.skip(f"wheels are made with {needed}: pip install {needed}", allow_module_level=True)

sys.path.insert(0, str(ROOT / "tools"))
build_wheels = pytest.importorskip("build_wheels", reason="tools/ is not here")
hatch_build = sys.modules["hatch_build"]
PLATFORM = "linux-x86_64-glibc"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The one of PLATFORM, which needs no compiling where that was done before."""
    made: pathlib.Path = build_wheels.build_wheel(PLATFORM, tmp_path_factory.mktemp("wheels"))
    return made


def test_the_wheel_is_small(wheel: pathlib.Path) -> None:
    assert wheel.stat().st_size < 600_000


def test_the_wheel_holds_nothing_but_the_package(
    wheel: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    build_wheels.check_wheel(wheel, PLATFORM)
    # The check itself can fail: something more, something less, another library.
    other = tmp_path / wheel.name
    shutil.copy(wheel, other)
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr("tests/test_more.py", "")
    with pytest.raises(build_wheels.WheelInvalid, match=r"tests/test_more\.py"):
        build_wheels.check_wheel(other, PLATFORM)
    rewrite(wheel, other, {"mrrc_ct/py.typed": None})
    with pytest.raises(
        build_wheels.WheelInvalid, match=r"less than the package: mrrc_ct/py\.typed"
    ):
        build_wheels.check_wheel(other, PLATFORM)
    rewrite(wheel, other, {"mrrc_ct/libmrrc_ct.so": b"\x7fELF\x02\x01" + b"\0" * 12 + b"\xb7\0"})
    with pytest.raises(build_wheels.WheelInvalid, match="is no library for linux-x86_64"):
        build_wheels.check_wheel(other, PLATFORM)


def rewrite(wheel: pathlib.Path, target: pathlib.Path, changed: dict[str, bytes | None]) -> None:
    """Copy a wheel with other contents of some files, or without them."""
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            content = changed.get(name, source.read(name))
            if content is not None:
                copy.writestr(name, content)


def test_a_wheel_made_elsewhere_is_the_same(wheel: pathlib.Path, tmp_path: pathlib.Path) -> None:
    copied = ["mrrc_ct", "tools", "zig", "hatch_build.py", "pyproject.toml", "README.md", "LICENSE"]
    elsewhere = tmp_path / "a folder elsewhere"
    elsewhere.mkdir()
    for name in [*copied, ".gitignore"]:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, elsewhere / name, copy_function=shutil.copyfile)
        elif (ROOT / name).exists():
            shutil.copyfile(ROOT / name, elsewhere / name)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=elsewhere,
        env={**os.environ, "MRRC_CT_PLATFORM": PLATFORM},
        check=True,
        capture_output=True,
    )
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_bill_of_materials_names_what_is_inside(wheel: pathlib.Path) -> None:
    import json

    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if ".dist-info/sboms/" in name]
        bill = json.loads(archive.read(name))
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "mrrc-ct")
    assert bill["metadata"]["component"]["version"] == mrrc_ct.__version__
    versions = {part["name"]: part.get("version") for part in bill["components"]}
    pinned = re.search(r'"ziglang==([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert pinned and versions["zig-std"] == pinned[1]
    assert set(versions) == {"zig-std", "unicode-character-database", "marc-8-code-tables"}


def test_pip_takes_the_tags_of_this_platform() -> None:
    tags = pytest.importorskip("packaging.tags")
    platform = hatch_build.this_platform()
    if platform not in hatch_build.PLATFORMS:
        pytest.skip(f"there are no wheels for {platform}")
    taken = {str(tag) for tag in tags.sys_tags()}
    assert {f"py3-none-{tag}" for tag in hatch_build.wheel_tag(platform).split(".")} <= taken


# ---- which core an environment gets


def platform_of(monkeypatch: pytest.MonkeyPatch, **said: Any) -> str:
    """The platform where system, machine, size of words and C library are others."""
    names = runpy.run_path(str(SOURCE / "_platform.py"))
    this_platform = names["this_platform"]
    fake_sys = types.SimpleNamespace(
        platform=said.get("system", "linux"), maxsize=said.get("maxsize", (1 << 63) - 1)
    )

    def confstr(name: str) -> str | None:
        assert name == "CS_GNU_LIBC_VERSION"
        answer = said.get("libc", "glibc 2.36")
        if isinstance(answer, Exception):
            raise answer
        return answer

    fake_os = types.SimpleNamespace(
        uname=lambda: types.SimpleNamespace(machine=said["machine"]), confstr=confstr
    )
    monkeypatch.setitem(this_platform.__globals__, "sys", fake_sys)
    monkeypatch.setitem(this_platform.__globals__, "os", fake_os)
    return str(this_platform())


NARROW = (1 << 31) - 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"machine": "x86_64"}, "linux-x86_64-glibc"),
        # What musl says, and what Python says where the C library does not know the question.
        ({"machine": "x86_64", "libc": None}, "linux-x86_64-musl"),
        ({"machine": "aarch64", "libc": ValueError()}, "linux-aarch64-musl"),
        # A kernel of 64 bits under a Python of 32.
        ({"machine": "x86_64", "maxsize": NARROW}, "linux-i686-glibc"),
        ({"machine": "aarch64", "maxsize": NARROW}, "linux-armv7l-glibc"),
        ({"machine": "armv8l", "maxsize": NARROW}, "linux-armv7l-glibc"),
        ({"machine": "armv6l", "maxsize": NARROW}, "linux-armv6l-glibc"),
        ({"machine": "i586", "maxsize": NARROW}, "linux-i686-glibc"),
        ({"system": "darwin", "machine": "arm64"}, "macos-arm64"),
        ({"system": "freebsd14", "machine": "amd64"}, "freebsd14-x86_64"),
    ],
)
def test_the_platform_is_told_by_what_python_says(
    said: dict[str, Any], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert platform_of(monkeypatch, **said) == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [("win-amd64", "windows-x86_64"), ("win-arm64", "windows-arm64"), ("win32", "windows-win32")],
)
def test_on_windows_the_platform_is_that_of_the_program(
    said: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_platform", lambda: said)
    assert platform_of(monkeypatch, system="win32", machine="") == expected


def python(folder: pathlib.Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def carrying(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with a package as the wheel for any platform has it: here with two cores."""
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.dylib", "*.dll")
    shutil.copytree(SOURCE, tmp_path / "mrrc_ct", ignore=ignored)
    here = runpy.run_path(str(SOURCE / "_platform.py"))
    cores = tmp_path / "mrrc_ct" / here["CORES"]
    name = here["library_name"](here["this_platform"]())
    for platform in (here["this_platform"](), "linux-other-glibc"):
        (cores / platform).mkdir(parents=True)
        shutil.copy(SOURCE / name, cores / platform)
    return tmp_path


def test_the_core_of_this_platform_is_found_among_many(
    carrying: pathlib.Path, books: pathlib.Path
) -> None:
    done = python(
        carrying, f"import mrrc_ct; print(mrrc_ct.__file__, mrrc_ct.count({str(books)!r}))"
    )
    assert done.stdout.split() == [str(carrying / "mrrc_ct" / "__init__.py"), "150"], done.stderr


def test_no_core_for_a_platform_is_one_clear_import_error(carrying: pathlib.Path) -> None:
    code = "import os, sys; os.uname = lambda: os.uname_result(('','','','','vax')); import mrrc_ct"
    done = python(carrying, f"import os; real = os.uname; {code}")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: mrrc_ct: there is no compiled core for "), done.stderr
    assert "-vax" in last and "linux-other-glibc" in last


def test_a_core_that_cannot_be_loaded_is_one_clear_import_error(carrying: pathlib.Path) -> None:
    for library in (carrying / "mrrc_ct" / "cores").glob("*/*"):
        library.write_bytes(b"not a library")
    last = python(carrying, "import mrrc_ct").stderr.splitlines()[-1]
    assert last.startswith("ImportError: mrrc_ct: its compiled core cannot be loaded here: ")


def test_a_package_without_a_core_says_how_to_make_it(carrying: pathlib.Path) -> None:
    shutil.rmtree(carrying / "mrrc_ct" / "cores")
    last = python(carrying, "import mrrc_ct").stderr.splitlines()[-1]
    assert last.startswith("ImportError: mrrc_ct: its compiled core is missing, there is no ")
    assert "pip install -e ." in last

"""The manual's pages and the completion of the command line, shown to what reads them."""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import subprocess
from typing import Any

import pytest
from command import Command

from mrrc_ct.cli import COMMANDS, man, parser_of
from mrrc_ct.cli.described import Described

PAGES = ["", *COMMANDS]


def needs(program: str) -> Any:
    found = shutil.which(program)
    return pytest.mark.skipif(found is None, reason=f"there is no {program}")


def run(*arguments: object, stdin: str = "", cwd: Any = None) -> str:
    """What a program writes, to both streams."""
    done = subprocess.run(
        list(map(str, arguments)),
        input=stdin,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


# ---- pages


@needs("mandoc")
@pytest.mark.parametrize("name", PAGES)
def test_mandoc_has_nothing_to_say_of_a_page(name: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "page.1"
    path.write_text(man.page(name))
    assert run("mandoc", "-Tlint", "-W", "warning", path) == ""


@needs("groff")
@pytest.mark.parametrize("name", PAGES)
def test_groff_has_nothing_to_say_of_a_page(name: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "page.1"
    path.write_text(man.page(name))
    assert run("sh", "-c", 'groff -man -ww -Tutf8 "$1" >/dev/null', "sh", path) == ""


@needs("mandoc")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_page_shows_all_that_a_command_takes(name: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "page.1"
    path.write_text(man.page(name))
    shown = run("sh", "-c", 'mandoc -Tutf8 -Owidth=500 "$1" | col -bx', "sh", path)
    lines = [line.strip() for line in shown.splitlines()]
    command = Described(name)
    summary = command.summary[0].lower() + command.summary[1:-1]
    assert f"mrrc-ct-{name} - {summary}" in lines
    assert command.usage in lines
    for one in command.arguments:
        names = ", ".join(one.flags)
        assert any(line.startswith(f"{names} {one.value}".strip()) for line in lines), names
        assert one.help in shown
    _, examples = re.split(r"examples?:\n", parser_of(name).epilog or "")
    for line in examples.splitlines():
        assert line.strip() in lines


@needs("man")
def test_man_shows_a_page(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "mrrc-ct-convert.1"
    path.write_text(man.page("convert"))
    shown = run("man", path)
    assert "MRRC-CT-CONVERT(1)" in shown and "SEE ALSO" in shown


def test_what_means_something_to_roff_is_escaped() -> None:
    text = man._text(".a \\ 'b' `c` \"d\" ^~ …-")
    assert text == r"\&.a \e \(aqb\(aq \(gac\(ga \(dqd\(dq \(ha\(ti \[u2026]\-"
    assert all(page.isascii() for page in map(man.page, PAGES))


def test_the_pages_go_to_a_folder(
    command: Command, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    folder = tmp_path / "share" / "man1"
    assert command("man", "-o", folder).status == 0
    assert {path.name for path in folder.iterdir()} == {
        "mrrc-ct.1",
        *(f"mrrc-ct-{name}.1" for name in COMMANDS),
    }
    text = (folder / "mrrc-ct-count.1").read_text()
    assert text.splitlines()[0].startswith('.TH "MRRC-CT-COUNT" 1 "1970-01-02" "mrrc-ct ')
    assert command("man", "count").out.decode() == text
    assert command("man").out.decode() == (folder / "mrrc-ct.1").read_text()
    one = tmp_path / "one"
    assert command("man", "count", "-o", one).status == 0
    assert os.listdir(one) == ["mrrc-ct-count.1"]


def test_a_page_that_there_is_not_is_an_error(command: Command, tmp_path: pathlib.Path) -> None:
    result = command("man", "cuont")
    assert (result.status, result.out) == (2, b"") and "cuont" in result.err
    (tmp_path / "file").write_text("")
    result = command("man", "-o", tmp_path / "file")
    assert result.status == 2 and "cannot make" in result.err


def test_on_a_terminal_man_is_asked(
    command: Command, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = tmp_path / "shown"
    program = tmp_path / "man"
    program.write_text(f'#!/bin/sh\nhead -n 1 "$1" >"{shown}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    result = command("man", "count", terminal=("stdout",))
    assert (result.status, result.out) == (0, b"")
    assert shown.read_text().startswith('.TH "MRRC-CT-COUNT" 1 ')
    # Without it there is the page.
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert command("man", "count", terminal=("stdout",)).out.startswith(b".TH ")


# ---- completion

#: A line that is typed up to here, and some of what can stand there.
LINES = [
    ("mrrc-ct con", {"convert", "concat"}),
    ("mrrc-ct convert --recov", {"--recovery"}),
    ("mrrc-ct convert --recovery ", {"lenient", "strict"}),
    ("mrrc-ct convert -q --recovery st", {"strict"}),
    ("mrrc-ct convert --to marcx", {"marcxml"}),
    ("mrrc-ct completion ", {"bash", "zsh", "fish"}),
    ("mrrc-ct completion f", {"fish"}),
    ("mrrc-ct man valid", {"validate"}),
    ("mrrc-ct --vers", {"--version"}),
]


@pytest.fixture
def scripts(command: Command, tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with a file for each shell, and two that can be named."""
    for shell in ("bash", "zsh", "fish"):
        result = command("completion", shell)
        assert result.status == 0
        (tmp_path / f"mrrc-ct.{shell}").write_bytes(result.out)
    (tmp_path / "books.mrc").touch()
    (tmp_path / "my books.mrc").touch()
    return tmp_path


BASH = """
source ./mrrc-ct.bash
complete -p mrrc-ct
while IFS= read -r line; do
    read -ra COMP_WORDS <<<"${line//=/ = }"
    [[ $line == *" " || $line == *= ]] && COMP_WORDS+=("")
    [[ $line == *= ]] && unset 'COMP_WORDS[-1]'
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _mrrc_ct
    echo "${COMPREPLY[*]}"
done
"""


@needs("bash")
def test_bash_completes(scripts: pathlib.Path) -> None:
    lines = [*LINES, ("mrrc-ct convert --to=marcx", {"marcxml"}), ("mrrc-ct head ", set())]
    lines += [("mrrc-ct convert --recovery=", {"lenient", "strict"}), ("mrrc-ct head -o b", set())]
    typed = "".join(f"{line}\n" for line, _ in lines)
    told, *found = run("bash", "-c", BASH, stdin=typed, cwd=scripts).splitlines()
    # Where it has nothing to tell, bash tells the names of files.
    assert told == "complete -o bashdefault -o default -F _mrrc_ct mrrc-ct"
    assert [set(one.split()) for one in found] == [expected for _, expected in lines]


@needs("fish")
def test_fish_completes(scripts: pathlib.Path) -> None:
    lines = [*LINES, ("mrrc-ct head b", {"books.mrc"}), ("mrrc-ct head -o my", {"my books.mrc"})]
    lines += [("mrrc-ct convert --to=marcx", {"--to=marcxml"}), ("mrrc-ct books", set())]
    for line, expected in lines:
        script = 'source ./mrrc-ct.fish; complete -C "$argv[1]"'
        found = run("fish", "--no-config", "-c", script, line, cwd=scripts)
        assert {one.split("\t")[0] for one in found.splitlines()} == expected, line


#: Types lines in a shell of its own, in which the command tells its arguments.
ZSH = r"""
zmodload zsh/zpty
zpty -b inner zsh -f -i
zpty -w inner 'PROMPT=; stty -echo cols 500; autoload -Uz compinit; compinit -u -D
source ./mrrc-ct.zsh; bindkey "^I" complete-word; setopt nobeep; unsetopt autolist automenu promptsp promptcr
mrrc-ct() { print -r -- "[RAN]${(j:|:)@}" }; print "[READ""Y]"'
wait_for() {
    local text part tries
    for tries in {1..600}; do
        while zpty -r -t inner part; do text+=$part; done
        [[ $text == *"$1"*$'\n'* ]] && break
        sleep 0.05
    done
    reply=$text
}
wait_for '[READY]'
while IFS= read -r line; do
    zpty -w inner "$line"$'\t'
    wait_for '[RAN]'
    reply=${reply##*\[RAN\]}
    print -r -- "${reply%%$'\r'*}"
done
"""


@needs("zsh")
def test_zsh_completes(scripts: pathlib.Path) -> None:
    # What is typed has but one way to go on.
    lines = [(line, expected) for line, expected in LINES if len(expected) == 1]
    lines += [("mrrc-ct head b", {"books.mrc"}), ("mrrc-ct head -o my", {"my books.mrc"})]
    lines += [("mrrc-ct convert --to=marcx", {"--to=marcxml"})]
    lines += [("mrrc-ct edit --replace a b c boo", {"books.mrc"})]
    typed = "".join(f"{line}\n" for line, _ in lines)
    out = run("zsh", "-f", "-c", ZSH, stdin=typed, cwd=scripts)
    found = [line for line in out.splitlines() if line.strip()]
    for (line, expected), told in zip(lines, found):
        words = line.split()[1:-1] + sorted(expected)
        assert told.split("|") == words, line
    assert len(found) == len(lines)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_all_commands_and_options(shell: str, scripts: pathlib.Path) -> None:
    text = (scripts / f"mrrc-ct.{shell}").read_text()
    for name in COMMANDS:
        assert re.search(rf"\b{name}\b", text)
        for one in Described(name).options:
            for flag in one.flags:
                shown = flag.lstrip("-") if shell == "fish" else flag
                assert re.search(rf"(?<![\w-]){re.escape(shown)}(?![\w-])", text), (name, flag)

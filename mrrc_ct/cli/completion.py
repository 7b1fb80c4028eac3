"""`mrrc-ct completion`: what lets a shell complete command lines."""

from __future__ import annotations

from . import COMMANDS, streams
from .described import Described, described

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from .described import Argument

SUMMARY = "Write what lets bash, zsh or fish complete commands."
EXAMPLES = [
    "mrrc-ct completion bash > mrrc-ct.bash",
    "mrrc-ct completion zsh > _mrrc-ct",
    "mrrc-ct completion fish > mrrc-ct.fish",
]
#: Of `mrrc-ct` without a command.
_OPTIONS = {"--help": "list the commands", "--version": "tell the version"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "shell", choices=tuple(_SHELLS), metavar="SHELL", help=f"{', '.join(_SHELLS)}"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    return streams.write(_SHELLS[options.shell](described()))


# ---- bash

_BASH = """\
# Completion of mrrc-ct in bash: eval "$(mrrc-ct completion bash)"
_mrrc_ct() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command= words=
    if ((COMP_CWORD > 1)); then
        command=${COMP_WORDS[1]}
    fi
    # --option=value is three words.
    if [[ $current == = ]]; then
        current=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD-2]}
    fi
    COMPREPLY=()
    case $command:$before in
%(values)s
        *)
            case $command:$current in
%(words)s
            esac
            ;;
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
}
# Where there are no words, names of files.
complete -o bashdefault -o default -F _mrrc_ct mrrc-ct
"""


def _bash(commands: list[Described]) -> str:
    values, words = [], [f"                :-*) words={_quoted(' '.join(_OPTIONS))} ;;"]
    words.append(f"                :*) words={_quoted(' '.join(COMMANDS))} ;;")
    for command in commands:
        name = command.name
        for one in command.options:
            if one.value:
                patterns = "|".join(f"{name}:{flag}" for flag in one.flags)
                choices = _quoted(" ".join(one.choices))
                values.append(f"        {patterns}) words={choices} ;;")
        flags = " ".join(flag for one in command.options for flag in one.flags)
        words.append(f"                {name}:-*) words={_quoted(flags)} ;;")
        choices = " ".join(choice for one in command.values for choice in one.choices)
        if choices:
            words.append(f"                {name}:*) words={_quoted(choices)} ;;")
    return _BASH % {"values": "\n".join(values), "words": "\n".join(words)}


def _quoted(text: str) -> str:
    """A text as shells of POSIX take it as it is."""
    return "'" + text.replace("'", r"'\''") + "'"


# ---- zsh

_ZSH = """\
#compdef mrrc-ct
# Completion of mrrc-ct in zsh: mrrc-ct completion zsh > _mrrc-ct, in a folder of $fpath
_mrrc-ct() {
    local curcontext=$curcontext state line
    typeset -A opt_args
    _arguments -C \\
%(options)s
        '1:command:->command' \\
        '*::argument:->arguments'
    case $state in
        command)
            local -a commands
            commands=(
%(commands)s
            )
            _describe command commands
            ;;
        arguments)
            case $words[1] in
%(arguments)s
            esac
            ;;
    esac
}
if [[ $funcstack[1] == _mrrc-ct ]]; then
    _mrrc-ct "$@"
else
    compdef _mrrc-ct mrrc-ct
fi
"""


def _zsh(commands: list[Described]) -> str:
    options = [
        f"        {_quoted(f'(- *){option}[{text}]')} \\" for option, text in _OPTIONS.items()
    ]
    names = [f"                {_quoted(f'{one.name}:{_colons(one.summary)}')}" for one in commands]
    arguments: list[str] = []
    for command in commands:
        specs = [" \\\n                        ".join(_zsh_specs(command))]
        arguments += [f"                {command.name})", "                    _arguments \\"]
        arguments += [f"                        {specs[0]}", "                    ;;"]
    return _ZSH % {
        "options": "\n".join(options),
        "commands": "\n".join(names),
        "arguments": "\n".join(arguments),
    }


def _zsh_specs(command: Described) -> Iterator[str]:
    for one in command.options:
        text = one.help.replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]")
        behind = f"[{text}]"
        for value in one.value.split() if one.count > 1 else [one.value] if one.value else ():
            behind += f":{_colons(value)}:{_zsh_action(one)}"
        excluded = f"({' '.join(one.flags)})" if len(one.flags) > 1 else ""
        for flag in one.flags:
            # A value may stand behind it, or behind a short one directly, a long one and =.
            mark = "" if one.count != 1 else "=" if flag.startswith("--") else "+"
            yield _quoted(f"{excluded}{flag}{mark}{behind}")
    for number, one in enumerate(command.values, 1):
        place = "*" if one.is_repeated else str(number)
        yield _quoted(f"{place}:{_colons(one.value)}:{_zsh_action(one)}")


def _zsh_action(one: Argument) -> str:
    """What zsh proposes for a value; a blank where that is nothing."""
    if one.choices:
        return f"({' '.join(one.choices)})"
    return "_files" if one.is_file else "_files -/" if one.is_folder else " "


def _colons(text: str) -> str:
    return text.replace("\\", r"\\").replace(":", r"\:")


# ---- fish

_FISH = """\
# Completion of mrrc-ct in fish: mrrc-ct completion fish > ~/.config/fish/completions/mrrc-ct.fish
function __mrrc_ct_command
    # Whether this is the command, or without a name whether there is none yet.
    set -l words (commandline -opc)
    test "$words[2]" = "$argv[1]"
end
complete -c mrrc-ct -f -n '__mrrc_ct_command'
"""


def _fish(commands: list[Described]) -> str:
    lines = [_FISH.rstrip("\n")]
    for option, text in _OPTIONS.items():
        lines.append(_fish_line("", ["-l", option[2:]], text))
    for command in commands:
        lines.append(_fish_line("", ["-a", command.name], command.summary))
    for command in commands:
        for one in command.options:
            words = [word for flag in one.flags for word in _fish_flag(flag)]
            lines.append(_fish_line(command.name, [*words, *_fish_value(one)], one.help))
        if not any(one.is_file for one in command.values):
            choices = [choice for one in command.values for choice in one.choices]
            lines.append(_fish_line(command.name, ["-f", "-a", _fish_quoted(" ".join(choices))]))
    return "\n".join(lines) + "\n"


def _fish_flag(flag: str) -> tuple[str, str]:
    return ("-l", flag[2:]) if flag.startswith("--") else ("-s", flag[1:])


def _fish_value(one: Argument) -> list[str]:
    if not one.value:
        return []
    if one.choices:
        return ["-x", "-a", _fish_quoted(" ".join(one.choices))]
    if one.is_folder:
        return ["-x", "-a", "'(__fish_complete_directories)'"]
    return ["-r", "-F"] if one.is_file else ["-x"]


def _fish_line(name: str, words: Iterable[str], text: str = "") -> str:
    condition = _fish_quoted(f"__mrrc_ct_command {name}".rstrip())
    told = ["-d", _fish_quoted(text)] if text else []
    return " ".join(["complete -c mrrc-ct -n", condition, *words, *told])


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}

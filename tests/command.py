"""A command as it is typed, run in this process."""

from __future__ import annotations

import io
import os
import pathlib
import sys

import pytest

import mrrc_ct
from mrrc_ct import cli

#: For processes that are to have this very package.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(pathlib.Path(mrrc_ct.__file__).parents[1])}


class Result:
    """What a command gave."""

    def __init__(self, status: int, out: bytes, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()


class _Kept(io.BytesIO):
    """What a stream is given, or gives."""

    def __init__(self, name: str, data: bytes = b"") -> None:
        super().__init__(data)
        self.name = f"<{name}>"


class Terminal(io.TextIOWrapper):
    """A standard stream that somebody sits at."""

    def isatty(self) -> bool:
        return True


class Command:
    """Runs commands; what they write is kept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(
        self, *arguments: object, stdin: bytes = b"", terminal: tuple[str, ...] = ()
    ) -> Result:
        """Run a command; `terminal` names the streams that are one: `stdin`, `stdout`, `stderr`."""
        kept = {name: _Kept(name) for name in ("stdout", "stderr")}
        kept["stdin"] = _Kept("stdin", stdin)
        with self._monkeypatch.context() as patch:
            for name, buffer in kept.items():
                kind = Terminal if name in terminal else io.TextIOWrapper
                patch.setattr(sys, name, kind(buffer, "utf-8", newline="", write_through=True))
            try:
                status = cli.main(list(map(str, arguments)))
            except SystemExit as end:
                status = int(end.code or 0)
            out, err = kept["stdout"].getvalue(), kept["stderr"].getvalue().decode()
        assert "Traceback" not in err
        return Result(status, out, err)

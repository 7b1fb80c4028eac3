"""Records by a list of identifiers, whatever they are written like."""

from __future__ import annotations

import tempfile
from unicodedata import normalize

from ._bindings import TextForm
from ._source import MAX_EXPANSION, open_source, raise_os_error
from .conversion import close_own, sources_of
from .errors import MarcError, PathInvalid
from .keys import identifier
from .paths import filter_among, parse_columns
from .tables import is_lasting, select

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from ._source import SourceLike, Sources
    from .paths import Column, Filter


def ids_filter(
    source: Sources, ids: Collection[str], paths: str = "001", **reading: Any
) -> tuple[Filter, list[SourceLike]]:
    """The filter for records with one of some identifiers, and the sources to use it on.

    `paths` are the places that an identifier may stand at. Values are compared as those of keys are
    (`mrrc_ct.keys`): an ISBN is the same with 10 digits and with 13, with hyphens and without. The
    core compares texts: where identifiers may be written in several ways, the sources are read for
    the values that are meant, and what can be read only once is copied to a temporary file before.
    `reading` are options of `select`. Raises PathInvalid, and for the sources as `select`.
    """
    columns = parse_columns(paths)
    for column in columns:
        if not column.is_of_values:
            raise PathInvalid(f"what stands in records was expected, not their {column.name}")
    sources = sources_of(source)
    open_ones = [
        index
        for index, column in enumerate(columns)
        if not all(one.isascii() and identifier(column.places, one) is None for one in ids)
    ]
    texts = [set(ids) for _ in columns]
    if open_ones:
        limit = reading.get("max_expansion", MAX_EXPANSION)
        copies = [None if is_lasting(one) else _Copy(one, limit) for one in sources]
        sources = [copy or one for copy, one in zip(copies, sources)]  # type: ignore[misc]
        found = _values([columns[index] for index in open_ones], sources, ids, reading)
        for index, values in zip(open_ones, found):
            texts[index] = values
        for copy in copies:
            if copy is not None:
                copy.seek(0)
    parts = [filter_among([column.places], some) for column, some in zip(columns, texts)]
    wanted = parts[0]
    for part in parts[1:]:
        wanted = wanted.with_any(part)
    return wanted, sources


def _values(
    columns: list[Column], sources: list[SourceLike], ids: Collection[str], reading: dict[str, Any]
) -> list[set[str]]:
    """For each column the values that are one of the identifiers, as they are written."""
    names = {
        str(index): f"{column.text}:list" if column.mode == "only" else column.text
        for index, column in enumerate(columns)
    }
    wanted = [{_read(column, one) for one in ids} for column in columns]
    found: list[set[str]] = [set() for _ in columns]
    for piece in select(sources, names, **reading)._texts(TextForm.VALUES):
        cells = str(piece, "utf-8").split("\x1d")
        del cells[-1]
        for index, column in enumerate(columns):
            for value in set("".join(cells[index :: len(columns)]).split("\x1e")):
                if _read(column, value) in wanted[index]:
                    found[index].add(value.strip(" "))
    return found


def _read(column: Column, text: str) -> str:
    return identifier(column.places, text) or normalize("NFC", text.strip())


class _Copy:
    """What can be read only once, unpacked, in a temporary file; a file object."""

    def __init__(self, source: SourceLike, max_expansion: float | None) -> None:
        """Read all of it. Raises SourceError."""
        window = open_source(source, max_expansion)
        self.name = window.name
        file: Any = tempfile.TemporaryFile()  # noqa: SIM115  # it goes with this object
        self.readinto, self.seek, self.tell = file.readinto, file.seek, file.tell
        try:
            while not window.is_final or window.look()[1]:
                data = window.head(window.look()[1])
                file.write(data)
                window.take(len(data))
                window.fill()
        except OSError as error:
            if isinstance(error, MarcError):
                raise
            raise_os_error(error, tempfile.gettempdir(), "write to a temporary file in")
        finally:
            close_own(window, source)
        file.seek(0)

    def seekable(self) -> bool:
        """It is."""
        return True

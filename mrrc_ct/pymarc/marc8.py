"""MARC-8 to Unicode, by the core."""

from __future__ import annotations

import sys
from _thread import _local as thread_local

from .. import _core
from ..errors import Marc8Invalid

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    pass


class _Decoders(thread_local):
    def __init__(self) -> None:
        self.strict = _core.Marc8Decoder()
        self.lenient = _core.Marc8Decoder(" ")


_decoders = _Decoders()

_ESCAPE = 0x1B
#: Bytes between the two halves of the code that mean nothing; pymarc leaves them out.
_CONTROLS = bytes([byte for byte in range(0x81, 0xA0) if byte not in (0x88, 0x89, 0x8D, 0x8E)])


def marc8_to_unicode(marc8: bytes | str, hide_utf8_warnings: bool = False) -> str:
    """Decode one value of MARC-8, which begins with ASCII in G0 and ANSEL in G1.

    What means nothing becomes a blank, and a line on standard error unless `hide_utf8_warnings`.
    Raises UnicodeDecodeError for an escape sequence that the value ends in.
    """
    return MARC8ToUnicode(quiet=hide_utf8_warnings).translate(marc8)


class MARC8ToUnicode:
    """Decodes MARC-8, and remembers the character sets from one value to the next."""

    basic_latin = 0x42
    ansel = 0x45

    def __init__(self, G0: int = basic_latin, G1: int = ansel, quiet: bool = False) -> None:  # noqa: N803
        """Begin with two sets, each by the final byte of its escape sequence.

        `quiet`: write nothing to standard error about bytes that mean nothing.
        """
        self.g0 = G0
        self.g1 = G1
        self.quiet = quiet

    def translate(self, marc8_string: bytes | str) -> str:
        """Decode one value. A str is taken for bytes, a character each.

        Raises UnicodeDecodeError for an escape sequence that the value ends in, ValueError for a
        set that there is not.
        """
        if not marc8_string:
            return ""
        if isinstance(marc8_string, str):
            # Characters beyond bytes mean nothing in MARC-8.
            marc8_string = "".join(
                [one if ord(one) < 0x100 else "\xff" for one in marc8_string]
            ).encode("latin-1")
        value = bytes(memoryview(marc8_string))
        try:
            text, self.g0, self.g1, _ = _decoders.strict.decode(value, self.g0, self.g1)
            return text
        except Marc8Invalid as error:
            _check_end(value)
            if not self.quiet:
                sys.stderr.write(f"{error.message} (found {error.found!r}, in {value[:80]!r})\n")
        value = value.translate(None, _CONTROLS)
        text, self.g0, self.g1, _ = _decoders.lenient.decode(value, self.g0, self.g1)
        return text


def _check_end(value: bytes) -> None:
    """Raise the error of a value that ends in the middle of an escape sequence."""
    tail = value[-3:]
    at = tail.rfind(_ESCAPE)
    if at < 0:
        return
    sequence = tail[at + 1 :]
    # pymarc keeps an ESC that begins a designation of G0 cut short.
    if sequence in (b"", b")", b"-", b"$,"):
        start = len(value) - len(sequence) - 1
        raise UnicodeDecodeError(
            "marc8_to_unicode", value, start, len(value), "the value ends in an escape sequence"
        )

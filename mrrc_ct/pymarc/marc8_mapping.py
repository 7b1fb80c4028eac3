"""The MARC-8 code tables as dictionaries, made from the core's when this module is imported.

`CODESETS` has a table for the final byte of each set's escape sequence: codes to pairs of a Unicode
code point and whether it is a combining mark. A set of 94 characters is listed for G0 and for G1.
"""

from __future__ import annotations

# Absolute, so that `import pymarc.marc8_mapping` finds them behind `install()`, too.
from mrrc_ct import _core
from mrrc_ct.errors import Marc8Invalid

#: Final bytes of the escape sequences of the sets with one byte a character.
_SINGLE = (0x42, 0x45, 0x53, 0x4E, 0x51, 0x32, 0x33, 0x34, 0x62, 0x70, 0x67)
_EAST_ASIAN = 0x31
_UNKNOWN = "\ufffd"

#: Codes of one vendor's systems that the tables do not have, but the core reads.
_ODD = (0x21203D, 0x212040, 0x7F2014, 0x7F2019, 0x7F2020, 0x7F2122)


def _odd() -> dict[int, int]:
    decode = _core.Marc8Decoder().decode
    return {code: ord(decode(code.to_bytes(3, "big"), _EAST_ASIAN, 0x45)[0]) for code in _ODD}


ODD_MAP = _odd()


def _single(final: int) -> dict[int, tuple[int, int]]:
    decoder = _core.Marc8Decoder()
    table = {}
    for code in range(0x20, 0x100):
        try:
            text = decoder.decode(bytes([code]), final, final)[0]
            # A mark comes out behind the digit that it stands before.
            behind = decoder.decode(bytes([code | 0x80]) + b"0", 0x42, final)[0]
        except Marc8Invalid:
            continue
        table[code] = ord(text), int(behind == f"0{text}" != "00")
    return table


def _east_asian() -> dict[int, tuple[int, int]]:
    decoder = _core.Marc8Decoder(_UNKNOWN)
    table = {}
    codes = range(0x20, 0x7F)
    for first in codes[1:]:
        for second in codes:
            row = bytes([byte for third in codes for byte in (first, second, third)])
            text = decoder.decode(row, _EAST_ASIAN, 0x45)[0]
            for third, character in zip(codes, text):
                code = first << 16 | second << 8 | third
                if character != _UNKNOWN and code not in ODD_MAP:
                    table[code] = ord(character), 0
    return table


CODESETS = {**{final: _single(final) for final in _SINGLE}, _EAST_ASIAN: _east_asian()}

globals().update({f"CHARSET_{final:02X}": table for final, table in CODESETS.items()})

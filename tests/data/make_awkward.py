"""Writes `awkward.mrc`: `python tests/data/make_awkward.py`."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from marc import iso2709

F = "\x1f"
RECORDS = [
    # Carriage returns and line feeds in values and in a control field.
    [("001", b"line\r\nend"), ("245", f"10{F}aone\rtwo\nthree\r\nfour".encode())],
    # Blanks at both ends, only blanks, tabs.
    [("001", b"  12 "), ("245", f"00{F}a  both ends  {F}b {F}c\t".encode())],
    # Empty values, an empty control field, a field without subfields.
    [("001", b""), ("245", f"10{F}a{F}b{F}c".encode()), ("500", b"  "), ("501", b"1#")],
    # The characters that MRK, XML and JSON use themselves.
    [
        ("001", b"a\\b$c{d}e"),
        ("245", f"10{F}a$5 {{lcub}} \\ <b>&amp;]]> \"q\" 's'".encode()),
        ("246", f"\\${F}${F}a{{U+0041}}{F}{{x{F}\\y".encode()),
        ("247", f'<"{F}<lt{F}&amp{F}"quote{F}>gt'.encode()),
    ],
    # Alphabetic tags and codes of all kinds.
    [("001", b"x"), ("FMT", f"  {F}aBK".encode()), ("abc", f"  {F}Zz{F}=e{F}-h".encode())],
    # Non-sorting marks (C1 control characters), joiners, and others of C1.
    [("001", b"c1"), ("245", f"10{F}a\x98The \x9cend\u200d\u200c\x80\x9f".encode())],
    # A byte order mark in a value, noncharacters' neighbours, the last character of all planes.
    [
        ("001", "\ufeff1".encode()),
        ("245", f"10{F}a\ufeffmark{F}b\ufffd\ufdd0\uf8ff\U0010fffd".encode()),
    ],
    # Decomposed and composed marks stay what they are; right-to-left text; four-byte characters.
    [("001", b"u"), ("245", f"10{F}ae\u0301 \u00e9 \u0627\u0644 \u05d0 \U0001f600".encode())],
    # Control fields repeated, and out of the tags' order.
    [
        ("007", b"ta"),
        ("001", b"first"),
        ("007", b"cr"),
        ("001", b"second"),
        ("650", f" 0{F}aB".encode()),
        ("245", f"10{F}aT".encode()),
        ("650", f" 0{F}aA".encode()),
    ],
    # DEL, and the vertical bar that stands for the fill character.
    [("001", b"\x7f"), ("008", b"||| |"), ("245", f"||{F}a\x7f|{F}|bar".encode())],
    # A subfield code that repeats, and one that is a digit.
    [("001", b"s"), ("880", f"1 {F}6245-01/$1{F}a1{F}a2{F}a3{F}9x".encode())],
    # No field at all but one.
    [("001", b"only")],
    # A value as long as a field can be: 9,999 bytes with everything.
    [("001", b"long"), ("520", f"  {F}a".encode() + b"x" * 9994)],
]

if __name__ == "__main__":
    target = pathlib.Path(__file__).with_name("awkward.mrc")
    target.write_bytes(b"".join(iso2709(*fields) for fields in RECORDS))

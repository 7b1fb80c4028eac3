"""Write the core's character tables: `python zig/tables/make_tables.py [--check]`.

`zig/marc8_tables.zig` comes from the Library of Congress's MARC-8 code tables
(`codetables.xml.xz` beside this file, as published at loc.gov/marc/specifications),
`zig/normalization_tables.zig` from the Unicode Character Database as the pinned package
`unicodedata2` carries it, and so `zig/regex_tables.zig`, but for the case of letters, which is
Python's own. With `--check` nothing is written and the exit status is 1 when a
generated file is not what this script would write.
"""

from __future__ import annotations

import lzma
import pathlib
import sys
import xml.etree.ElementTree as ElementTree
from typing import NamedTuple

import unicodedata2 as unicodedata

TABLES = pathlib.Path(__file__).parent
ZIG = TABLES.parent

#: Final byte of a set's escape sequence, and its name in the core. ASCII first: where a character
#: stands in several sets, the encoder prefers the one in use, then the first here that has it.
SETS = {
    0x42: "ascii",
    0x45: "ansel",
    0x53: "greek",
    0x4E: "cyrillic",
    0x51: "cyrillic_extended",
    0x32: "hebrew",
    0x33: "arabic",
    0x34: "arabic_extended",
    0x62: "subscripts",
    0x70: "superscripts",
    0x67: "greek_symbols",
}
EACC = 0x31

#: The replacement mark that the tables give as the alternative of 61 EACC codes: not a mapping
#: that could be undone, so never used.
GETA = 0x3013

#: Codes outside the tables that one vendor's systems wrote and that pymarc reads (`ODD_MAP`).
VENDOR_EACC = {
    0x21203D: 0x2026,
    0x212040: 0x201C,
    0x7F2014: 0x2014,
    0x7F2019: 0x2019,
    0x7F2020: 0x201D,
    0x7F2122: 0x2122,
}


class Row(NamedTuple):
    """One `<code>` of the tables."""

    charset: int
    marc: int
    #: The characters it stands for, the one to decode to first.
    unicode: list[int]
    combining: bool


def read_rows() -> list[Row]:
    """All rows of the code tables, in their order."""
    with lzma.open(TABLES / "codetables.xml.xz") as file:
        root = ElementTree.parse(file).getroot()
    rows = []
    for charset in root.iter("characterSet"):
        final = int(charset.attrib["ISOcode"], 16)
        for code in charset.iter("code"):

            def text(name: str, code: ElementTree.Element = code) -> str:
                return (code.findtext(name) or "").strip()

            # The halves of double-width marks decode to the half marks, their <alt>.
            halves = text("name").startswith(("LIGATURE", "DOUBLE TILDE"))
            order = ("alt", "ucs") if halves else ("ucs", "alt")
            unicode = [int(text(name), 16) for name in order if text(name)]
            if text("altutf-8"):
                unicode.append(ord(bytes.fromhex(text("altutf-8")).decode()))
            unicode = [u for u in dict.fromkeys(unicode) if u != GETA or len(unicode) == 1]
            rows.append(Row(final, int(text("marc"), 16), unicode, text("isCombining") == "true"))
    return rows


def wrapped(numbers: list[int], form: str = "0x{:x}") -> str:
    """Numbers as the inside of a Zig array, in lines."""
    texts = [form.format(number) for number in numbers]
    lines = [", ".join(texts[at : at + 16]) for at in range(0, len(texts), 16)]
    return "".join(f"    {line},\n" for line in lines)


def marc8_tables(rows: list[Row]) -> str:
    """The text of `marc8_tables.zig`."""
    out = [
        "//! Written by zig/tables/make_tables.py from the Library of Congress's code tables.\n"
        "//! Do not edit: change the script and run it again.\n\n// zig fmt: off\n\n"
        "/// The sets of one byte a character, in the order in which the encoder prefers them.\n"
        "pub const Set = enum(u8) {\n"
        + "".join(f"    {name},\n" for name in SETS.values())
        + "    eacc,\n};\n\n"
        "/// Final byte of the escape sequence that designates each set.\n"
        "pub const finals = [_]u8{ "
        + ", ".join(f"0x{final:x}" for final in [*SETS, EACC])
        + " };\n\n"
        "/// For each one-byte set and each code without its high bit: the character, 0 for none.\n"
        f"pub const singles = [{len(SETS)}][128]u16{{\n"
    ]
    combining: dict[int, int] = {}
    for final in SETS:
        table = [0] * 128
        for row in rows:
            if row.charset == final:
                table[row.marc & 0x7F] = row.unicode[0]
                combining[final] = combining.get(final, 0) | row.combining << (row.marc & 0x7F)
        out.append("    .{\n" + wrapped(table).replace("    ", "        ") + "    },\n")
    out.append(
        "};\n\n/// For each one-byte set: a bit for each code that is a combining mark.\n"
        f"pub const combining = [{len(SETS)}]u128{{\n"
        + "".join(f"    0x{combining[final]:x},\n" for final in SETS)
        + "};\n\n"
    )
    out.append(eacc_tables(rows))
    out.append(reverse_tables(rows))
    return "".join(out)


def eacc_tables(rows: list[Row]) -> str:
    """Decoding of EACC: codes grouped by their first two bytes."""
    codes = {row.marc: row.unicode[0] for row in rows if row.charset == EACC}
    codes.update(VENDOR_EACC)
    astral = sorted(u for u in codes.values() if u > 0xFFFF)
    # A character above U+FFFF stands as a surrogate's number, which no character has.
    stored = [0xD800 + astral.index(u) if u > 0xFFFF else u for _, u in sorted(codes.items())]
    prefixes: list[int] = []
    starts: list[int] = []
    for at, code in enumerate(sorted(codes)):
        if not prefixes or prefixes[-1] != code >> 8:
            prefixes.append(code >> 8)
            starts.append(at)
    starts.append(len(codes))
    return (
        "/// First two bytes of the EACC codes, and where the codes with each begin below.\n"
        f"pub const eacc_prefixes = [_]u16{{\n{wrapped(prefixes)}}};\n\n"
        f"pub const eacc_starts = [_]u16{{\n{wrapped(starts, '{}')}}};\n\n"
        "/// Third byte of each code, and its character. D800 and up: an index into `eacc_astral`.\n"
        f"pub const eacc_thirds = [_]u8{{\n{wrapped([code & 0xFF for code in sorted(codes)])}}};\n\n"
        f"pub const eacc_characters = [_]u16{{\n{wrapped(stored)}}};\n\n"
        f"pub const eacc_astral = [_]u32{{\n{wrapped(astral)}}};\n\n"
    )


def reverse_tables(rows: list[Row]) -> str:
    """Encoding: characters in order, each with the sets and codes that hold it.

    EACC has no table of its own for this: `marc8.zig` turns the one for decoding round. All that it
    needs to know is from where on it has characters, other than those that are only read.
    """
    singles = []
    order = list(SETS)
    for row in rows:
        if row.charset != EACC:
            for u in row.unicode:
                singles.append((u, order.index(row.charset), row.marc & 0x7F))
    singles.sort()
    out = (
        "pub const Single = struct { character: u16, set: Set, code: u8 };\n\n"
        "/// Characters of the one-byte sets, by character and then by preference.\n"
        "pub const by_character = [_]Single{\n"
    )
    for u, number, code in singles:
        out += f"    .{{ .character = 0x{u:x}, .set = .{list(SETS.values())[number]}, .code = 0x{code:x} }},\n"
    first = min(row.unicode[0] for row in rows if row.charset == EACC)
    assert max(VENDOR_EACC.values()) < first
    return (
        out + "};\n\n"
        "/// The first character of EACC that is written; those before it are only read.\n"
        f"pub const eacc_first = 0x{first:x};\n"
    )


def normalization_tables() -> str:
    """The text of `normalization_tables.zig`: canonical decompositions, classes, compositions."""
    hangul = range(0xAC00, 0xAC00 + 11172)
    decompositions = {}
    classes: list[tuple[int, int]] = []
    for u in range(0x110000):
        field = unicodedata.decomposition(chr(u))
        if field and not field.startswith("<") and u not in hangul:
            decompositions[u] = [int(part, 16) for part in field.split()]
        if unicodedata.combining(chr(u)):
            classes.append((u, unicodedata.combining(chr(u))))
    ranges: list[list[int]] = []
    for u, combining_class in classes:
        if ranges and ranges[-1][1] == u - 1 and ranges[-1][2] == combining_class:
            ranges[-1][1] = u
        else:
            ranges.append([u, u, combining_class])
    # A pair composes when normalizing it gives the character back: that leaves out singletons,
    # non-starter decompositions and the composition exclusions.
    pairs = sorted(
        (parts[0], parts[1], u)
        for u, parts in decompositions.items()
        if len(parts) == 2 and unicodedata.normalize("NFC", chr(u)) == chr(u)
    )
    out = (
        "//! Written by zig/tables/make_tables.py from the Unicode Character Database, version\n"
        f"//! {unicodedata.unidata_version}. Do not edit: change the script and run it again.\n\n// zig fmt: off\n\n"
        "/// A character and its canonical decomposition of one step; `second` is 0 for a singleton.\n"
        "pub const Decomposition = struct { character: u32, first: u32, second: u32 };\n\n"
        "/// In order of `character`. Hangul syllables are reckoned, not listed.\n"
        "pub const decompositions = [_]Decomposition{\n"
    )
    for u, parts in sorted(decompositions.items()):
        first, second = (*parts, 0)[:2]
        out += f"    .{{ .character = 0x{u:x}, .first = 0x{first:x}, .second = 0x{second:x} }},\n"
    out += (
        "};\n\n"
        "pub const Composition = struct { first: u32, second: u32, character: u32 };\n\n"
        "/// In order of `first`, then `second`.\n"
        "pub const compositions = [_]Composition{\n"
    )
    for first, second, u in pairs:
        out += f"    .{{ .first = 0x{first:x}, .second = 0x{second:x}, .character = 0x{u:x} }},\n"
    out += (
        "};\n\n"
        "pub const ClassRange = struct { first: u32, last: u32, class: u8 };\n\n"
        "/// Characters with a canonical combining class other than 0, in order.\n"
        "pub const classes = [_]ClassRange{\n"
    )
    for first, last, combining_class in ranges:
        out += f"    .{{ .first = 0x{first:x}, .last = 0x{last:x}, .class = {combining_class} }},\n"
    return out + "};\n\n" + form_tables({second for _, second, _ in pairs})


def form_tables(seconds: set[int]) -> str:
    """Which characters may not stay as they are in NFC (1) and in NFD (2), 256 of them a page."""
    # The vowels and final consonants of Hangul, which are reckoned.
    seconds = seconds | {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}
    pages: dict[bytes, int] = {}
    numbers = []
    for start in range(0, 0x110000, 256):
        page = bytearray(64)
        for u in range(start, start + 256):
            c = chr(u)
            decomposed = unicodedata.normalize("NFD", c)
            is_mark = bool(unicodedata.combining(c))
            # What stays does not combine with what comes before it, not even in part.
            in_nfc = (
                is_mark or ord(decomposed[0]) in seconds or unicodedata.normalize("NFC", c) != c
            )
            in_nfd = is_mark or decomposed != c
            page[u % 256 // 4] |= (in_nfc | in_nfd << 1) << u % 4 * 2
        numbers.append(pages.setdefault(bytes(page), len(pages)))
    return (
        "/// For each 256 characters: their page below.\n"
        f"pub const page_numbers = [_]u8{{\n{wrapped(numbers, '{}')}}};\n\n"
        "/// Two bits for each character, the first lowest: whether it may change in NFC, or another with\n"
        "/// it, and the same in NFD.\n"
        "pub const pages = [_][64]u8{\n"
        + "".join(
            "    .{\n" + wrapped(list(page)).replace("    ", "        ") + "    },\n"
            for page in pages
        )
        + "};\n"
    )


#: Where letters have a case that regular expressions may ignore: Latin, Greek, Cyrillic and
#: Armenian. In these blocks Unicode has added nothing since any Python that is in use.
CASED = [
    range(0x0590),
    range(0x1C80, 0x1C89),
    range(0x1E00, 0x2190),
    range(0x2C60, 0x2C80),
    range(0xA640, 0xA6A0),
    range(0xFB05, 0xFB07),
    range(0xFF21, 0xFF5B),
]


def ranges(characters: list[int]) -> list[int]:
    """First and last of each run of numbers, in order."""
    run = set(characters)
    return sorted([u for u in run if u - 1 not in run] + [u for u in run if u + 1 not in run])


def case_pairs() -> list[tuple[int, int]]:
    """Characters that Python's `re` takes for the same with IGNORECASE, in pairs that link them."""
    pairs = []
    lowest: dict[str, int] = {}
    for u in [u for block in CASED for u in block]:
        lower = ord(chr(u).lower()[0])
        if lower != u:
            pairs.append((u, lower))
        # What is written with the same capitals: s and the long s, sigma and its final form.
        first = lowest.setdefault(chr(lower).upper(), lower)
        if first != lower:
            pairs.append((lower, first))
    known = {u for block in CASED for u in block}
    return sorted({pair for pair in pairs if pair[1] in known})


def regex_tables() -> str:
    """The text of `regex_tables.zig`: digits, words, white space and the case of letters."""
    every = [chr(u) for u in range(0x110000)]
    digits = [ord(c) for c in every if unicodedata.category(c) == "Nd"]
    words = [
        ord(c)
        for c in every
        if c == "_" or unicodedata.category(c)[0] == "L" or unicodedata.numeric(c, None) is not None
    ]
    spaces = [
        ord(c)
        for c in every
        if unicodedata.category(c) == "Zs" or unicodedata.bidirectional(c) in ("WS", "B", "S")
    ]
    out = (
        "//! Written by zig/tables/make_tables.py from the Unicode Character Database, version\n"
        f"//! {unicodedata.unidata_version}. Do not edit: change the script and run it again.\n\n// zig fmt: off\n\n"
    )
    for name, what, characters in [
        ("digits", "Decimal digits", digits),
        ("words", "Letters, numbers and the underscore", words),
        ("spaces", "White space", spaces),
    ]:
        out += f"/// {what}: first and last of each range.\npub const {name} = [_]u21{{\n{wrapped(ranges(characters))}}};\n\n"
    runs: list[list[int]] = []
    for u, other in case_pairs():
        if runs and other - u == runs[-1][3] and u - runs[-1][1] <= 2:
            step = u - runs[-1][1]
            if runs[-1][0] == runs[-1][1] or runs[-1][2] == step:
                runs[-1][1:3] = [u, step]
                continue
        runs.append([u, u, 1, other - u])
    out += (
        "pub const Case = struct { first: u21, last: u21, step: u8, distance: i32 };\n\n"
        "/// Each `step`th character from `first` to `last` is, but for its case, the one at that distance.\n"
        "pub const cases = [_]Case{\n"
    )
    for first, last, step, distance in runs:
        out += f"    .{{ .first = 0x{first:x}, .last = 0x{last:x}, .step = {step}, .distance = {distance} }},\n"
    return out + "};\n"


def main() -> int:
    """Write the tables, or with `--check` compare them."""
    stale = 0
    for name, text in {
        "marc8_tables.zig": marc8_tables(read_rows()),
        "normalization_tables.zig": normalization_tables(),
        "regex_tables.zig": regex_tables(),
    }.items():
        path = ZIG / name
        if "--check" not in sys.argv[1:]:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path.name} is stale: run python zig/tables/make_tables.py", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())

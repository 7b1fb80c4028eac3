"""Records put together by hand, byte for byte, without the library under test."""

from __future__ import annotations

#: Leaders that say Unicode and MARC-8.
LEADER = "00000nam a2200000   4500"
LEADER_MARC8 = "00000nam  2200000   4500"


def iso2709(*fields: tuple[str, str | bytes], leader: str = LEADER) -> bytes:
    """An ISO 2709 record of fields, each a tag and its content; `$` in text begins a subfield."""
    directory = data = b""
    for tag, content in fields:
        if isinstance(content, str):
            content = content.replace("$", "\x1f").encode()
        content += b"\x1e"
        directory += f"{tag}{len(content):04}{len(data):05}".encode()
        data += content
    base = 24 + len(directory) + 1
    head = f"{base + len(data) + 1:05}{leader[5:12]}{base:05}{leader[17:]}".encode()
    return head + directory + b"\x1e" + data + b"\x1d"


def split(data: bytes) -> list[bytes]:
    """The records of a sound file, by their lengths."""
    records, at = [], 0
    while at < len(data):
        length = int(data[at : at + 5])
        records.append(data[at : at + length])
        at += length
    return records

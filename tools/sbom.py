"""What is inside a wheel, as a CycloneDX bill of materials: PEP 770 has it in the wheel itself."""

from __future__ import annotations

import os
import pathlib
import re
from datetime import datetime, timezone
from importlib.metadata import version as version_of
from typing import Any

ZIG = pathlib.Path(__file__).resolve().parents[1] / "zig"
#: Zig carries it for Windows: see lib/libc/include/any-windows-any/_mingw_mac.h there.
MINGW_VERSION = "15.0.0"


def sbom(name: str, version: str, with_windows: bool) -> dict[str, Any]:
    """Such a document for a wheel; `with_windows` where what is linked into a DLL is in it, too.

    Its time is SOURCE_DATE_EPOCH, and there is none without that: the same source, the same text.
    """
    zig = version_of("ziglang")
    package = {
        "type": "library",
        "bom-ref": f"pkg:pypi/{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "licenses": [{"license": {"id": "MIT"}}],
    }
    parts = [
        {
            **_part("library", "zig-std", zig, "MIT"),
            "description": "Parts of Zig's standard library and compiler-rt that are compiled in",
            "externalReferences": [{"type": "website", "url": "https://ziglang.org"}],
        },
        {
            **_part("data", "unicode-character-database", _unicode_version(), "Unicode-3.0"),
            "description": "Tables of zig/normalization_tables.zig and zig/regex_tables.zig",
            "externalReferences": [{"type": "website", "url": "https://www.unicode.org/ucd/"}],
        },
        {
            "type": "data",
            "bom-ref": "marc-8-code-tables",
            "name": "marc-8-code-tables",
            "description": "The Library of Congress's tables, in zig/marc8_tables.zig",
            "externalReferences": [
                {"type": "website", "url": "https://www.loc.gov/marc/specifications/codetables.xml"}
            ],
        },
    ]
    if with_windows:
        mingw = _part("library", "mingw-w64-crt", MINGW_VERSION, "ZPL-2.1")
        parts.append({**mingw, "description": "What a DLL starts with, linked into it"})
    metadata: dict[str, Any] = {
        "lifecycles": [{"phase": "build"}],
        "tools": {"components": [{"type": "application", "name": "ziglang", "version": zig}]},
        "component": package,
    }
    if "SOURCE_DATE_EPOCH" in os.environ:
        time = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
        metadata["timestamp"] = time.isoformat().replace("+00:00", "Z")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "components": parts,
        "dependencies": [
            {"ref": package["bom-ref"], "dependsOn": [part["bom-ref"] for part in parts]}
        ],
    }


def _part(kind: str, name: str, version: str, license_id: str) -> dict[str, Any]:
    return {
        "type": kind,
        "bom-ref": f"{name}@{version}",
        "name": name,
        "version": version,
        "licenses": [{"license": {"id": license_id}}],
    }


def _unicode_version() -> str:
    """What make_tables.py wrote into the tables."""
    head = (ZIG / "normalization_tables.zig").read_text(encoding="utf-8")[:500]
    found = re.search(r"Unicode Character Database, version\s+//! (\d+\.\d+\.\d+)", head)
    if not found:
        raise ValueError("zig/normalization_tables.zig does not tell its version of Unicode")
    return found[1]

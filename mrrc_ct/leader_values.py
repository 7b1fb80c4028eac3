"""The values that the MARC 21 formats define for the leader's coded positions, and their labels.

From the Leader pages of the bibliographic, authority and holdings formats. A position that is not
listed (lengths) has no coded value; one with a single blank is undefined in that format.
"""

from __future__ import annotations

Values = dict[int, dict[str, str]]

_UNDEFINED = {" ": "Undefined"}

_COMMON: Values = {
    9: {" ": "MARC-8", "a": "UCS/Unicode"},
    10: {"2": "Number of character positions used for indicators"},
    11: {"2": "Number of character positions used for a subfield code"},
    20: {"4": "Number of characters in the length-of-field portion of a directory entry"},
    21: {"5": "Number of characters in the starting-character-position portion"},
    22: {"0": "Number of characters in the implementation-defined portion"},
    23: {"0": "Undefined"},
}

_STATUS = {"c": "Corrected or revised", "d": "Deleted", "n": "New"}

BIBLIOGRAPHIC: Values = {
    **_COMMON,
    5: {
        "a": "Increase in encoding level",
        **_STATUS,
        "p": "Increase in encoding level from prepublication",
    },
    6: {
        "a": "Language material",
        "c": "Notated music",
        "d": "Manuscript notated music",
        "e": "Cartographic material",
        "f": "Manuscript cartographic material",
        "g": "Projected medium",
        "i": "Nonmusical sound recording",
        "j": "Musical sound recording",
        "k": "Two-dimensional nonprojectable graphic",
        "m": "Computer file",
        "o": "Kit",
        "p": "Mixed materials",
        "r": "Three-dimensional artifact or naturally occurring object",
        "t": "Manuscript language material",
    },
    7: {
        "a": "Monographic component part",
        "b": "Serial component part",
        "c": "Collection",
        "d": "Subunit",
        "i": "Integrating resource",
        "m": "Monograph/Item",
        "s": "Serial",
    },
    8: {" ": "No specified type", "a": "Archival"},
    17: {
        " ": "Full level",
        "1": "Full level, material not examined",
        "2": "Less-than-full level, material not examined",
        "3": "Abbreviated level",
        "4": "Core level",
        "5": "Partial (preliminary) level",
        "7": "Minimal level",
        "8": "Prepublication level",
        "u": "Unknown",
        "z": "Not applicable",
    },
    18: {
        " ": "Non-ISBD",
        "a": "AACR 2",
        "c": "ISBD punctuation omitted",
        "i": "ISBD punctuation included",
        "n": "Non-ISBD punctuation omitted",
        "u": "Unknown",
    },
    19: {
        " ": "Not specified or not applicable",
        "a": "Set",
        "b": "Part with independent title",
        "c": "Part with dependent title",
    },
}

AUTHORITY: Values = {
    **_COMMON,
    5: {
        "a": "Increase in encoding level",
        **_STATUS,
        "o": "Obsolete",
        "s": "Deleted; heading split into two or more headings",
        "x": "Deleted; heading replaced by another heading",
    },
    6: {"z": "Authority data"},
    7: _UNDEFINED,
    8: _UNDEFINED,
    17: {"n": "Complete authority record", "o": "Incomplete authority record"},
    18: {
        " ": "No information provided",
        "c": "Punctuation omitted",
        "i": "Punctuation included",
        "u": "Unknown",
    },
    19: _UNDEFINED,
}

HOLDINGS: Values = {
    **_COMMON,
    5: _STATUS,
    6: {
        "u": "Unknown",
        "v": "Multipart item holdings",
        "x": "Single-part item holdings",
        "y": "Serial item holdings",
    },
    7: _UNDEFINED,
    8: _UNDEFINED,
    17: {
        "1": "Holdings level 1",
        "2": "Holdings level 2",
        "3": "Holdings level 3",
        "4": "Holdings level 4",
        "5": "Holdings level 4 with piece designation",
        "m": "Mixed level",
        "u": "Unknown",
        "z": "Other level",
    },
    18: {"i": "Item information", "n": "No item information"},
    19: _UNDEFINED,
}

_FORMATS = (BIBLIOGRAPHIC, AUTHORITY, HOLDINGS)


def values_for(type_of_record: str, position: int) -> dict[str, str]:
    """The values of a position in the format that leader/06 belongs to, empty for lengths.

    For leader/06 itself the types of all formats; for an unknown type the bibliographic values.
    """
    if position == 6:
        return {value: label for values in _FORMATS for value, label in values[6].items()}
    for values in _FORMATS:
        if type_of_record in values[6]:
            return values.get(position, {})
    return BIBLIOGRAPHIC.get(position, {})

"""What a record has to be like: the MARC 21 bibliographic format, and a library's own rules.

    validator = Validator.marc21()
    for fault in validator.check(record):
        print(fault)

That a record has the structure of MARC is seen to where it is read; this is about what stands in
it: tags, indicators, subfields, what may repeat and what must be there, coded values, check digits,
links. docs/validation.md tells of each fault, and of files of rules.
"""

from __future__ import annotations

import os
import re
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from operator import itemgetter

from . import _core, marc21
from ._field_rule import FieldRule, shortened
from ._fixed_fields import FIXED_TAGS, FixedFields, material_of
from ._numbers import NUMBERS
from ._own_rules import (
    ERROR,
    OFF,
    WARNING,
    OwnRules,
    check_name,
    pattern_of,
)
from ._rule_files import read_rule_file
from .base import FIELD_MARK, BaseRecord
from .errors import RulesInvalid
from .field import CONTROL_TAGS, DELIMITER, FIELD_END
from .leader import LEADER_LEN

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NamedTuple, Optional, TypeVar, Union

    from ._field_rule import Verdict

    class _Fault(NamedTuple):
        code: str
        severity: str
        tag: str
        occurrence: int | None
        subfield: str | None
        position: int | None
        found: str
        message: str

    #: What is wrong with a field, from its text and what the record is of.
    Look = Callable[[str, str], list[Verdict]]
    #: What is known of fields of one shape: what is wrong with them, the tag where only one of
    #: them may be there, and what has to look at their text. Nothing where that is nothing.
    Known = Union[tuple[list[Verdict], str, Optional[Look]], tuple[()]]
    T = TypeVar("T")
    V = TypeVar("V")

else:
    _Fault = namedtuple("_Fault", "code severity tag occurrence subfield position found message")

#: The codes of all faults, how bad they are unless somebody says otherwise, and what they mean.
FAULTS: dict[str, tuple[str, str]] = {
    "record-type": (ERROR, "the record is of another format, which these rules are not about"),
    "field-missing": (ERROR, "a field that has to be there is not"),
    "field-unknown": (ERROR, "the tag is not defined"),
    "field-obsolete": (WARNING, "the tag is not used any more"),
    "field-forbidden": (ERROR, "the library does not use the tag"),
    "field-repeated": (ERROR, "the field may be there once only"),
    "main-entry-repeated": (ERROR, "there is more than one of 100, 110, 111 and 130"),
    "control-subfields": (ERROR, "a control field has subfields"),
    "fixed-length": (ERROR, "a fixed-length field is too long or too short"),
    "fixed-value": (ERROR, "a coded value is not defined"),
    "fixed-obsolete": (WARNING, "a coded value is not used any more"),
    "indicator-invalid": (ERROR, "an indicator has a value that is not defined"),
    "subfield-missing": (ERROR, "a subfield that has to be there is not"),
    "subfield-unknown": (ERROR, "the subfield is not defined"),
    "subfield-obsolete": (WARNING, "the subfield is not used any more"),
    "subfield-forbidden": (ERROR, "the library does not use the subfield"),
    "subfield-repeated": (ERROR, "the subfield may be there once only"),
    "isbn-invalid": (ERROR, "020 $a is no ISBN"),
    "isbn-check-digit": (ERROR, "the check digit of an ISBN is wrong"),
    "issn-invalid": (ERROR, "022 $a is no ISSN"),
    "issn-check-digit": (ERROR, "the check digit of an ISSN is wrong"),
    "lccn-invalid": (ERROR, "010 $a does not have the structure of an LCCN"),
    "link-invalid": (ERROR, "$6 is not written as a link"),
    "link-missing": (ERROR, "$6 leads to a field that is not there"),
}

#: Where the leader is among the fields.
_LEADER = -1
#: What was found is remembered of so many leaders and shapes of fields, real files having some
#: thousands, and of none that is longer than so many characters.
_KNOWN_MAX = 20_000
_KEY_MAX = 200
_REQUIRED = ("001", "008", "245")
_MAIN_ENTRIES = frozenset(["100", "110", "111", "130"])
#: Holds another field in another script.
_ALTERNATE = "880"
_LINKING = f"{DELIMITER}6".encode()
#: Leader/06 of the formats for authority, holdings, classification and community information.
_OTHER_FORMATS = "zuvxywq"
_LINK = re.compile(r"([0-9A-Za-z]{3})-([0-9]{2})(?=/|$)")
#: The number of a link that leads nowhere, and says so.
_UNLINKED = "00"


class Fault(_Fault):
    """What is wrong with a record, in one place.

    - `code`, one of FAULTS, which never changes; `severity`, `error` or `warning`;
    - `tag`, LDR for the leader; `occurrence`, how many fields with this tag stand before it, which
      is what `record.field_at` takes; None for the leader, and for what is missing;
    - `subfield`, its code; `position`, in characters from 0, in a fixed-length field, or that of an
      indicator; None where it is about no such thing;
    - `found`, what stands there; `message`, all of it in words.
    """

    __slots__ = ()

    @property
    def place(self) -> str:
        """The tag and the occurrence: `650[2]`."""
        return self.tag if self.occurrence is None else f"{self.tag}[{self.occurrence}]"

    def __str__(self) -> str:
        return f"{self.place} {self.code}: {self.message}"


class Validator:
    """What records have to be like.

    `Validator.marc21()` has the format's rules, `Validator.from_file` a library's own on top of
    them. One object will do for any number of records, and of threads.
    """

    def __init__(self, own: OwnRules | None = None, ignore: Iterable[str] = ()) -> None:
        """Take a library's own rules, and the codes of faults that are not to be told.

        Raises RulesInvalid for a code that there is not.
        """
        own = own or OwnRules({})
        ignored = dict.fromkeys(ignore, OFF)
        for codes, place in ((own.severities, "severity: "), (ignored, "")):
            for code in codes:
                check_name(code, FAULTS, f"{place}there is no fault")
        self._severities = {code: severity for code, (severity, _) in FAULTS.items()}
        self._severities.update({**own.severities, **ignored})
        self._own = own.fields
        required = dict.fromkeys(_REQUIRED, True)
        required.update((one.tag, one.required) for one in own.fields if one.required is not None)
        self._required = {tag for tag, is_required in required.items() if is_required}
        self._fixed = FixedFields()
        # What is known of leaders; of fields by what they are made of, which is not much; and of
        # fields 880 by that and what they stand for.
        self._leaders: dict[bytes, tuple[str | None, list[Verdict]]] = {}
        self._known: dict[str, Known] = {}
        self._alternates: dict[str, list[Verdict]] = {}

    @classmethod
    def marc21(cls, ignore: Iterable[str] = ()) -> Validator:
        """With the rules of the MARC 21 bibliographic format."""
        return cls(None, ignore)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], ignore: Iterable[str] = ()) -> Validator:
        """With these, and a library's own from a TOML, YAML or JSON file (docs/validation.md).

        YAML needs PyYAML, and TOML before Python 3.11 tomli. Raises RulesInvalid, and SourceError
        for a file that cannot be read.
        """
        ignore = list(ignore)
        cls(None, ignore)  # which says what is wrong with these, and not with the file
        try:
            return cls(OwnRules(read_rule_file(path)), ignore)
        except RulesInvalid as error:
            error.source = os.fspath(path)
            raise

    @classmethod
    def from_mapping(cls, rules: Mapping[str, Any], ignore: Iterable[str] = ()) -> Validator:
        """With these, and a library's own as a file would have them. Raises RulesInvalid."""
        return cls(OwnRules(rules), ignore)

    def check(self, record: BaseRecord[Any]) -> list[Fault]:
        """What is wrong with a record, in the order of its fields; empty if nothing is.

        Raises a MarcError for a record that cannot be read, or that could not be written.
        """
        flat = record._checked()
        shape = _core.shape(flat)
        if shape is None:
            record._refuse()
        keys = shape.decode("utf-8", "replace").split(FIELD_MARK) if shape else []
        material, verdict = self._of_leader(flat[:LEADER_LEN])
        if material is None:
            return self._told([], [(_LEADER, one) for one in verdict])
        found = [(_LEADER, one) for one in verdict]
        contents = flat.split(FIELD_END)
        once: set[str] = set()
        is_repeated = False
        for at, known in enumerate(map(self._known.get, keys)):
            if known is None:
                known = self._learn(keys[at])
            if known:
                verdict, tag, look = known
                if tag in once:
                    is_repeated = True
                elif tag:
                    once.add(tag)
                if look is not None:
                    text = contents[at + 1].decode("utf-8", "replace")
                    verdict = verdict + look(text, material)
                if verdict:
                    found += [(at, one) for one in verdict]
        is_repeated |= len(_MAIN_ENTRIES & once) > 1
        has_links = _LINKING in flat
        if not (found or is_repeated or has_links) and self._required <= once:
            return []
        tags = [key[:3] for key in keys]
        if is_repeated:
            found += self._of_repeated(tags)
        if has_links:
            found += _of_links(tags, contents[1:])
        return self._told(tags, found) + self._missing(tags)

    # ---- of the record

    def _told(self, tags: list[str], found: list[tuple[int, Verdict]]) -> list[Fault]:
        """The faults, but for those that are not to be told, in the order of the fields."""
        faults = []
        for at, (code, subfield, position, value, message) in sorted(found, key=itemgetter(0)):
            severity = self._severities[code]
            if severity == OFF:
                continue
            tag, occurrence = "LDR", None
            if at != _LEADER:
                tag, occurrence = tags[at], tags[:at].count(tags[at])
            where = tag, occurrence, subfield, position
            faults.append(Fault(code, severity, *where, value, message))
        return faults

    def _missing(self, tags: list[str]) -> list[Fault]:
        severity = self._severities["field-missing"]
        missing = [] if severity == OFF else sorted(self._required.difference(tags))
        return [
            Fault("field-missing", severity, tag, None, None, None, "", "is missing")
            for tag in missing
            if not any(map(pattern_of(tag), tags))
        ]

    def _of_repeated(self, tags: list[str]) -> Iterator[tuple[int, Verdict]]:
        seen: set[str] = set()
        main = ""
        for at, tag in enumerate(tags):
            if self._rule(tag).repeatable:
                continue
            if tag in seen:
                message = f"stands {tags.count(tag)} times, should stand once"
                yield at, ("field-repeated", None, None, "", message)
            elif tag in _MAIN_ENTRIES:
                if main:
                    message = f"stands beside {main}, and there should be one main entry"
                    yield at, ("main-entry-repeated", None, None, "", message)
                main = main or tag
            seen.add(tag)

    def _of_leader(self, leader: bytes) -> tuple[str | None, list[Verdict]]:
        """What the record is of, None for another format; what is wrong with its leader."""
        key = leader[5:12] + leader[17:]
        known = self._leaders.get(key)
        if known is None:
            text = leader.decode()
            if text[6] in _OTHER_FORMATS:
                message = f'/06 is "{text[6]}", which is of another format'
                known = None, [("record-type", None, 6, text[6], message)]
            else:
                material = material_of(text)
                known = material, self._of_fixed("LDR", text, material)
            _keep(self._leaders, key, known)
        return known

    # ---- of a field

    def _learn(self, key: str) -> Known:
        """What is known of fields that are made of this, as `_core.shape` tells it."""
        tag = key[:3]
        rule = self._rule(tag)
        verdict = list(rule.of_tag(tag))
        look: Look | None = partial(_of_number, tag=tag) if tag in NUMBERS else None
        indicators, mark, codes = key[3:].partition(DELIMITER)
        if tag in CONTROL_TAGS:
            if mark:
                message = "has subfields, which a control field may not"
                verdict.append(("control-subfields", None, None, "", message))
            elif tag in FIXED_TAGS:
                look = partial(self._of_fixed, tag)
        elif tag == _ALTERNATE:
            look = partial(self._of_alternate, indicators, codes)
        elif rule.status is not None:
            verdict += rule.of_content(indicators, codes)
        once = "" if rule.repeatable else tag
        known: Known = (verdict, once, look) if verdict or once or look else ()
        if len(key) <= _KEY_MAX:
            _keep(self._known, key, known)
        return known

    def _of_fixed(self, tag: str, text: str, material: str) -> list[Verdict]:
        kind = self._fixed.kind(tag, text, material)
        if kind.is_sound(text):
            return []
        return [(code, None, at, value, what) for code, at, value, what in kind.faults(text)]

    def _of_alternate(self, indicators: str, codes: str, text: str, material: str) -> list[Verdict]:
        """Of a field 880, which has the indicators and subfields of the field it stands for."""
        tag = text.partition(_LINKING.decode())[2][:3]
        key = f"{tag}{indicators}{DELIMITER}{codes}"
        known = self._alternates.get(key)
        if known is None:
            known = [] if tag else [("subfield-missing", "6", None, "", "$6 is missing")]
            rule = self._rule(tag, _ALTERNATE)
            if rule.status is not None and tag not in CONTROL_TAGS:
                for code, subfield, position, found, message in rule.of_content(indicators, codes):
                    message += f", as it stands for a field {tag}"
                    known.append((code, subfield, position, found, message))
            if len(key) <= _KEY_MAX:
                _keep(self._alternates, key, known)
        return known

    def _rule(self, tag: str, alternate: str = "") -> FieldRule:
        """What is said of fields with a tag, or of an alternate tag that stands for it."""
        own = [one for one in self._own if one.matches(tag) or one.matches(alternate)]
        rule = FieldRule(tag, marc21.fields().get(tag), own)
        if alternate and rule.subfields is not None:
            rule.subfields = {"6": False, **rule.subfields}
        return rule


def _of_number(text: str, material: str, tag: str) -> list[Verdict]:
    """Of a field whose $a is a number."""
    found: list[Verdict] = []
    for part in text.split(DELIMITER)[1:]:
        wrong = NUMBERS[tag](part[1:]) if part.startswith("a") else None
        if wrong is not None:
            code, what = wrong
            found.append((code, "a", None, part[1:], f'$a "{shortened(part[1:])}" {what}'))
    return found


def _of_links(tags: list[str], contents: list[bytes]) -> Iterator[tuple[int, Verdict]]:
    """What is wrong with subfields $6 (MARC 21 Format for Bibliographic Data, Appendix A)."""
    links: list[tuple[int, str, str]] = []
    for at, (tag, content) in enumerate(zip(tags, contents)):
        if tag in CONTROL_TAGS or _LINKING not in content:
            continue
        value = content.split(_LINKING, 1)[1].split(_LINKING[:1], 1)[0].decode("utf-8", "replace")
        match = _LINK.match(value)
        if match is None or (match[1] == _ALTERNATE) == (tag == _ALTERNATE):
            message = f'$6 "{shortened(value)}" is no link'
            yield at, ("link-invalid", "6", None, value, message)
        elif match[2] != _UNLINKED:
            links.append((at, match[1], match[2]))
    there = {(tags[at], to, number) for at, to, number in links}
    for at, to, number in links:
        if (to, tags[at], number) not in there:
            value = f"{to}-{number}"
            message = f"$6 leads to a field {to} with $6 {tags[at]}-{number}, which is not there"
            yield at, ("link-missing", "6", None, value, message)


def _keep(known: dict[T, V], key: T, value: V) -> None:
    """Remember a value. When there are too many all are forgotten, so that memory is bounded."""
    if len(known) >= _KNOWN_MAX:
        known.clear()
    known[key] = value

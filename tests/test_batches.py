"""What is made of many records at once is what each by itself would say."""

from __future__ import annotations

import concurrent.futures
import copy
import functools
import gc
import io
import pickle
import random
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from marc import LEADER, LEADER_MARC8, iso2709

import mrrc_ct
from mrrc_ct import _batch
from mrrc_ct import pymarc as dropin

CODES = ("a", "b", "c", "6", "é")
SPACES = " \t\n\x1c\x85\xa0\u1680\u2000\u200a\u2028\u202f\u205f\u3000\u200b"
TAGS = ("245", "020", "022", "222", "100", "650", "LOC", "00A", "9xx")


def some(
    seed: int, count: int, letters: str, leader: str, is_odd: bool, has_title: bool = False
) -> list[bytes]:
    """Records, more than one batch of them, with all that a field may be."""
    chance = random.Random(seed)

    def text(least: int = 0) -> str:
        return "".join(chance.choices(letters, k=chance.randint(least, 6)))

    def content() -> str:
        if is_odd and chance.random() < 0.1:
            return chance.choice(["", "1", "10", "$aOdes", "  $", "  $$ax", "100$ax"])
        parts = [f"${chance.choice(CODES[:-1])}{text()}" for _ in range(chance.randint(1, 4))]
        return "10" + "".join(parts)

    records = []
    for number in range(count):
        fields: list[tuple[str, str | bytes]] = [("001", f" {number}")]
        fields += [("008", text(1))] if chance.random() < 0.5 else []
        fields += [("245", "10$aOdes")] if has_title else []
        fields += [(chance.choice(TAGS), content()) for _ in range(chance.randint(0, 8))]
        records.append(iso2709(*fields, leader=leader))
    return records


KINDS = {
    "ascii": some(1, 400, "ab ", LEADER, True),
    "white space": some(2, 400, "aé日" + SPACES, LEADER, False),
    "marc8": some(3, 400, "ab ", LEADER_MARC8, True),
    "both": [
        record
        for pair in zip(some(4, 200, "aé ", LEADER, False), some(5, 200, "ab", LEADER_MARC8, False))
        for record in pair
    ],
}


@pytest.fixture(params=list(KINDS))
def records(request: pytest.FixtureRequest) -> list[bytes]:
    return KINDS[request.param]


def said(record: mrrc_ct.Record) -> object:
    """What a record says to all that is asked of batches."""
    return (
        record.title(),
        record.issn_title(),
        record.isbn(),
        record.issn(),
        record.issnl(),
        record.control_field("001"),
        record.control_field("008"),
        record.control_field("245"),
        [(field.tag, field.control_field, field.value()) for field in record.fields],
        [field._text() for field in record.fields],
    )


def test_records_say_in_a_batch_what_they_say_alone(records: list[bytes]) -> None:
    alone = [said(mrrc_ct.Record(record)) for record in records]
    assert [said(record) for record in mrrc_ct.MARCReader(b"".join(records))] == alone
    # One question only, so that a batch is prepared for just that.
    titles = [record.title() for record in mrrc_ct.MARCReader(b"".join(records))]
    assert titles == [mrrc_ct.Record(record).title() for record in records]


def outcome(question: Callable[[mrrc_ct.Record], object], record: mrrc_ct.Record) -> object:
    """The answer, or why there is none."""
    try:
        return question(record)
    except mrrc_ct.MarcError as error:
        return error.code, error.tag


def edited_first(record: mrrc_ct.Record, tag: str, code: str) -> bytes:
    """The record once the first field with a tag is another."""
    try:
        record[tag][code] = "changed \N{GREEK SMALL LETTER PI}"
    except KeyError as error:
        return str(error).encode()
    return record.as_marc()


@pytest.mark.parametrize("tag", ["245", "100", "650", "001"])
def test_records_are_changed_in_a_batch_as_alone(records: list[bytes], tag: str) -> None:
    def changed(record: mrrc_ct.Record) -> object:
        return edited_first(record, tag, "a")

    for number, record in enumerate(mrrc_ct.MARCReader(b"".join(records))):
        alone = mrrc_ct.Record(records[number])
        if number % 7 == 0:  # all fields before that, and another one
            assert record.get("245") == alone.get("245")
            assert record.fields == alone.fields
        assert outcome(changed, record) == outcome(changed, alone)
        if tag in record:
            assert record[tag] == next(field for field in record.fields if field.tag == tag)


def test_a_reader_that_was_asked_one_thing_answers_another(records: list[bytes]) -> None:
    chance = random.Random(6)
    questions: list[Callable[[mrrc_ct.Record], object]] = [
        lambda record: record.title(),
        lambda record: record.control_field("001"),
        lambda record: [field.value() for field in record.fields],
        lambda record: record["001"].data,
        lambda record: record.as_marc(),
        lambda record: record.to_json(),
        lambda record: record.author(),
        lambda record: [str(field) for field in record.get_fields("245")],
        lambda record: edited_first(record, "245", "a"),
        lambda record: edited_first(record, "100", "d"),
        lambda record: record.get("245"),
    ]
    often = chance.sample(questions, 2)
    for index, record in enumerate(mrrc_ct.MARCReader(b"".join(records))):
        # Now and then another question; what is asked often changes.
        if index % 150 == 0:
            often = chance.sample(questions, 2)
        asked = often if chance.random() < 0.8 else chance.sample(questions, 3)
        alone = mrrc_ct.Record(records[index])
        for question in asked:
            assert outcome(question, record) == outcome(question, alone)


@pytest.mark.parametrize("seed", range(8))
def test_records_go_through_the_same_in_a_batch_as_alone(seed: int) -> None:
    chance = random.Random(seed)
    data = some(seed, 1500, "ab é", LEADER, False, has_title=True)
    ways: list[Callable[[mrrc_ct.Record, str], object]] = [
        lambda record, tag: record[tag].value(),
        lambda record, tag: record[tag].value(),
        lambda record, tag: record.get(tag),
        lambda record, tag: tag in record,
        lambda record, tag: record[tag].get("a"),
        lambda record, tag: record[tag].__setitem__("a", "new"),
        lambda record, tag: record[tag].add_subfield("x", "new"),
        lambda record, tag: setattr(record[tag], "tag", "999"),
        lambda record, tag: record.get_fields(tag),
        lambda record, tag: record.add_field(mrrc_ct.Field(tag, data="1")),
        lambda record, tag: record.remove_fields(tag),
        lambda record, tag: record.title(),
        lambda record, tag: len(record.fields),
        lambda record, tag: setattr(record.leader, "record_status", "d"),
        lambda record, tag: record.as_marc(),
    ]
    for index, record in enumerate(mrrc_ct.MARCReader(b"".join(data))):
        alone = mrrc_ct.Record(data[index])
        # Nearly all are asked for the same first, and so that is made beforehand.
        steps = [(chance.choice(ways), chance.choice(TAGS)) for _ in range(chance.randint(0, 5))]
        if chance.random() < 0.8:
            steps.append((ways[0], "245"))
        for way, tag in reversed(steps) if chance.random() < 0.5 else steps:
            step = functools.partial(way, tag=tag)
            found, expected = [tried(functools.partial(step, one)) for one in (record, alone)]
            assert found == expected
        assert record.as_marc() == alone.as_marc()


def test_a_field_that_was_not_expected_is_handed_out_once() -> None:
    one = iso2709(("001", "1"), ("100", "1 $aHorace"), ("245", "10$aOdes"))
    for number, record in enumerate(mrrc_ct.MARCReader(one * 500)):
        if number < 400:  # so that the batch behind these comes with its 245 made
            _ = record["245"]
            continue
        field = record["100"]
        assert record["100"] is field
        field["a"] = "Vergil"
        assert record["100"] is field
        assert b"Vergil" in record.as_marc()


def test_values_are_pymarcs(records: list[bytes]) -> None:
    pymarc = pytest.importorskip("pymarc")
    data = b"".join(records)

    def values(reader: Iterator[object]) -> list[object]:
        return [
            record and (record.title, [(field.tag, field.value()) for field in record.fields])  # type: ignore[attr-defined]
            for record in reader
        ]

    assert values(dropin.MARCReader(io.BytesIO(data))) == values(
        pymarc.MARCReader(io.BytesIO(data))
    )


def test_a_value_changes_with_its_field(records: list[bytes]) -> None:
    def edited(field: mrrc_ct.Field, way: int) -> str:
        if field.control_field:
            field.data = "new"
        elif way == 0 and field._text().count("\x1fa") == 1:
            field["a"] = "new"
        elif way == 1:
            field.add_subfield("x", "new")
        elif way == 2:
            field.delete_subfield("a")
        elif way == 3:
            field.subfields.append(mrrc_ct.Subfield("x", "new"))
        elif way == 4:
            field.subfields = []
        elif way == 5:
            field.indicators = "xy"
        return field.value()

    for index, record in enumerate(mrrc_ct.MARCReader(b"".join(records))):
        alone = mrrc_ct.Record(records[index])
        for place, field in enumerate(record.fields):
            assert edited(field, (index + place) % 7) == edited(
                alone.fields[place], (index + place) % 7
            )
        assert record.fields == alone.fields


#: What may be done with a field of either kind of record, and what it says then.
WAYS: list[Callable[[Any], object]] = [
    lambda field: field.value(),
    lambda field: field.get("a"),
    lambda field: str(field),
    lambda field: field.subfields if not field.control_field else field.data,
    lambda field: getattr(field, "indicators", None),
    lambda field: setattr(field, "tag", "0" + field.tag[1:]) if field.tag > "1" else None,
    lambda field: setattr(field, "data", "new") if field.control_field else None,
    lambda field: None if field.control_field else field.add_subfield("x", "new"),
    lambda field: None if field.control_field else field.subfields.pop(),
    lambda field: None if field.control_field else setattr(field, "indicators", ("x", "y")),
    lambda field: [subfield.code for subfield in field],
    lambda field: copy.copy(field).value(),
    lambda field: pickle.loads(pickle.dumps(field)).value(),
    lambda field: type(field).__init__(field, "500", ("1", "2"), [mrrc_ct.Subfield("a", "new")]),
]
#: What only the drop-in has.
LAX_WAYS: list[Callable[[Any], object]] = [
    lambda field: setattr(field, "data", None),
    lambda field: field.subfields.append(("z", "new")),
    lambda field: setattr(field, "subfields", [mrrc_ct.Subfield("y", "new")]),
    lambda field: next(field, None),
    lambda field: [iter(field), next(field, None), next(field, None)][1:],
]


def tried(act: Callable[[], object]) -> object:
    """What comes of it, an error included."""
    try:
        return act()
    except Exception as error:
        return type(error), str(error)


def in_a_thread(act: Callable[[], object], is_so: bool) -> object:
    """The same, beside another thread if that is so."""
    if not is_so:
        return tried(act)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(tried, act).result()


def state_of(field: Any) -> object:
    """All that a field is."""
    return (
        field.tag,
        field.control_field,
        tried(field.value),
        tried(lambda: field.indicators),
        tried(lambda: list(field.subfields)),
        tried(field._text),
    )


@pytest.mark.parametrize("is_dropin", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_fields_that_are_used_again_are_nobody_elses(seed: int, is_dropin: bool) -> None:
    """Whatever is kept of records and done to fields meanwhile, each is what it would be alone."""
    chance = random.Random(seed)
    data = some(seed, 1200, "ab é", LEADER, False)
    ways = WAYS + LAX_WAYS if is_dropin else WAYS
    reader: Any = (
        dropin.MARCReader(b"".join(data)) if is_dropin else mrrc_ct.MARCReader(b"".join(data))
    )
    kept: list[tuple[Any, Any]] = []
    for index, record in enumerate(reader):
        # Long stretches where nothing is kept, where little is done, where all of it is.
        keeps, does, threads = ((0, 0.1, 0), (0.01, 0.3, 0.01), (0.3, 0.5, 0), (0, 0, 0))[
            index // 100 % 4
        ]
        alone = dropin.Record(data[index]) if is_dropin else mrrc_ct.Record(data[index])
        fields, theirs = record.fields, alone.fields
        assert [(one.tag, one.value()) for one in fields] == [
            (one.tag, one.value()) for one in theirs
        ]
        for field, other in zip(fields, theirs):
            if chance.random() < does:
                way = chance.choice(ways)
                act, alike = functools.partial(way, field), functools.partial(way, other)
                found = in_a_thread(act, chance.random() < threads)
                assert repr(found) == repr(tried(alike))
            if chance.random() < keeps:
                kept += [(field, other)]
        if chance.random() < keeps:
            kept += zip(fields, theirs)
        if chance.random() < keeps / 10:
            fields, theirs = copy.deepcopy((fields, theirs))
            kept += zip(fields, theirs)
    assert len(kept) > 500
    for field, other in kept:
        assert state_of(field) == state_of(other)


def test_fields_that_nobody_has_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    if not hasattr(sys, "getrefcount"):
        pytest.skip("whether somebody has a field cannot be told here")
    made = 0
    make = _batch.blank

    def counted(a_class: Any, count: int) -> list[Any]:
        nonlocal made
        made += count * issubclass(a_class, mrrc_ct.Field)
        return make(a_class, count)

    monkeypatch.setattr(_batch, "blank", counted)
    data = iso2709(("001", "1234"), ("245", "10$aOdes"), ("300", "  $aleaves")) * 640

    def made_by(look: Callable[[Any], object]) -> int:
        nonlocal made
        made = 0
        for record in dropin.MARCReader(data):
            for field in record.fields:
                look(field)
        return made

    # Two records' fields in each batch that is known to be asked for them.
    assert 0 < made_by(lambda field: field.value()) < 60
    assert 0 < made_by(lambda field: field.get("a")) < 60
    kept: list[Any] = []
    assert made_by(kept.append) > 1500
    values = ["1234", "Odes", "leaves"] * 640
    assert [field.value() for field in kept] == values


def test_a_field_that_is_kept_keeps_nothing_of_others() -> None:
    class Text(str):
        __slots__ = ("__weakref__",)

    data = iso2709(("001", "1234"), ("245", "10$aOdes")) * 600
    kept = []
    for number, record in enumerate(mrrc_ct.MARCReader(data)):
        number_field, title = record.fields
        if number >= 300 and len(kept) < 3:
            text = Text("5678")
            number_field.data = text
            kept.append((title, weakref.ref(text)))
            del text
        del number_field
    gc.collect()
    assert [(title.value(), reference()) for title, reference in kept] == [("Odes", None)] * 3


def test_text_that_cannot_be_read_is_told_by_its_record() -> None:
    good = iso2709(("001", "1"), ("245", "10$aOdes"))
    bad = iso2709(("001", "2"), ("245", b"10\x1fa\xff"))
    reader = mrrc_ct.MARCReader(good * 200 + bad + good * 50)
    for number, record in enumerate(reader, 1):
        if number == 201:
            with pytest.raises(mrrc_ct.errors.TextError) as caught:
                record.title()
            assert caught.value.record_number == 201
            with pytest.raises(mrrc_ct.errors.TextError):
                _ = record.fields
        else:
            assert record.title() == "Odes"
            assert [field.value() for field in record.fields] == ["1", "Odes"]


def test_a_record_that_is_kept_says_the_same_later() -> None:
    records = [iso2709(("001", str(number)), ("245", f"10$a{number}")) for number in range(500)]
    kept = []
    for record in mrrc_ct.MARCReader(b"".join(records)):
        record.title()
        kept.append(record)
    assert [record.title() for record in kept] == [str(number) for number in range(500)]
    assert [record.fields[1].value() for record in kept] == [str(number) for number in range(500)]


def test_many_tags_are_no_matter() -> None:
    def record(number: int) -> bytes:
        fields: list[tuple[str, str | bytes]] = [
            (f"{tag:03}", f"10$a{tag}") for tag in range(10 + number % 2, 990, 2)
        ]
        return iso2709(*fields)

    records = [record(number) for number in range(300)]
    for index, one in enumerate(mrrc_ct.MARCReader(b"".join(records))):
        assert [f.tag for f in one.fields] == [f.tag for f in mrrc_ct.Record(records[index]).fields]


# ---- records of which a field was asked, and which are whole otherwise


def whole(*more: tuple[str, str | bytes]) -> mrrc_ct.Record:
    """The last of more than a batch of records, all of which were asked for their first 245."""
    fields = [("001", "1"), ("245", "10$aOdes"), ("245", "10$aSatires"), *more]
    record = mrrc_ct.Record()
    for record in mrrc_ct.MARCReader(iso2709(*fields) * 200):
        _ = record["245"]
    return record


def test_a_field_stays_itself_whatever_else_is_asked() -> None:
    for ask in (
        lambda record: record["245"],
        lambda record: record.get_fields("245")[0],
        lambda record: record.fields[1],
        lambda record: [record.add_field(mrrc_ct.Field("500")), record["245"]][1],
        lambda record: [record.get("100"), record.title(), record.get("245")][2],
    ):
        record = whole()
        field = record["245"]
        field["a"] = "Epistles"
        assert ask(record) is field
        assert record.title() == "Epistles"
        again = mrrc_ct.Record(record.as_marc())
        assert [str(one) for one in again.get_fields("245")] == [
            "=245  10$aEpistles",
            "=245  10$aSatires",
        ]


def test_a_field_that_gets_another_tag_is_no_longer_found_by_the_old_one() -> None:
    record = whole()
    first = record["245"]
    first.tag = "246"
    assert record["246"] is first
    assert record["245"]["a"] == "Satires"
    assert [field.tag for field in mrrc_ct.Record(record.as_marc())] == ["001", "246", "245"]


def test_what_cannot_be_written_into_a_whole_record_is_told() -> None:
    for value, error in (
        ("a\x1e245b", mrrc_ct.errors.DelimiterInData),
        ("a\x1db", mrrc_ct.errors.DelimiterInData),
        ("x" * 10_000, mrrc_ct.errors.FieldTooLong),
        ("\ud800", mrrc_ct.errors.UnmappableCharacter),
    ):
        record = whole()
        record["245"]["a"] = value
        with pytest.raises(error):
            record.as_marc()


@pytest.mark.parametrize("value", ["", "a\0b", "日本\u0301", "x" * 9_990])
def test_a_changed_field_is_written_as_pymarc_does(value: str) -> None:
    pymarc = pytest.importorskip("pymarc")
    record = whole(("500", "  $aBehind."))
    theirs = pymarc.Record(record.as_marc())
    for one in (record, theirs):
        one["245"]["a"] = value
        one["001"].data = f"{value[:5]}7"
    assert record.as_marc() == theirs.as_marc()


@pytest.mark.parametrize("character", ["日", "😀", "ab", "é", "a"])
def test_fields_that_say_the_same_in_a_character_or_two_keep_their_own_contents(
    character: str,
) -> None:
    contents = [start + character for start in ("  $a", "11$b", "1 $c", " 1$a")]
    one = iso2709(("001", "12"), *[(f"{500 + n}", content) for n, content in enumerate(contents)])
    for record in mrrc_ct.MARCReader(one * 200):
        values = [field.value() for field in record.fields]
        assert values == ["12", *(content[4:] for content in contents)]
        found = [
            "".join([*field.indicators, "$", *field.subfields[0]]) for field in record.fields[1:]
        ]
        assert found == contents


def test_a_field_of_nothing_but_a_delimiter_is_there() -> None:
    odd = iso2709(("001", "1"), ("245", "$"), ("300", "  $ax"))
    for record in mrrc_ct.MARCReader(odd * 200):
        assert record["245"]._text() == "\x1f"
        assert record.get("500") is None
        assert record["300"]["a"] == "x"


def test_records_of_tuples_are_those_of_fields() -> None:
    subfields = [("a", "Odes"), ("é", "b"), ("c", "")]
    for pairs in (subfields[:1], subfields, tuple(subfields), iter(subfields)):
        kept = list(pairs)
        record = mrrc_ct.Record.from_fields(
            [("001", "42"), ("245", "10", iter(kept)), ("500", ("1", " "), kept)]
        )
        fields = [mrrc_ct.Field("001", data="42")]
        for tag, indicators in (("245", "10"), ("500", ("1", " "))):
            pieces = [mrrc_ct.Subfield(*pair) for pair in kept]
            fields.append(mrrc_ct.Field(tag, tuple(indicators), pieces))
        assert record.fields == fields
        assert record.as_marc() == mrrc_ct.Record(fields=fields).as_marc()
    for value in ("a\x1fb", "a\x1eb", "a\x1db"):
        with pytest.raises(mrrc_ct.errors.DelimiterInData):
            mrrc_ct.Record.from_fields([("245", "10", [("a", value)])]).as_marc()

"""Writes `books.pymarc.json.xz`, what pymarc makes of `books.mrc`: `python tests/data/make_expected.py`.

pymarc 5.4.0 needs Python 3.10. Where it cannot be, the tests compare with this file.
"""

import io
import json
import lzma
import pathlib
import sys

FOLDER = pathlib.Path(__file__).parent
TARGET = FOLDER / "books.pymarc.json.xz"
#: Properties of pymarc's records.
ACCESSORS = (
    *("title", "author", "isbn", "issn", "issnl", "issn_title", "sudoc", "uniformtitle", "series"),
    *(
        "subjects",
        "addedentries",
        "location",
        "notes",
        "physicaldescription",
        "publisher",
        "pubyear",
    ),
)


def text_of(value):
    """What an accessor gives, fields as their text."""
    return [str(field) for field in value] if isinstance(value, list) else value


def edit(record, library):
    """Change a record in every way, with the classes of one library or the other."""
    record["245"]["a"] = "Zmieniony tytuł – 変更"
    record["245"].add_subfield("z", "added")
    record["245"].indicators = library.Indicators("0", "4")
    record.remove_fields("650", "300")
    record.add_field(library.Field("990", (" ", "1"), [library.Subfield("a", "last")]))
    record.add_ordered_field(library.Field("500", (" ", " "), [library.Subfield("a", "in order")]))
    record.add_grouped_field(library.Field("505", ("0", " "), [library.Subfield("a", "in groups")]))
    record["001"].data = "new 001"
    record.leader.record_status = "d"


def expected(library):
    """What a library, pymarc or one like it, makes of each of the records."""
    made = []
    for record in library.MARCReader(io.BytesIO((FOLDER / "books.mrc").read_bytes())):
        one = {
            "leader": str(record.leader),
            "text": str(record),
            "accessors": {name: text_of(getattr(record, name)) for name in ACCESSORS},
            "values": [field.value() for field in record.fields],
            "shown": [field.format_field() for field in record.fields],
            "json": record.as_json(),
            "xml": library.record_to_xml(record, namespace=True).decode(),
        }
        edit(record, library)
        one["edited"] = record.as_marc().decode()
        made.append(one)
    return made


def stored():
    """What has been written before."""
    return json.loads(lzma.decompress(TARGET.read_bytes()))


if __name__ == "__main__":
    import pymarc

    if sys.argv[1:]:
        sys.exit(__doc__)
    TARGET.write_bytes(lzma.compress(json.dumps(expected(pymarc)).encode(), preset=9))

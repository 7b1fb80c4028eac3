"""Records from MARC-in-JSON."""

from __future__ import annotations

from .field import Field, Indicators, Subfield
from .leader import Leader
from .reader import JSONReader
from .record import Record

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["JSONHandler", "parse_json_to_array"]


class JSONHandler:
    """Makes records of what `json.load` gives; `records` has them."""

    def __init__(self) -> None:
        """Begin without a record."""
        self.records: list[Record] = []

    def element(self, element_dict: dict[str, Any], name: str | None = None) -> None:
        """Make a record of one object. `name` changes nothing. KeyError for what is no record."""
        record = Record()
        record.leader = Leader(element_dict["leader"])
        for item in element_dict["fields"]:
            tag, content = list(item.items())[-1]
            field = Field(tag)
            if field.control_field:
                field.data = content
            else:
                pairs = [pair for one in content["subfields"] for pair in one.items()]
                field.subfields = [Subfield(*pair) for pair in pairs]
                field.indicators = Indicators(content["ind1"], content["ind2"])
            record.add_field(field)
        self.process_record(record)

    def elements(self, dict_list: Any) -> list[Record]:
        """Make records of a list of objects, or of one."""
        for one in dict_list if isinstance(dict_list, list) else [dict_list]:
            self.element(one)
        return self.records

    def process_record(self, record: Record) -> None:
        """A record is complete: keep it."""
        self.records.append(record)


def parse_json_to_array(json_file: Any) -> list[Record]:
    """The records of a JSON file object, a file by its name, or JSON text."""
    return JSONHandler().elements(JSONReader(json_file).records)

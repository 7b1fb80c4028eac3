"""pymarc 5's interface over this package's records: `from mrrc_ct import pymarc`.

    from mrrc_ct.pymarc import MARCReader

    with open("records.mrc", "rb") as file:
        for record in MARCReader(file):
            print(record.title)

Every name of pymarc 5.4.0 is here, in modules of the same names. docs/from-pymarc.md lists what is
different. `install()` lets programs have it that say `import pymarc` themselves.
"""

from .constants import (
    DIRECTORY_ENTRY_LEN,
    END_OF_FIELD,
    END_OF_RECORD,
    LEADER_LEN,
    SUBFIELD_INDICATOR,
)
from .exceptions import (
    BadLeaderValue,
    BadSubfieldCodeWarning,
    BaseAddressInvalid,
    BaseAddressNotFound,
    EndOfRecordNotFound,
    FatalReaderError,
    FieldNotFound,
    MissingLinkedFields,
    NoActiveFile,
    NoFieldsFound,
    PymarcException,
    RecordDirectoryInvalid,
    RecordLeaderInvalid,
    RecordLengthInvalid,
    TruncatedRecord,
    WriteNeedsRecord,
)
from .field import (
    Field,
    Indicators,
    RawField,
    Subfield,
    logger,
    map_marc8_field,
)
from .leader import (
    Leader,
)
from .marc8 import (
    MARC8ToUnicode,
    marc8_to_unicode,
)
from .marcjson import (
    JSONHandler,
    parse_json_to_array,
)
from .marcxml import (
    MARC_XML_NS,
    MARC_XML_SCHEMA,
    XSI_NS,
    XmlHandler,
    map_xml,
    parse_xml,
    parse_xml_to_array,
    record_to_xml,
    record_to_xml_node,
)
from .reader import (
    JSONReader,
    MARCMakerReader,
    MARCReader,
    Reader,
    map_records,
)
from .record import (
    Record,
    isbn_regex,
    map_marc8_record,
    normalize_subfield_code,
)
from .writer import (
    JSONWriter,
    MARCWriter,
    TextWriter,
    Writer,
    XMLWriter,
)

__all__ = [
    "DIRECTORY_ENTRY_LEN",
    "END_OF_FIELD",
    "END_OF_RECORD",
    "LEADER_LEN",
    "MARC_XML_NS",
    "MARC_XML_SCHEMA",
    "SUBFIELD_INDICATOR",
    "XSI_NS",
    "BadLeaderValue",
    "BadSubfieldCodeWarning",
    "BaseAddressInvalid",
    "BaseAddressNotFound",
    "EndOfRecordNotFound",
    "FatalReaderError",
    "Field",
    "FieldNotFound",
    "Indicators",
    "JSONHandler",
    "JSONReader",
    "JSONWriter",
    "Leader",
    "MARC8ToUnicode",
    "MARCMakerReader",
    "MARCReader",
    "MARCWriter",
    "MissingLinkedFields",
    "NoActiveFile",
    "NoFieldsFound",
    "PymarcException",
    "RawField",
    "Reader",
    "Record",
    "RecordDirectoryInvalid",
    "RecordLeaderInvalid",
    "RecordLengthInvalid",
    "Subfield",
    "TextWriter",
    "TruncatedRecord",
    "WriteNeedsRecord",
    "Writer",
    "XMLWriter",
    "XmlHandler",
    "install",
    "isbn_regex",
    "logger",
    "map_marc8_field",
    "map_marc8_record",
    "map_records",
    "map_xml",
    "marc8_to_unicode",
    "normalize_subfield_code",
    "parse_json_to_array",
    "parse_xml",
    "parse_xml_to_array",
    "record_to_xml",
    "record_to_xml_node",
]


def install() -> None:
    """Be what `import pymarc` and `from pymarc.… import …` find from now on.

    A program calls it before the first import of pymarc, which itself need not be installed.
    """
    import sys

    for name, module in list(sys.modules.items()):
        if name == __name__ or name.startswith(f"{__name__}."):
            sys.modules[f"pymarc{name[len(__name__) :]}"] = module

"""MARC records: read, written, edited and converted, fast.

    from mrrc_ct import MARCReader

    for record in MARCReader("records.mrc"):
        print(record.title())

The byte work is done by a core without Python in it; this package is what you see of it.
"""

from ._work import Report
from .conversion import (
    FORMATS,
    READABLE,
    Count,
    convert,
    count,
    json_to_record,
    json_to_records,
    marcjson_to_record,
    marcjson_to_records,
    mrk_to_record,
    mrk_to_records,
    read,
    write,
    xml_to_record,
    xml_to_records,
)
from .errors import MarcError
from .field import Field, Indicators, Subfield
from .leader import Leader
from .pipeline import ProducerConsumerPipeline
from .ranges import split_offsets
from .reader import MARCReader
from .record import AuthorityRecord, HoldingsRecord, Record
from .writer import MARCWriter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._dedup import DedupReport, dedup
    from ._describe import Description, describe
    from ._diff import Diff, Difference, DiffReport, diff
    from ._frequency import Frequency, frequency
    from ._grep import Match, Matches, grep
    from ._merge import MergeReport, merge
    from ._repair import RepairReport, repair
    from ._sample import sample
    from ._sort import SortReport, sort
    from ._validate import Checked, Validation, validate
    from .index import RecordIndex, build_index, open_index
    from .tables import Selection, select
    from .validation import Fault, Validator
else:

    def __getattr__(name: str) -> object:
        """What few programs need, with what of the standard library that needs."""
        if name in ("RecordIndex", "build_index", "open_index"):
            from . import index as module
        elif name in ("RepairReport", "repair"):
            from . import _repair as module
        elif name in ("Description", "describe"):
            from . import _describe as module
        elif name in ("Match", "Matches", "grep"):
            from . import _grep as module
        elif name == "sample":
            from . import _sample as module
        elif name in ("Frequency", "frequency"):
            from . import _frequency as module
        elif name in ("Selection", "select"):
            from . import tables as module
        elif name in ("SortReport", "sort"):
            from . import _sort as module
        elif name in ("DedupReport", "dedup"):
            from . import _dedup as module
        elif name in ("MergeReport", "merge"):
            from . import _merge as module
        elif name in ("Diff", "DiffReport", "Difference", "diff"):
            from . import _diff as module
        elif name in ("Checked", "Validation", "validate"):
            from . import _validate as module
        elif name in ("Fault", "Validator"):
            from . import validation as module
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(module, name)


__version__ = "0.1.0"

__all__ = [
    "FORMATS",
    "READABLE",
    "AuthorityRecord",
    "Checked",
    "Count",
    "DedupReport",
    "Description",
    "Diff",
    "DiffReport",
    "Difference",
    "Fault",
    "Field",
    "Frequency",
    "HoldingsRecord",
    "Indicators",
    "Leader",
    "MARCReader",
    "MARCWriter",
    "MarcError",
    "Match",
    "Matches",
    "MergeReport",
    "ProducerConsumerPipeline",
    "Record",
    "RecordIndex",
    "RepairReport",
    "Report",
    "Selection",
    "SortReport",
    "Subfield",
    "Validation",
    "Validator",
    "build_index",
    "convert",
    "count",
    "dedup",
    "describe",
    "diff",
    "frequency",
    "grep",
    "json_to_record",
    "json_to_records",
    "marcjson_to_record",
    "marcjson_to_records",
    "merge",
    "mrk_to_record",
    "mrk_to_records",
    "open_index",
    "read",
    "repair",
    "sample",
    "select",
    "sort",
    "split_offsets",
    "validate",
    "write",
    "xml_to_record",
    "xml_to_records",
]

"""Records in PySpark 4: files of records become data frames, and data frames files of records.

    spark.dataSource.register(MarcDataSource)
    books = spark.read.format("marc").option("columns", "id=001, title=245$a").load("books/*.mrc")

The driver finds the files and cuts the large ones at records (`split_offsets`). What a task reads
goes to Spark as batches of Arrow's: columns that `select` makes, or whole records. docs/spark.md
has the options. The only module that needs pyspark and pyarrow.
"""

from __future__ import annotations

import json
import os
import re
import uuid
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import fs
from pyspark import TaskContext
from pyspark.sql.datasource import (
    DataSource,
    DataSourceArrowWriter,
    DataSourceReader,
    InputPartition,
    WriterCommitMessage,
)
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
)

from ._spark_files import REMOTE_BYTES, File, Part, find_files, locate, parts_of, source_of
from ._spark_rows import RECORD, Rows, arrow_of, records_in
from ._work import records_and_errors
from .conversion import READABLE, close_own, open_as, write
from .errors import MarcError, PathInvalid, SourceError
from .paths import parse_columns, parse_filter
from .reader import MARCReader
from .record import Record
from .recovery import LEVELS, Recovery
from .tables import select

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from .paths import Column

#: Rows of a batch: as many as Spark's own batches have unless told otherwise.
BATCH_ROWS = 10_000

READ_OPTIONS = {
    "columns": "",
    "where": "",
    "from": "",
    "partitions": "",
    "partitionBytes": str(128 * 1024 * 1024),
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": "_corrupt_record",
    "encoding": "",
    "references": "false",
    "validation": "structural",
}
WRITE_OPTIONS = {"format": "marc", "encoding": "", "unmappable": "error", "invalidXml": "error"}
#: What each mode is to `select`.
MODES = {"PERMISSIVE": "lenient", "DROPMALFORMED": "strict", "FAILFAST": "strict"}
EXTENSIONS = {"marc": ".mrc", "marcxml": ".xml"}

_TYPES = {"text": StringType(), "int": LongType(), "date": DateType(), "time": TimestampNTZType()}


class MarcDataSource(DataSource):
    """The data source `marc`, to be registered: `spark.dataSource.register(MarcDataSource)`."""

    _found: list[File] | None = None

    @classmethod
    def name(cls) -> str:
        """What it is called in `format(…)`."""
        return "marc"

    def schema(self) -> StructType:
        """The columns that were asked for, or whole records; and the damage of each, if wanted.

        Raises ValueError for an option, PathInvalid for a path, SourceNotFound for a file: on the
        driver, before anything is read.
        """
        options = _options(self.options, READ_OPTIONS)
        schema = _schema_of(options)
        MarcReader(options, self._files(), schema)
        return schema

    def reader(self, schema: StructType) -> DataSourceReader:
        """What reads these columns. A schema that the user gave has some of them, or all."""
        return MarcReader(_options(self.options, READ_OPTIONS), self._files(), schema)

    def writer(self, schema: StructType, overwrite: bool) -> DataSourceArrowWriter:
        """What writes whole records."""
        options = _options(self.options, WRITE_OPTIONS)
        return MarcWriter(options, self.options.get("path", ""), schema, overwrite)

    def _files(self) -> list[File]:
        """The files, looked for once, as Spark does."""
        if self._found is None:
            paths = self.options.get("path", "").split(",")
            paths += json.loads(self.options.get("paths", "[]"))
            self._found = find_files([path for path in map(str.strip, paths) if path])
        return self._found


# ---- options and schemas


def _options(given: Mapping[str, str], known: dict[str, str]) -> dict[str, str]:
    """All options, with what they are unless given. Raises ValueError for one that there is not."""
    names = {name.lower(): name for name in known}
    options = dict(known)
    for name, value in given.items():
        if name.lower() in names:
            options[names[name.lower()]] = value
        elif name.lower() not in ("path", "paths"):
            raise ValueError(f"there is no option {name!r}: there are {', '.join(known)}")
    return options


def _one_of(options: dict[str, str], name: str, known: Iterable[str]) -> str:
    word = options[name]
    if word not in known:
        raise ValueError(f"the option {name} should be one of {', '.join(known)}, not {word!r}")
    return word


def _positive(options: dict[str, str], name: str) -> int:
    word = options[name]
    if not word.isdecimal() or not int(word):
        raise ValueError(f"the option {name} should be a number from 1, not {word!r}")
    return int(word)


def _columns_of(options: dict[str, str]) -> list[Column]:
    columns = parse_columns(options["columns"]) if options["columns"] else []
    filters = [parse_filter(options["where"])] if options["where"] else []
    if any(column.path == "number" for column in columns) or any(one.has_number for one in filters):
        raise ValueError(
            "files are read in parts, where nobody knows a record's number: use offset"
        )
    if filters and not columns:
        raise ValueError("the option where goes with columns: whole records are all read")
    return columns


def _schema_of(options: dict[str, str]) -> StructType:
    """What can be had with these options."""
    fields = list(RECORD)
    if columns := _columns_of(options):
        fields = [StructField(column.name, _type_of(column)) for column in columns]
    if options["mode"].upper() == "PERMISSIVE":
        name = options["columnNameOfCorruptRecord"]
        if name in [field.name for field in fields]:
            raise ValueError(f"the column {name!r} is for what is wrong with a record")
        fields.append(StructField(name, StringType()))
    return StructType(fields)


def _type_of(column: Column) -> DataType:
    return ArrayType(StringType()) if column.mode == "list" else _TYPES[column.type]


def _check_schema(wanted: StructType, known: StructType, what: str) -> None:
    """Raise ValueError for a column that is not known, or has another type."""
    types = {field.name: field.dataType.simpleString() for field in known}
    for field in wanted:
        kind = field.dataType.simpleString()
        if types.get(field.name) != kind:
            there_is = ", ".join(f"{name} {kind}" for name, kind in types.items())
            raise ValueError(f"{what} have no column {field.name} {kind}: there is {there_is}")


# ---- reading


class MarcReader(DataSourceReader):
    """Reads columns of records, or whole ones, in as many tasks as there are partitions."""

    def __init__(self, options: dict[str, str], files: list[File], schema: StructType) -> None:
        """Take options, the files, and which columns are wanted. Raises ValueError, PathInvalid."""
        options["mode"] = options["mode"].upper()
        self._mode = _one_of(options, "mode", MODES)
        known = _schema_of(options)
        _check_schema(schema, known, "records")
        self._schema = pa.schema(arrow_of(schema))
        names = schema.fieldNames()
        self._corrupt = known[-1].name if self._mode == "PERMISSIVE" else None
        self._columns = {one.name: one for one in _columns_of(options) if one.name in names}
        self._is_whole = not options["columns"]
        self._where = [options["where"]] if options["where"] else []
        self._files = files
        self._format = _one_of(options, "from", READABLE) if options["from"] else ""
        self._size = _positive(options, "partitionBytes")
        if options["partitions"]:
            total = sum(file.size for file in files)
            self._size = max(1, -(-total // _positive(options, "partitions")))
        self._reading: dict[str, Any] = {
            "from_encoding": options["encoding"] or None,
            "references": _one_of(options, "references", ("true", "false")) == "true",
            "recovery_mode": MODES[self._mode],
            "validation_level": _one_of(options, "validation", LEVELS),
        }
        # What is wrong with the options is told before anything is read.
        MARCReader(b"", **self._reading) if self._is_whole else self._select(b"")
        self.pushFilters = _Push(self)

    def partitions(self) -> list[InputPartition]:
        """Parts of large files, and small files together."""
        found: list[list[Part]] = []
        room = 0
        for file in self._files:
            for part, size in parts_of(file, self._format, self._size):
                if size > room:
                    found.append([])
                    room = self._size
                found[-1].append(part)
                room -= size
        return [InputPartition(parts) for parts in found]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The batches of a partition."""
        for part in partition.value or ():
            source = source_of(part)
            try:
                yield from (self._whole if self._is_whole else self._selected)(source, part)
            finally:
                if source is not part.path:
                    source.close()

    def push(self, filters: Iterable[Any]) -> Iterable[Any]:
        """Leave out what Spark's filters are true of in no case; Spark asks them once more.

        A column has the first value where a record repeats it against the rules, and a filter of
        ours looks at them all: it lets through more than Spark's.
        """
        filters = list(filters)
        for one in filters:
            if (test := _test_of(one, self._columns)) is not None:
                self._where.append(test)
                try:
                    self._select(b"")
                except PathInvalid:  # it is too long, or too deep
                    self._where.pop()
        return filters

    def _select(self, source: Any, number: str = "", **options: Any) -> Any:
        columns = {name: column.text for name, column in self._columns.items()}
        if number or not columns:
            columns[number or "number"] = "number"
        where = " and ".join(f"({one})" for one in self._where) or None
        return select(source, columns, where, **options, **self._reading)

    def _told(self, error: MarcError, part: Part) -> str:
        """What is wrong with a record. Raises it where one is too many, or the source fails."""
        error.source = part.path
        if part.format == "marc":
            error.record_number = None  # it would count from the beginning of the part
        if self._mode == "FAILFAST" or isinstance(error, SourceError):
            raise error
        return str(error)

    def _selected(self, source: Any, part: Part) -> Iterator[pa.RecordBatch]:
        lost: list[str] = []
        damage: dict[int, list[str]] = {}

        def note(error: MarcError) -> None:
            number = error.record_number or 0
            text = self._told(error, part)
            if error.outcome == "lost":
                lost.append(text)
            else:
                damage.setdefault(number, []).append(text)

        number = max([*self._columns, "number"], key=len) + "_"
        options = {"from_": part.format, "start": part.start, "stop": part.stop}
        selection = self._select(source, number, batch_size=BATCH_ROWS, on_error=note, **options)
        before = None
        with pa.RecordBatchReader.from_stream(selection) as batches:
            # What is wrong with a record may be told behind its row.
            for batch in chain(batches, (None,)):
                if before is not None:
                    numbers = before[number].to_pylist() if damage else ()
                    texts = [_line(damage.pop(one, [])) for one in numbers]
                    yield self._shaped(before, texts or [None] * len(before))
                if lost and self._mode == "PERMISSIVE":
                    yield self._shaped(None, lost)
                lost.clear()
                before = batch

    def _whole(self, source: Any, part: Part) -> Iterator[pa.RecordBatch]:
        items = _records_of(source, part, self._reading)
        while some := list(islice(items, BATCH_ROWS)):
            rows = Rows()
            for item in some:
                try:
                    if isinstance(item, MarcError):
                        raise item
                    rows.add(item, _line([self._told(error, part) for error in item.errors]))
                except MarcError as error:
                    text = self._told(error, part)
                    if self._mode == "PERMISSIVE":
                        rows.add(None, text)
            yield self._shaped(rows.batch(), rows.texts)

    def _shaped(self, batch: pa.RecordBatch | None, texts: Sequence[str | None]) -> pa.RecordBatch:
        """A batch as Spark wants it; without one, rows of which only the damage is known."""
        arrays = []
        for field in self._schema:
            if field.name == self._corrupt:
                arrays.append(pa.array(texts, pa.string()))
            elif batch is None:
                arrays.append(pa.nulls(len(texts), field.type))
            else:
                arrays.append(batch.column(field.name).cast(field.type))
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)


def _line(errors: list[str]) -> str | None:
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return errors[0] + more if errors else None


def _records_of(source: Any, part: Part, reading: dict[str, Any]) -> Iterator[Record | MarcError]:
    if part.format == "marc":
        with MARCReader(source, start=part.start, stop=part.stop, **reading) as reader:
            for record, error in reader.iter_with_errors():
                yield error if record is None else record  # type: ignore[misc]
        return
    recovery = Recovery(reading["recovery_mode"], None, reading["validation_level"])
    window, format_ = open_as(source, part.format)
    try:
        yield from records_and_errors(window, format_, recovery)
    finally:
        close_own(window, source)


# ---- filters


_COMPARISONS = {
    "EqualTo": "==",
    "EqualNullSafe": "==",
    "LessThan": "<",
    "LessThanOrEqual": "<=",
    "GreaterThan": ">",
    "GreaterThanOrEqual": ">=",
}
_VALUES = {"text": str, "int": int}
_PATTERNS = {"StringStartsWith": "^{}", "StringEndsWith": "{}$", "StringContains": "{}"}


class _Push:
    """`pushFilters` of a reader.

    Spark refuses readers that have their own where spark.sql.python.filterPushdown.enabled is not
    set, so that none depends on it. This one does not, and passes for the one of the base class.
    """

    def __init__(self, reader: MarcReader) -> None:
        self._reader = reader
        self.__func__ = getattr(DataSourceReader, "pushFilters", None)

    def __call__(self, filters: list[Any]) -> Iterable[Any]:
        return self._reader.push(filters)


def _test_of(one: Any, columns: Mapping[str, Column]) -> str | None:
    """In the language of paths, what a filter of Spark's is true of, or more; None without."""
    kind = type(one).__name__
    column = columns.get(".".join(getattr(one, "attribute", ())))
    if column is None or column.mode in ("list", "join"):
        return None
    if kind == "IsNotNull":
        return None if column.mode == "count" else column.path
    values: list[Any] = list(one.value) if kind == "In" else [getattr(one, "value", None)]
    values = [value for value in values if value is not None]
    if not values or {type(value) for value in values} != {_VALUES.get(column.type)}:
        return None
    if kind in _PATTERNS and column.type == "text":
        return f"{column.path} =~ {_quoted(_PATTERNS[kind].format(re.escape(values[0])), False)}"
    compared = "==" if kind == "In" else _COMPARISONS.get(kind)
    if compared is None:
        return None
    path = f"{column.path}:count" if column.mode == "count" else column.path
    texts = [_quoted(value) if isinstance(value, str) else str(value) for value in values]
    return " or ".join(f"{path} {compared} {text}" for text in texts)


def _quoted(text: str, is_plain: bool = True) -> str:
    """A text in quotation marks; a backslash of a regular expression stands for itself."""
    if is_plain:
        text = text.replace("\\", "\\\\")
    return '"' + text.replace('"', '\\"') + '"'


# ---- writing


@dataclass
class _Written(WriterCommitMessage):
    """A file that a task has written, and what it is to be called; nothing for no records."""

    place: str = ""
    name: str = ""


class MarcWriter(DataSourceArrowWriter):
    """Writes whole records, a file for each partition.

    Files are in a temporary folder until all tasks are done, and then moved.
    """

    def __init__(
        self, options: dict[str, str], path: str, schema: StructType, overwrite: bool
    ) -> None:
        """Take options, where to write to, and the columns. Raises ValueError, SourceError."""
        self._format = _one_of(options, "format", EXTENSIONS)
        self._writing: dict[str, Any] = {
            "encoding": options["encoding"] or None,
            "unmappable": _one_of(options, "unmappable", ("error", "ncr", "fill")),
            "invalid_xml": _one_of(options, "invalidXml", ("error", "replace")),
        }
        if not path:
            raise ValueError("there is nowhere to write to: name a folder in save")
        _check_schema(RECORD, schema, "the rows to write")
        self._filesystem, self._folder = locate(path)
        if self._filesystem.get_file_info(self._folder).type == fs.FileType.File:
            raise SourceError("this is a file: records are written to a folder", source=path)
        self._overwrite = overwrite
        self._job = uuid.uuid4().hex
        self._temporary = f"{self._folder}/_temporary/{self._job}"

    def write(self, iterator: Iterator[pa.RecordBatch]) -> WriterCommitMessage:
        """Write the records of a partition."""
        records = chain.from_iterable(map(records_in, iterator))
        first = next(records, None)
        if first is None:
            return _Written()
        task = TaskContext.get()
        assert task is not None
        name = f"part-{task.partitionId():05}-{self._job}{EXTENSIONS[self._format]}"
        place = f"{self._temporary}/{task.taskAttemptId()}/{name}"
        self._filesystem.create_dir(os.path.dirname(place))
        with self._filesystem.open_output_stream(place, buffer_size=REMOTE_BYTES) as file:
            write(chain([first], records), file, self._format, **self._writing)
        return _Written(place, name)

    def commit(self, messages: list[WriterCommitMessage | None]) -> None:
        """Put the files where they belong, and `_SUCCESS` beside them."""
        filesystem = self._filesystem
        filesystem.create_dir(self._folder)
        if self._overwrite:
            for info in filesystem.get_file_info(fs.FileSelector(self._folder)):
                if info.type == fs.FileType.File:
                    filesystem.delete_file(info.path)
                elif info.base_name != "_temporary":
                    filesystem.delete_dir(info.path)
        for message in messages:
            if isinstance(message, _Written) and message.place:
                filesystem.move(message.place, f"{self._folder}/{message.name}")
        self._clear()
        filesystem.open_output_stream(f"{self._folder}/_SUCCESS").close()

    def abort(self, messages: list[WriterCommitMessage | None]) -> None:
        """Remove what was written: what was in the folder before is there still."""
        self._clear()

    def _clear(self) -> None:
        """Remove the temporary files of this job; those of others stay."""
        filesystem, all_jobs = self._filesystem, os.path.dirname(self._temporary)
        for folder in (self._temporary, all_jobs):
            selector = fs.FileSelector(folder, allow_not_found=True)
            is_there = filesystem.get_file_info(folder).type == fs.FileType.Directory
            if is_there and (folder != all_jobs or not filesystem.get_file_info(selector)):
                filesystem.delete_dir(folder)

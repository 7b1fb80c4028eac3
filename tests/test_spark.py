"""The data source for PySpark, run for real: a local cluster of four, and Python workers."""

from __future__ import annotations

import gzip
import os
import pathlib
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from marc import iso2709, split

import mrrc_ct
from mrrc_ct import select

pyspark = pytest.importorskip("pyspark", minversion="4.0")
pa = pytest.importorskip("pyarrow")
if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
    pytest.skip("there is no java, which Spark needs", allow_module_level=True)

from pyspark.errors import AnalysisException, PySparkException  # noqa: E402
from pyspark.sql import DataFrame, SparkSession  # noqa: E402
from pyspark.sql import functions as F  # noqa: E402, N812

from mrrc_ct.spark import RECORD, MarcDataSource  # noqa: E402

PUSHDOWN = "spark.sql.python.filterPushdown.enabled"
COLUMNS = "id=001, title=245$a, subjects=650$a, year=008[7:11]:int, changed=005:time, at=offset"


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    """Four tasks at a time, each with a Python process."""
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    root = str(pathlib.Path(mrrc_ct.__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    session = (
        SparkSession.builder.master("local[4]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "3")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    session.dataSource.register(MarcDataSource)
    yield session
    session.stop()


@pytest.fixture
def load(spark: SparkSession) -> Any:
    """`load(path, columns=…)`: a data frame."""

    def load(path: Any, schema: Any = None, **options: Any) -> DataFrame:
        reader = spark.read.format("marc")
        if schema is not None:
            reader = reader.schema(schema)
        options = {name.rstrip("_"): value for name, value in options.items()}
        paths = [str(one) for one in path] if isinstance(path, list) else str(path)
        return reader.options(**options).load(paths)

    return load


def plain(row: Any) -> dict[str, Any]:
    """A row of Spark's as `select` has it, and nothing of what was wrong with the record."""
    found = row.asDict(recursive=True)
    found.pop("_corrupt_record", None)
    return found


def texts_of(rows: Any) -> list[dict[str, Any]]:
    """Rows with times as ISO 8601 writes them."""
    found = [plain(row) for row in rows]
    for row in found:
        if row.get("changed") is not None:
            row["changed"] = row["changed"].isoformat()
    return found


def damaged(path: pathlib.Path, target: pathlib.Path) -> list[bytes]:
    """A copy with one record beyond saving, one that is torn and one with text that is none."""
    records = split(path.read_bytes())
    records[10] = b"\0" * 200 + b"\x1d"
    records[20] = records[20][:2] + b"x" + records[20][3:]
    records[30] = iso2709(("001", "no text"), ("245", b"10\x1fa\xff\xfe title"))
    target.write_bytes(b"".join(records))
    return records


# ---- columns


def test_columns_have_the_types_that_they_are_asked_to_have(
    spark: Any, load: Any, books: Any
) -> None:
    columns = f"{COLUMNS}, on=008[0:6]:date, n=650:count, all=650$a:join, last=650$a:last"
    frame = load(books, columns=columns)
    assert frame.dtypes == [
        ("id", "string"),
        ("title", "string"),
        ("subjects", "array<string>"),
        ("year", "bigint"),
        ("changed", "timestamp_ntz"),
        ("at", "bigint"),
        ("on", "date"),
        ("n", "bigint"),
        ("all", "string"),
        ("last", "string"),
        ("_corrupt_record", "string"),
    ]
    row = frame.first()
    assert (row["id"].strip(), row["n"], str(row["on"])) == ("00000002", 2, "1980-01-08")


@pytest.mark.parametrize("partitions", [1, 3, 8])
def test_partitions_are_the_whole(load: Any, books: Any, partitions: int) -> None:
    frame = load(books, columns=COLUMNS, partitions=partitions)
    assert frame.rdd.getNumPartitions() == partitions
    expected = list(select(books, COLUMNS))
    assert texts_of(frame.orderBy("at").collect()) == expected
    assert frame.where("_corrupt_record is not null").count() == 0


def test_eight_partitions_have_the_totals_of_one_process(
    load: Any, books_20k: pathlib.Path, books: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    """With a damaged file among them."""
    bad = tmp_path / "bad.mrc"
    damaged(books, bad)
    frame = load([books_20k, bad], columns="id=001, lang=008[35:38], subjects=650$a", partitions=8)
    assert 8 <= frame.rdd.getNumPartitions() <= 9
    languages, subjects, number = Counter(), 0, 0
    lost = 0
    for path in (books_20k, bad):
        selection = select(path, "id=001, lang=008[35:38], subjects=650$a")
        for row in selection:
            languages[row["lang"]] += 1
            subjects += len(row["subjects"])
            number += 1
        lost += selection.report.records_lost
    rows = frame.groupBy("lang").count().collect()
    languages[None] += lost
    assert {row["lang"]: row["count"] for row in rows} == +languages
    assert frame.count() == number + lost == 20_150
    assert frame.selectExpr("explode(subjects)").count() == subjects


def test_where_and_a_schema_of_fewer_columns(load: Any, books: Any) -> None:
    where = 'leader[6] == "a" and 650'
    frame = load(books, schema="subjects array<string>, id string", columns=COLUMNS, where=where)
    assert frame.columns == ["subjects", "id"]
    expected = list(select(books, "subjects=650$a, id=001", where))
    assert [plain(row) for row in frame.collect()] == expected
    assert 0 < len(expected) < 150


def test_joins_and_groups(spark: Any, load: Any, books: Any) -> None:
    one = load(books, columns="id=001, title=245$a", partitions=4)
    other = load(books, columns="id=001, subjects=650$a", partitions=3)
    joined = one.join(other, "id").select("title", F.explode("subjects").alias("subject"))
    found = joined.groupBy("subject").agg(F.countDistinct("title").alias("n")).collect()
    expected: dict[str, set[str]] = {}
    for row in select(books, "title=245$a, subjects=650$a"):
        for subject in row["subjects"]:
            expected.setdefault(subject, set()).add(row["title"])
    assert {row["subject"]: row["n"] for row in found} == {k: len(v) for k, v in expected.items()}
    one.createOrReplaceTempView("books")
    assert spark.sql("select count(distinct id) n from books").first()["n"] == 150


def test_marc8_is_decoded(load: Any, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "one.mrc"
    fields = ("001", "1"), ("245", b"10\x1fa\xe2Odes")
    path.write_bytes(iso2709(*fields, leader="00000nam  2200000   4500"))
    assert load(path, columns="245$a").first()[0] == "Ódes"
    path.write_bytes(iso2709(*fields))
    assert load(path, columns="245$a", encoding="marc-8").first()[0] == "Ódes"


# ---- files


def test_folders_patterns_and_lists(load: Any, books: Any, tmp_path: pathlib.Path) -> None:
    records = split(books.read_bytes())
    names = [
        "a.mrc",
        "b [1].mrc",
        "deep/c.mrc",
        "deep/er/d.mrc",
        "_temporary/x.mrc",
        ".y.mrc",
        "e.mrc",
    ]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(records[number] if name != "e.mrc" else b"")

    def found(path: Any) -> set[str]:
        rows = load(path, columns="id=001").collect()
        numbers = {rec[rec.index(b"\x1e") + 1 :][:12].decode(): i for i, rec in enumerate(records)}
        return {names[numbers[row["id"]]] for row in rows}

    visible = set(names[:4])
    assert found(tmp_path) == found(f"{tmp_path}/") == found(f"file://{tmp_path}") == visible
    assert found(f"{tmp_path}/*.mrc") == {"a.mrc", "b [1].mrc"}
    assert found(f"{tmp_path}/*") == visible
    assert found(f"{tmp_path}/d*/?.mrc") == {"deep/c.mrc"}
    assert found(f"{tmp_path}/b [1].mrc") == {"b [1].mrc"}
    assert found(f"file://{tmp_path}/[ab]*") == {"a.mrc", "b [1].mrc"}
    assert found(f"{tmp_path}/a.mrc, {tmp_path}/deep/er") == {"a.mrc", "deep/er/d.mrc"}
    assert found([tmp_path / "a.mrc", tmp_path / "deep/c.mrc"]) == {"a.mrc", "deep/c.mrc"}
    small = load(tmp_path, columns="001")
    assert small.rdd.getNumPartitions() == 1  # small files go together
    assert load(tmp_path, columns="001", partitionBytes=1000).rdd.getNumPartitions() >= 3


def test_other_formats_and_packed_files_are_one_partition(
    load: Any, books: Any, tmp_path: pathlib.Path
) -> None:
    expected = [row["id"] for row in select(books, "id=001")]
    for name in ("b.xml", "b.jsonl", "b.mrk", "b.mrc.gz", "b.xml.xz"):
        mrrc_ct.convert(books, tmp_path / name)
        frame = load(tmp_path / name, columns="id=001", partitions=4)
        assert frame.rdd.getNumPartitions() == 1
        assert [row["id"] for row in frame.collect()] == expected
    shutil.copy(tmp_path / "b.xml", tmp_path / "without")
    assert load(tmp_path / "without", columns="id=001").count() == 150
    shutil.copy(books, tmp_path / "marc")
    assert load(tmp_path / "marc", partitions=4).rdd.getNumPartitions() == 4
    (tmp_path / "rows.txt").write_text('{"leader": "00000nam a2200000   4500", "fields": []}\n')
    assert load(tmp_path / "rows.txt", from_="jsonl").count() == 1
    mixed = load(f"{tmp_path}/b.*", columns="id=001", partitions=2)
    assert mixed.groupBy("id").count().where("count != 5").count() == 0


def test_files_that_arrow_reaches(load: Any, books: Any, tmp_path: pathlib.Path) -> None:
    """As those of S3 and HDFS are: in parts, from a file object."""
    pytest.importorskip("fsspec")
    bad = tmp_path / "bad.mrc"
    damaged(books, bad)
    with gzip.open(tmp_path / "more.mrc.gz", "wb") as file:
        file.write(books.read_bytes())
    for options in ({"columns": COLUMNS}, {}):
        for pattern in ("bad.mrc", "*.mrc*"):
            here = load(f"{tmp_path}/{pattern}", partitions=5, **options)
            there = load(f"fsspec+file://{tmp_path}/{pattern}", partitions=5, **options)
            assert there.rdd.getNumPartitions() == here.rdd.getNumPartitions()
            assert sorted(map(str, there.collect())) == sorted(map(str, here.collect()))
    target = f"fsspec+file://{tmp_path}/out"
    whole = load(books, partitions=2)
    whole.write.format("marc").mode("append").save(target)
    assert sorted(os.listdir(tmp_path / "out"))[0] == "_SUCCESS"
    assert load(target).count() == 150


# ---- damage


@pytest.mark.parametrize("partitions", [1, 6])
@pytest.mark.parametrize("columns", ["id=001, title=245$a, at=offset", ""])
def test_permissive_has_a_row_for_each_record_and_says_what_is_wrong(
    load: Any, books: Any, tmp_path: pathlib.Path, partitions: int, columns: str
) -> None:
    bad = tmp_path / "bad.mrc"
    records = damaged(books, bad)
    frame = load(bad, columns=columns, partitions=partitions)
    rows = frame.collect()
    assert len(rows) == 150
    wrong = sorted(row["_corrupt_record"] for row in rows if row["_corrupt_record"])
    offsets = [sum(map(len, records[:number])) for number in (10, 20, 30)]
    assert len(wrong) == 3
    assert all(text.startswith(f"{bad}: byte ") and "\n" not in text for text in wrong)
    assert [
        int(text.split("byte ")[1].split(",")[0].split(":")[0]) >= at
        for text, at in zip(wrong, offsets)
    ]
    lost = [row for row in rows if row[0] is None]
    assert len(lost) == 1
    assert lost[0]["_corrupt_record"] is not None
    assert set(lost[0][:-1]) == {None}
    if columns:
        title = next(row["title"] for row in rows if row["id"] == "no text")
        assert title == "\ufffd\ufffd title"
        expected = list(select(bad, columns))
        found = [plain(row) for row in rows if row["id"] is not None]
        assert sorted(found, key=lambda row: row["at"]) == expected


@pytest.mark.parametrize("columns", ["id=001, title=245$a", ""])
def test_the_other_modes(load: Any, books: Any, tmp_path: pathlib.Path, columns: str) -> None:
    bad = tmp_path / "bad.mrc"
    damaged(books, bad)
    permissive = load(bad, columns=columns, columnNameOfCorruptRecord="damage")
    sound = permissive.where("damage is null").drop("damage")
    dropped = load(bad, columns=columns, mode="dropMalformed", partitions=5)
    assert dropped.columns == sound.columns
    assert dropped.count() == 147
    assert sorted(map(str, dropped.collect())) == sorted(map(str, sound.collect()))
    with pytest.raises(PySparkException, match=r"bad\.mrc: byte \d+"):
        load(bad, columns=columns, mode="FAILFAST").collect()
    assert load(books, columns=columns, mode="FAILFAST").count() == 150


@pytest.mark.parametrize("columns", ["id=001, subjects=650$a", ""])
def test_files_with_nothing_but_damage(load: Any, tmp_path: pathlib.Path, columns: str) -> None:
    path = tmp_path / "bad.mrc"
    path.write_bytes(b"00100" + b"\0" * 200 + b"\x1d")
    assert load(path, columns=columns, mode="DROPMALFORMED").collect() == []
    (row,) = load(path, columns=columns).collect()
    assert row["_corrupt_record"].startswith(f"{path}: byte 0")
    packed = tmp_path / "cut.mrc.gz"
    packed.write_bytes(gzip.compress(iso2709(("001", "1")) * 1000)[:-10])
    for mode in ("PERMISSIVE", "DROPMALFORMED"):
        with pytest.raises(PySparkException, match="damaged or cut short"):
            load(packed, columns=columns, mode=mode).collect()


def test_damage_in_other_formats(load: Any, books: Any, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "b.jsonl"
    mrrc_ct.convert(books, path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = b"{" + lines[3][40:]
    path.write_bytes(b"".join(lines))
    for columns in ("id=001", ""):
        rows = load(path, columns=columns).collect()
        assert [row["_corrupt_record"] for row in rows if row["_corrupt_record"]] != []
        assert sum(row["_corrupt_record"] is None for row in rows) == 149
        assert load(path, columns=columns, mode="DROPMALFORMED").count() == 149


def test_closer_checks_are_damage_when_asked_for(load: Any, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "one.mrc"
    path.write_bytes(iso2709(("001", "1"), ("245", "1?$aOdes")) + iso2709(("001", "2")))
    assert load(path, columns="001").where("_corrupt_record is not null").count() == 0
    frame = load(path, columns="id=001", validation="strict_marc")
    assert [row["id"] for row in frame.where("_corrupt_record is not null").collect()] == ["1"]
    assert load(path, columns="001", validation="strict_marc", mode="DROPMALFORMED").count() == 1


# ---- filters


FILTERS = [
    "id = '   00000505 '",
    "id in ('   00000505 ', '   00001184 ', null)",
    "id <=> '   00000505 '",
    "id != '   00000505 '",
    "not (id in ('   00000505 '))",
    "title > 'M' and title <= 'Q'",
    "title >= 'Ö'",
    "title like 'The %'",
    "title like '%history%'",
    "title like '%/'",
    "title like '%.%' and not title like '%a%'",
    "title = 'a \"quoted\" \\\\ ^title$'",
    "startswith(title, 'a \"quoted\" \\\\ ^tit')",
    "contains(title, '\\\\ ^') or id = 'x'",
    "contains(title, '')",
    "title is null",
    "title is not null",
    "note is not null and year is not null",
    "year = 1899",
    "year > 1900 and year < 1950",
    "year in (1899, 1901)",
    "n >= 3",
    "n = 0",
    "n is not null and subjects is not null",
    "subjects = array()",
    "at > 100000",
    "changed > timestamp'2005-01-01'",
    "_corrupt_record is not null",
    "_corrupt_record is null and year >= 1900",
    "id is null",
    "second = 'two'",
    "second != 'one'",
    "isnotnull(second) and second > 'p'",
]


@pytest.fixture(scope="module")
def odd(books: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """Damaged records, titles that have to be quoted, fields that are there twice or empty."""
    path = tmp_path_factory.mktemp("odd") / "odd.mrc"
    records = damaged(books, path)
    more = [
        iso2709(("001", "q"), ("245", '10$aa "quoted" \\ ^title$$'.replace("$$", "\x24"))),
        iso2709(("001", "t"), ("260", "  $aone"), ("260", "  $atwo")),
        iso2709(("001", "u"), ("001", "   00000505 "), ("245", "10$a"), ("245", "10$aThe second")),
        iso2709(("001", ""), ("008", "x" * 7 + " 12 "), ("245", "10$cnothing")),
    ]
    path.write_bytes(b"".join(records + more))
    return path


@pytest.mark.parametrize("mode", ["PERMISSIVE", "DROPMALFORMED"])
def test_pushdown_changes_nothing(spark: Any, load: Any, odd: Any, mode: str) -> None:
    columns = (
        "id=001, title=245$a, note=500$a:first, subjects=650$a, n=650:count, second=260$a:first,"
        "year=008[7:11]:int, changed=005:time, at=offset, all=650$a:join"
    )
    for condition in FILTERS:
        if mode != "PERMISSIVE" and "_corrupt" in condition:
            continue
        found = {}
        for is_on in ("false", "true"):
            spark.conf.set(PUSHDOWN, is_on)
            frame = load(odd, columns=columns, mode=mode, partitions=3)
            found[is_on] = sorted(map(str, frame.where(condition).collect()))
        spark.conf.unset(PUSHDOWN)
        assert found["true"] == found["false"], condition


def test_pushed_filters_leave_out_records_before_they_are_rows(books: Any) -> None:
    source = MarcDataSource({"path": str(books), "columns": "id=001, n=650:count, all=650$a"})
    datasource = pytest.importorskip("pyspark.sql.datasource")
    if not hasattr(datasource, "EqualTo"):
        pytest.skip("this Spark pushes no filters")
    equal, contains = datasource.EqualTo, datasource.StringContains
    for filters, count in [
        ([], 150),
        ([equal(("id",), "   00000505 ")], 1),
        ([contains(("id",), "0505"), datasource.GreaterThan(("n",), 5)], 0),
        ([datasource.In(("id",), ("   00000505 ", "   00001184 "))], 2),
        ([datasource.Not(equal(("id",), "x")), equal(("all",), "x"), equal(("id", "x"), "x")], 150),
        ([equal(("id",), "x" * 70_000)], 150),
        ([contains(("id",), "x" * 2000)], 150),
    ]:
        reader = source.reader(source.schema())
        assert list(reader.pushFilters(filters)) == filters
        batches = [batch for part in reader.partitions() for batch in reader.read(part)]
        assert sum(len(batch) for batch in batches) == count


# ---- whole records and writing


def test_whole_records_are_what_pymarc_reads(load: Any, books: Any, awkward: Any) -> None:
    pymarc = pytest.importorskip("pymarc")
    for path in (books, awkward):
        frame = load(path, partitions=4)
        assert frame.drop("_corrupt_record").schema.simpleString() == RECORD.simpleString()
        found = {str(row["leader"]) + str(row["fields"][0]): row for row in frame.collect()}
        with open(path, "rb") as file:
            expected = [one for one in pymarc.MARCReader(file) if one is not None]
        numbers = Counter()
        for record in expected:
            fields = [
                (f.tag, f.data, None, None, None)
                if f.control_field
                else (f.tag, None, *f.indicators, [tuple(s) for s in f.subfields])
                for f in record.fields
            ]
            rows = [
                row
                for row in found.values()
                if [
                    (*f[:4], None if f[4] is None else [tuple(s) for s in f[4]])
                    for f in row["fields"]
                ]
                == fields
            ]
            numbers[len(rows)] += 1
        if path == books:
            assert numbers == {1: 150}


@pytest.mark.parametrize("format_", ["marc", "marcxml"])
def test_what_is_written_is_what_was_read(
    load: Any, books: Any, tmp_path: pathlib.Path, format_: str
) -> None:
    frame = load(books, partitions=4)
    frame.write.format("marc").mode("overwrite").option("format", format_).save(str(tmp_path / "o"))
    names = sorted(os.listdir(tmp_path / "o"))
    assert names[0] == "_SUCCESS"
    assert len(names) == 5
    extension = {"marc": ".mrc", "marcxml": ".xml"}[format_]
    assert all(name.startswith("part-0000") and name.endswith(extension) for name in names[1:])
    written = [record for name in names[1:] for record in mrrc_ct.read(tmp_path / "o" / name)]
    assert written == list(mrrc_ct.read(books))
    if format_ == "marc":
        data = b"".join((tmp_path / "o" / name).read_bytes() for name in names[1:])
        assert data == books.read_bytes()
        pymarc = pytest.importorskip("pymarc")
        both = zip(pymarc.MARCReader(data), pymarc.MARCReader(books.read_bytes()))
        assert all(one.as_dict() == other.as_dict() for one, other in both)
    again = load(tmp_path / "o")
    assert sorted(map(str, again.collect())) == sorted(map(str, frame.collect()))


def test_append_adds_and_overwrite_replaces(load: Any, books: Any, tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "out"
    frame = load(books, partitions=2)
    for _ in range(2):
        frame.write.format("marc").mode("append").save(str(folder))
    assert load(folder).count() == 300
    assert not (folder / "_temporary").exists()
    some = load(folder).where("leader like '%cam a%'").limit(7)
    some.coalesce(1).write.format("marc").mode("overwrite").save(str(folder))
    assert load(folder).count() == 7
    assert len(os.listdir(folder)) == 2
    load(folder).where("leader = ''").write.format("marc").mode("overwrite").save(str(folder))
    assert os.listdir(folder) == ["_SUCCESS"]
    assert load(folder).count() == 0


def test_records_are_made_in_spark_and_encoded(
    spark: Any, load: Any, tmp_path: pathlib.Path
) -> None:
    fields = [("001", "1", None, None, None), ("245", None, "1", None, [("a", "Ódes 漢")])]
    frame = spark.createDataFrame([("00000nam a2200000   4500", fields)], RECORD)
    writer = frame.write.format("marc").mode("append")
    writer.option("encoding", "marc-8").save(str(tmp_path / "out"))
    data = next((tmp_path / "out").glob("*.mrc")).read_bytes()
    assert data[9:10] == b" "
    assert load(tmp_path / "out", columns="245$a").first()[0] == "Ódes 漢"
    (row,) = load(tmp_path / "out").collect()
    assert [tuple(field[:4]) for field in row["fields"]] == [
        ("001", "1", None, None),
        ("066", None, " ", " "),  # the sets of characters, as MARC-8 has it
        ("245", None, "1", " "),
    ]


def test_a_job_that_fails_leaves_what_was_there(
    spark: Any, load: Any, books: Any, tmp_path: pathlib.Path
) -> None:
    folder = tmp_path / "out"
    load(books).write.format("marc").mode("append").save(str(folder))
    before = sorted(os.listdir(folder))
    long = "regexp_replace(repeat('x', 10000), 'y', '')"
    field = f"named_struct('tag', '500', 'data', string(null), 'ind1', ' ', 'ind2', ' ', 'subfields', array(named_struct('code', 'a', 'value', {long})))"
    frame = load(books, partitions=3).withColumn(
        "fields", F.expr(f"case when leader like '00720%' then array({field}) else fields end")
    )
    with pytest.raises(PySparkException, match="FieldTooLong"):
        frame.write.format("marc").mode("overwrite").save(str(folder))
    assert sorted(os.listdir(folder)) == before
    assert load(folder).count() == 150


# ---- errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"column": "001"}, "there is no option 'column'"),
        ({"columns": "001, 24"}, "'24' is no place"),
        ({"columns": "id=001", "where": "001 = 'x'"}, "a comparison is written =="),
        ({"columns": "id=001", "where": "001 =~ '('"}, "regular expression"),
        ({"columns": "n=number"}, "use offset"),
        ({"columns": "id=001", "where": "number < 5"}, "use offset"),
        ({"where": "001"}, "where goes with columns"),
        ({"columns": "_corrupt_record=001"}, "_corrupt_record"),
        ({"mode": "FAIL"}, "mode should be one of PERMISSIVE"),
        ({"partitions": "0"}, "partitions should be a number from 1"),
        ({"partitionBytes": "32m"}, "partitionBytes should be a number"),
        ({"from_": "csv"}, "from should be one of marc"),
        ({"references": "yes"}, "references should be one of"),
        ({"validation": "all"}, "validation should be one of"),
        ({"encoding": "klingon"}, "klingon"),
        ({"columns": "001", "encoding": "latin-1"}, "convert first"),
    ],
)
def test_options_that_are_wrong_are_told_by_the_driver(
    load: Any, books: Any, options: dict[str, str], message: str
) -> None:
    with pytest.raises(AnalysisException, match=message):
        load(books, **options)


def test_files_that_are_not_there_are_told_by_the_driver(
    spark: Any, load: Any, tmp_path: pathlib.Path
) -> None:
    for path in (tmp_path / "none.mrc", tmp_path / "*.mrc", f"file://{tmp_path}/none"):
        with pytest.raises(AnalysisException, match="there is no such file"):
            load(path, columns="001")
    with pytest.raises(AnalysisException, match="nothing to read"):
        spark.read.format("marc").load()
    (tmp_path / "unknown").write_bytes(b"no format at all")
    with pytest.raises(AnalysisException, match="the format cannot be told"):
        load(tmp_path / "unknown", columns="001").count()


def test_schemas_and_rows_that_do_not_fit(spark: Any, load: Any, books: Any, tmp_path: Any) -> None:
    with pytest.raises(AnalysisException, match="no column id bigint"):
        load(books, schema="id long", columns="id=001").count()
    with pytest.raises(AnalysisException, match="no column title string"):
        load(books, schema="title string", columns="id=001").count()
    out = str(tmp_path / "out")
    with pytest.raises(PySparkException, match="no column leader string"):
        load(books, columns="id=001").write.format("marc").mode("append").save(out)
    with pytest.raises(PySparkException, match="format should be one of"):
        load(books).write.format("marc").mode("append").option("format", "mrk").save(out)
    with pytest.raises(PySparkException, match="there is no option"):
        load(books).write.format("marc").mode("append").option("formt", "marc").save(out)
    with pytest.raises(PySparkException, match="this is a file"):
        load(books).write.format("marc").mode("append").save(str(books))
    bad = tmp_path / "bad.mrc"
    damaged(books, bad)
    with pytest.raises(PySparkException, match="a row has no record"):
        load(bad).write.format("marc").mode("append").save(out)
    load(bad).where("leader is not null").write.format("marc").mode("append").save(out)
    assert load(out).count() == 149


def test_the_package_does_without() -> None:
    code = (
        "import sys, mrrc_ct, mrrc_ct.tables; assert not {'pyspark', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

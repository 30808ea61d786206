"""A small case system whose keys are written oddly, on each engine, and what is read of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import text

from adapters.mapping_file import read_mapping
from adapters.reading import Reading
from adapters.records import read_case
from adapters.sources.engines import open_engine
from adapters.sources.sql import SqlSource
from tests.adapters.longengines import ENGINES
from tests.adapters.longlayout import LongSystem

MAPPING = """
[adapter]
name = "joined"
[source]
url = "{url}"
schema = "{schema}"
[service]
url = "https://caseq.example"
[push.sources]
criminal = "criminal"
[tables.case]
table = "aj"
id = "id"
case_number = "bh"
[tables.steps]
table = "bz"
id = "id"
parent = {{ column = "aj", key = "id" }}
secret = {{ column = "ren.mj", is_not = ["", "0"] }}
lookups.ren = {{ table = "ren", key = "id", by = "ren" }}
[tables.people]
table = "cy"
id = "id"
case_number = "bh"
secret = {{ column = "ren.mj", is_not = ["", "0"] }}
lookups.ren = {{ table = "ren", key = "id", by = "ren" }}
[case]
kind = "criminal"
opened_on = "d"
unit = {{ name = {{ always = "示例所" }} }}
[[milestones]]
table = "steps"
name = "case_filed"
occurred_on = "d"
[[parties]]
table = "people"
role = "victim"
name = "ren.xm"
phone = "ren.dh"
"""


@dataclass
class Joined:
    """One database with these tables; `readings` gives what is read of each case, whatever cases share a chunk."""

    system: LongSystem
    folder: Path

    def run(self, *statements: str) -> None:
        """Executes these statements where the mapping looks for its tables."""
        with self.system.engine.begin() as connection:
            if self.system.schema:
                connection.execute(text(f"SET search_path TO {self.system.schema}"))
            for statement in statements:
                connection.exec_driver_sql(statement)

    def create(self, key: str = "VARCHAR(20)", pointer: str = "VARCHAR(20)", number: str = "VARCHAR(40)") -> None:
        """Makes the tables with these types of keys, of what points to them, and of case numbers."""
        self.run(
            f"CREATE TABLE aj (id {key}, bh {number}, d VARCHAR(40))",
            f"CREATE TABLE bz (id INTEGER, aj {pointer}, ren {pointer}, d VARCHAR(40))",
            f"CREATE TABLE cy (id INTEGER, bh {number}, ren {pointer})",
            f"CREATE TABLE ren (id {key}, xm VARCHAR(20), dh VARCHAR(20), mj VARCHAR(2))",
        )

    def source(self, *changes: tuple[str, str]) -> SqlSource:
        """The source, with these texts of the mapping replaced."""
        found = MAPPING.format(url=self.system.url, schema=self.system.schema or "")
        for old, new in changes:
            assert old in found
            found = found.replace(old, new)
        file = self.folder / "joined.toml"
        file.write_text(found, encoding="utf-8")
        mapping = read_mapping(file, {})
        return SqlSource(mapping, open_engine(mapping.source.url))

    def readings(self, *changes: tuple[str, str]) -> dict[str, Reading]:
        """What is read of every case: the same, whether they are read one by one or all together."""
        source = self.source(*changes)
        numbers = list(dict.fromkeys(row.case_number for row in source.changed_rows(None) if row.case_number))
        today = date(2026, 11, 25)
        together = {case.number: read_case(source.mapping, case, {}, today) for case in source.cases(numbers)}
        apart = {
            case.number: read_case(source.mapping, case, {}, today)
            for number in numbers
            for case in source.cases([number])
        }
        source.engine.dispose()
        assert together == apart
        return together


@contextmanager
def joined(engine: str, folder: Path) -> Iterator[Joined]:
    """The database of this engine, without tables yet."""
    with ENGINES[engine](folder) as system:
        yield Joined(system, folder)


def keys(reading: Reading) -> list[str]:
    """The keys of the records of a reading but for that of the case."""
    return [record.key for record in reading.records if record.type != "case"]


def refused(reading: Reading) -> list[tuple[str, str, str]]:
    """The refusals of a reading: where, which column, why."""
    return [(fault.origin, fault.column, fault.reason) for fault in reading.refusals]

"""A small mapping of three tables for tests of one thing at a time, and readings of rows given as they are."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from adapters.mapping import Row, SystemMapping
from adapters.mapping_file import read_mapping
from adapters.reading import CaseRows, Histories, Reading
from adapters.records import read_case

TEXT = """
[adapter]
name = "small"

[source]
url = "sqlite:///small.db"

[service]
url = "https://caseq.example"

[push.sources]
criminal = "criminal"

[tables.case]
table = "T_CASE"
id = "ID"
case_number = "NO"

[tables.people]
table = "T_PERSON"
id = "ID"
case_number = "NO"
secret = { column = "SECRET", is = ["1"] }

[tables.steps]
table = "T_STEP"
id = ["PART", "ID"]
case_number = "NO"

[case]
kind = "criminal"
unit = { name = { always = "示例县公安局" } }

[[milestones]]
table = "steps"
name = { column = "KIND", codes = { "1" = "case_filed", "2" = "case_solved", "9" = "" } }
occurred_on = ["DAY", "NOTED"]

[[parties]]
table = "people"
role = { column = "ROLE", codes = { "1" = "victim", "2" = "suspect", "9" = "" } }
name = "NAME"
phone = "TEL"
"""


def small_mapping(folder: Path, *changes: tuple[str, str]) -> SystemMapping:
    """The small mapping with these texts replaced."""
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "small.toml"
    path.write_text(text, encoding="utf-8")
    return read_mapping(path, {})


def reading_of(mapping: SystemMapping, histories: Histories | None = None, **tables: Sequence[Row]) -> Reading:
    """What is read of one case with these rows, of which this was read before."""
    given = {"case": [{"ID": "1"}], **tables}
    rows = {name: [{"NO": "N1", **row} for row in some] for name, some in given.items()}
    return read_case(mapping, CaseRows("N1", rows), histories or {}, date(2026, 11, 24))

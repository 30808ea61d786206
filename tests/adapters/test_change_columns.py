"""A change column in every form a database may keep it in: what changed since a moment is found, no older row is."""

from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from adapters.moments import LOCAL_TIME
from adapters.sources.engines import open_engine
from adapters.sources.sql import SqlSource
from tests.adapters.smallmapping import small_mapping

SINCE = datetime(2026, 11, 5, 9, 0, 7, tzinfo=LOCAL_TIME)


def _written(when: datetime, form: str, zone: tzinfo) -> str | int:
    """A moment as a case system of this form writes it."""
    if form.startswith("epoch"):
        return int(when.timestamp()) * (1000 if form == "epoch_ms" else 1)
    texts = {"stamp": "%Y%m%d%H%M%S", "iso": "%Y-%m-%d %H:%M:%S", "iso_t": "%Y-%m-%dT%H:%M:%S"}
    return when.astimezone(zone).strftime(texts[form])


@pytest.mark.parametrize("is_utc", [False, True])
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("VARCHAR(20)", "stamp"),
        ("BIGINT", "stamp"),
        ("VARCHAR(20)", "iso"),
        ("VARCHAR(20)", "iso_t"),
        ("INTEGER", "epoch"),
        ("VARCHAR(20)", "epoch"),
        ("BIGINT", "epoch_ms"),
        ("NUMERIC(14)", "epoch"),
        ("DATETIME", "iso"),
    ],
)
def test_rows_since_a_moment_are_found_in_every_form(tmp_path: Path, kind: str, form: str, is_utc: bool) -> None:
    zone = UTC if is_utc else LOCAL_TIME
    changed = f'case_number = "NO"\nchanged = "AT"\nchanged_form = "{form}"\n\n[tables.people]'
    mapping = small_mapping(
        tmp_path,
        ('case_number = "NO"\n\n[tables.people]', changed),
        ("sqlite:///small.db", f"sqlite:///{tmp_path / 'small.db'}"),
        ('.db"\n', f'.db"\nutc = {str(is_utc).lower()}\n'),
    )
    writing = create_engine(f"sqlite:///{tmp_path / 'small.db'}")
    with writing.begin() as connection:
        connection.execute(text(f"CREATE TABLE T_CASE (ID INTEGER, NO VARCHAR(30), AT {kind})"))
        connection.execute(
            text("CREATE TABLE T_PERSON (ID INTEGER, NO TEXT, SECRET TEXT, ROLE TEXT, NAME TEXT, TEL TEXT)")
        )
        connection.execute(
            text("CREATE TABLE T_STEP (PART TEXT, ID INTEGER, NO TEXT, KIND TEXT, DAY TEXT, NOTED TEXT)")
        )
        for number, seconds in enumerate((-86_400, -1, 0, 1, 86_400)):
            at = _written(SINCE + timedelta(seconds=seconds), form, zone)
            connection.execute(
                text("INSERT INTO T_CASE VALUES (:id, :no, :at)"), {"id": number, "no": f"N{number}", "at": at}
            )
        connection.execute(text("INSERT INTO T_CASE VALUES (9, 'N9', NULL)"))
    writing.dispose()
    source = SqlSource(mapping, open_engine(mapping.source.url))
    found = {row.case_number: row.changed for row in source.changed_rows("20261105090007")}
    assert found == {"N2": "20261105090007", "N3": "20261105090008", "N4": "20261106090007"}
    assert source.newest_change() == "20261106090007"
    assert {row.case_number for row in source.changed_rows(None)} == {"N0", "N1", "N2", "N3", "N4", "N9"}
    source.engine.dispose()

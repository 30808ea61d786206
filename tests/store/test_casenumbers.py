"""What a number means is found by indexes, however many cases there are."""

from sqlalchemy import literal, select, text

from caseq.store.casenumbers import numbered
from caseq.store.tables import cases
from tests.service import Service


def test_no_number_makes_the_database_read_all_cases(service: Service) -> None:
    wanted = select(cases.c.id).where(cases.c.id.in_(numbered(literal("260312004766"))))
    with service.runtime.database.transaction() as connection:
        statement = str(wanted.compile(connection, compile_kwargs={"literal_binds": True}))
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}")]
        else:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")]
    assert any("ix_cases_withdrawn_number_key" in line for line in plan)
    assert [line for line in plan if "Seq Scan on" in line or line.startswith("SCAN")] == []

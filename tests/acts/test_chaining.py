"""The audit is chained behind its writers, and whatever is done to it by hand is found."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select, text, update

from caseq import chaining
from caseq.cli import main
from caseq.errors import DatabaseUnavailable
from caseq.rules.chain import BEGINNING, SEAL, Anchor, Fault, Link, Row, anchor_of, canonical, link_hash
from caseq.store import auditing, chain
from caseq.store.database import Connection
from caseq.store.sealing import Sealer
from caseq.store.tables import audit, audit_links
from tests.conftest import kept_no_more
from tests.service import Service, environment

BATCH = 4


@pytest.fixture
def chained(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A service whose chain has twelve rows in three batches, anchored in a file in the folder of the test."""
    settings = service.runtime.settings
    anchors = replace(settings.audit, anchor_file=tmp_path / "anchors" / "audit.jsonl")
    service.runtime = replace(service.runtime, settings=replace(settings, audit=anchors))
    monkeypatch.setattr(chaining, "ROWS_AT_ONCE", BATCH)
    write(service, 12)
    assert chaining.link(service.runtime).rows == 12
    assert chaining.anchor(service.runtime) is not None
    return service


def write(service: Service, count: int) -> None:
    with service.runtime.database.transaction() as connection:
        for n in range(count):
            auditing.record(connection, "view", service.clock(), case_id=n, facts={"n": n, "said": "理由"})


def by_hand(service: Service, *statements: str) -> None:
    """Do this in the database as its administrator can, who takes the triggers away for a moment."""
    with administrating(service) as connection:
        for statement in statements:
            connection.execute(text(statement))


@contextmanager
def administrating(service: Service) -> Iterator[Connection]:
    with service.runtime.database.engine.begin() as connection:
        if not service.runtime.database.is_sqlite:
            for statement in kept_no_more("DISABLE"):
                connection.execute(text(statement))
            yield connection
            for statement in kept_no_more("ENABLE"):
                connection.execute(text(statement))
            return
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all()
        for name in names:
            connection.execute(text(f"DROP TRIGGER {name}"))
        yield connection


def anchors_of(service: Service) -> list[Anchor]:
    lines = service.runtime.settings.audit.anchor_file.read_text().splitlines()
    return [one for line in lines if (one := anchor_of(line)) is not None]


def verified(service: Service, anchors: bool = True) -> list[tuple[Fault, int | None, int | None]]:
    found = chaining.verify(service.runtime, anchors_of(service) if anchors else [], lambda _: None)
    return [(one.fault, one.position, one.audit_id) for one in found.broken]


def links(service: Service) -> list[Link]:
    with service.runtime.database.autocommit() as connection:
        return [link for stretch in chain.stretches(connection, 5) for link, _ in stretch]


def test_every_row_is_linked_once_and_the_end_of_every_batch_is_sealed(chained: Service) -> None:
    there = links(chained)
    assert [(link.position, link.audit_id) for link in there] == [(n, n) for n in range(1, 13)]
    assert [link.position for link in there if link.seal] == [4, 8, 12]
    found = chaining.verify(chained.runtime, anchors_of(chained), lambda _: None)
    assert (found.links, found.anchors, found.waiting, found.broken) == (12, 1, 0, [])


def test_the_canonical_form_does_not_depend_on_the_engine_nor_on_the_order_of_facts() -> None:
    at = datetime(2026, 11, 23, 4, tzinfo=UTC)
    row = Row(7, at, "view", None, 1, 2, 3, {"b": "理由", "a": [1, None]}, None)
    assert canonical(row).decode() == (
        '{"act":"view","at":"2026-11-23T04:00:00.000000+00:00","case_id":3,"facts":{"a":[1,null],"b":"理由"},"id":7,'
        '"party_id":2,"session_id":1,"source":null,"staff_id":null}'
    )
    assert link_hash(BEGINNING, 1, row) == "4ca5655810868efb02875fc2d43c2fc94ff4a39355aac0d1906eaef1c568f464"


@pytest.mark.parametrize(
    "column", ["at = '2026-11-23 04:00:01+00:00'", "act = 'x'", "case_id = 99", "facts = NULL", "staff_id = 5"]
)
def test_a_changed_row_is_named(chained: Service, column: str) -> None:
    by_hand(chained, f"UPDATE audit SET {column} WHERE id = 6")
    assert verified(chained) == [(Fault.CHANGED, 6, 6)]


def test_two_rows_that_were_swapped_are_both_named(chained: Service) -> None:
    swaps = ("UPDATE audit SET id = 99 WHERE id = 3", "UPDATE audit SET id = 3 WHERE id = 9")
    by_hand(chained, *swaps, "UPDATE audit SET id = 9 WHERE id = 99")
    assert verified(chained) == [(Fault.CHANGED, 3, 3), (Fault.CHANGED, 9, 9)]


def test_two_links_that_were_swapped_are_named(chained: Service) -> None:
    swaps = ("UPDATE audit_links SET audit_id = 99 WHERE position = 3",)
    more = ("UPDATE audit_links SET audit_id = 3 WHERE position = 9",)
    by_hand(chained, *swaps, *more, "UPDATE audit_links SET audit_id = 9 WHERE position = 3")
    assert verified(chained) == [(Fault.CHANGED, 3, 9), (Fault.CHANGED, 9, 3)]


def test_a_row_that_was_deleted_is_named_with_or_without_its_link(chained: Service) -> None:
    by_hand(chained, "DELETE FROM audit WHERE id = 6")
    assert verified(chained) == [(Fault.LOST, 6, 6)]
    by_hand(chained, "DELETE FROM audit_links WHERE position = 6")
    assert verified(chained)[0] == (Fault.CUT, 6, None)


def test_a_row_with_its_link_closed_up_behind_it_is_named(chained: Service) -> None:
    by_hand(chained, "DELETE FROM audit WHERE id = 6", "DELETE FROM audit_links WHERE position = 6")
    by_hand(chained, *(f"UPDATE audit_links SET position = {n - 1} WHERE position = {n}" for n in range(7, 13)))
    assert verified(chained)[0] == (Fault.CHANGED, 6, 7)


def test_the_last_rows_deleted_with_their_links_are_shown_by_the_anchor_alone(chained: Service) -> None:
    by_hand(chained, "DELETE FROM audit WHERE id > 8", "DELETE FROM audit_links WHERE position > 8")
    assert verified(chained, anchors=False) == []
    assert verified(chained) == [(Fault.ANCHORED, 12, None)]


def test_the_last_rows_deleted_in_the_middle_of_a_batch_leave_an_unsealed_end(chained: Service) -> None:
    by_hand(chained, "DELETE FROM audit WHERE id > 10", "DELETE FROM audit_links WHERE position > 10")
    assert verified(chained, anchors=False) == [(Fault.UNSEALED, 10, 10)]


def test_an_old_row_that_was_put_in_by_hand_is_named(chained: Service) -> None:
    by_hand(chained, "DELETE FROM audit WHERE id = 2", "DELETE FROM audit_links WHERE position = 2")
    chained.clock.advance(minutes=16)
    by_hand(chained, "INSERT INTO audit (id, at, act) VALUES (2, '2026-11-23 04:00:00+00:00', 'view')")
    assert chaining.link(chained.runtime).rows == 0
    assert verified(chained) == [(Fault.CUT, 2, None), (Fault.STRANGE, None, 2)]


def rewritten(service: Service, sealer: Sealer) -> None:
    """The whole chain anew over a changed row, as somebody can who knows how it is made, sealed as well as they can."""
    by_hand(service, "UPDATE audit SET act = 'x' WHERE id = 6")
    with administrating(service) as connection:
        before = BEGINNING
        for row in [Row(*one) for one in connection.execute(select(audit).order_by(audit.c.id))]:
            before = link_hash(before, row.id, row)
            mine = update(audit_links).where(audit_links.c.position == row.id)
            seal = sealer.signature(SEAL, f"{row.id}:{before}") if row.id == 12 else None
            connection.execute(mine.values(hash=before, seal=seal))


def test_a_chain_written_anew_without_the_key_is_found_by_its_end(chained: Service) -> None:
    rewritten(chained, Sealer(["somebody-elses-" + "1" * 32]))
    assert verified(chained, anchors=False) == [(Fault.UNSEALED, 12, 12)]


def test_a_chain_written_anew_with_a_seal_that_claims_our_key_is_found(chained: Service) -> None:
    rewritten(chained, Sealer(["somebody-elses-" + "1" * 32]))
    by_hand(chained, f"UPDATE audit_links SET seal = '{chained.runtime.sealer.key_id}.{'0' * 64}' WHERE position = 12")
    assert verified(chained, anchors=False) == [(Fault.FORGED, 12, 12)]


def test_a_chain_written_anew_even_with_the_key_is_shown_by_the_anchor(chained: Service) -> None:
    rewritten(chained, chained.runtime.sealer)
    assert verified(chained, anchors=False) == []
    assert verified(chained) == [(Fault.ANCHORED, 12, 12)]


def test_after_the_old_key_is_gone_the_seal_of_the_new_one_vouches_for_all(chained: Service) -> None:
    new, old = "newest-secret-" + "2" * 32, "test-secret-" + "0" * 32
    chained.runtime = replace(chained.runtime, sealer=Sealer([new, old]))
    write(chained, 1)
    chaining.link(chained.runtime)
    chained.runtime = replace(chained.runtime, sealer=Sealer([new]))
    found = chaining.verify(chained.runtime, (), lambda _: None)
    assert (found.broken, found.seals_unknown) == ([], 3)
    by_hand(chained, "UPDATE audit SET act = 'x' WHERE id = 2")
    assert verified(chained) == [(Fault.CHANGED, 2, 2)]


def test_a_transaction_that_commits_late_with_a_lower_id_gets_the_next_place(chained: Service) -> None:
    with chained.runtime.database.transaction() as connection:
        connection.execute(insert(audit).values(id=14, at=chained.clock(), act="view"))
    assert chaining.link(chained.runtime).rows == 1
    with chained.runtime.database.transaction() as connection:
        connection.execute(insert(audit).values(id=13, at=chained.clock(), act="view"))
    assert chaining.link(chained.runtime).rows == 1
    assert [(link.position, link.audit_id) for link in links(chained)[12:]] == [(13, 14), (14, 13)]
    assert verified(chained) == []


def test_many_chainers_at_once_make_one_chain(chained: Service) -> None:
    write(chained, 80)

    def work(_: int) -> int:
        return sum(len(chaining.link_some(chained.runtime)) for _ in range(25))

    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(work, range(4)))
    assert done + chaining.link(chained.runtime).rows == 80
    assert [link.position for link in links(chained)] == list(range(1, 93))
    assert verified(chained) == []


def test_a_chainer_that_dies_in_the_middle_of_a_batch_leaves_no_half_of_it(
    chained: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(chained, 3)

    def killed(connection: Connection, wanted: list[Link]) -> bool:
        assert append(connection, wanted)
        raise DatabaseUnavailable("killed")

    append = chain.append
    monkeypatch.setattr(chain, "append", killed)
    with pytest.raises(DatabaseUnavailable):
        chaining.link_some(chained.runtime)
    assert len(links(chained)) == 12
    monkeypatch.setattr(chain, "append", append)
    assert chaining.link(chained.runtime).rows == 3
    assert verified(chained) == []


def test_an_anchor_is_written_only_for_what_is_new_and_stands_in_the_log_too(
    chained: Service, logged: list[dict[str, str]]
) -> None:
    assert chaining.anchor(chained.runtime) is None
    write(chained, 1)
    chaining.link(chained.runtime)
    made = chaining.anchor(chained.runtime)
    assert made is not None
    assert anchors_of(chained)[1] == made
    assert [line["hash"] for line in logged if line["event"] == "audit_anchored"] == [made.hash]
    assert chained.runtime.settings.audit.anchor_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("table", ["audit", "audit_links"])
@pytest.mark.parametrize("deed", ["UPDATE {} SET id = 999", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_change_the_audit(chained: Service, table: str, deed: str) -> None:
    statement = deed.format(table).replace(" id ", " audit_id " if table == "audit_links" else " id ")
    with pytest.raises(DatabaseUnavailable), chained.runtime.database.transaction() as connection:
        connection.execute(text(statement))
    assert verified(chained) == []


def test_the_command_says_whole_or_names_what_is_broken(
    chained: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = chained.runtime.database.url.render_as_string(hide_password=False)
    for name, value in environment(url, tmp_path).items():
        monkeypatch.setenv(name, value)
    command = ["audit", "verify", "--anchors", str(chained.runtime.settings.audit.anchor_file)]
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 0, answer.output
    assert answer.output.endswith("whole\n")
    by_hand(chained, "UPDATE audit SET act = 'x' WHERE id = 6")
    answer = CliRunner().invoke(main, command)
    assert answer.exit_code == 1
    assert "position 6, row 6: the row is not what was linked here" in answer.output


def test_a_row_that_waits_for_its_link_is_seen_in_the_metrics(chained: Service) -> None:
    def waiting() -> float:
        lines = chained.client.get("/metrics").get_data(as_text=True).splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("caseq_audit_unlinked_seconds ")))

    assert waiting() == 0
    write(chained, 1)
    chained.clock.advance(seconds=90)
    assert waiting() == 90

"""Rows that belong to no case are counted and told, and forgotten once they do."""

from pathlib import Path

from tests.adapters.bench import Adapter
from tests.adapters.longengines import ENGINES, LongAdapter
from tests.adapters.longlayout import at
from tests.adapters.peer import Peer

LOST = "SELECT case_number, origin, name, field, reason FROM unreadable ORDER BY origin"


def test_a_row_whose_case_is_not_there_is_kept_for_check_until_it_is(peer: Peer, tmp_path: Path) -> None:
    with ENGINES["sqlite"](tmp_path) as system:
        adapter: Adapter = LongAdapter(system.url, peer, tmp_path / "state" / "long.db")
        system.add_dossier()
        system.add_lawyer(5, "", dossier_id=77)
        adapter.once()
        assert adapter.state(LOST) == [("(none)", "lawyers:5", "row", "dossier_id", "leads to no case")]
        system.change("lawyer", 5, at(2), dossier_id=1, for_whom="某人3")
        adapter.once()
        assert [row[0] for row in adapter.state(LOST)] == ["A6401215100002026100001"]

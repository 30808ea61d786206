"""A case that changes its source across an air gap is there in the end, in whatever order the files arrive."""

import pytest
from sqlalchemy import func, select

from caseq.receiver import Receiver
from caseq.store.tables import audit
from tests.service import NOON, PHONE, Service, case, event, milestone, party

NUMBER = "A6401215100002026110012"
AT = NOON.timestamp()


def _withdrawn(record: str, key: str) -> dict[str, object]:
    return event("withdrawal", {"record": record, "key": key, "reason": "x"}, sequence="2")


OLD = (_withdrawn("party", "P-victim"), _withdrawn("case", NUMBER))
NEW = (
    event("case", case("administrative"), source="administrative"),
    event("party", party(), source="administrative"),
    event("milestone", milestone("case_accepted"), source="administrative"),
)


def _first(service: Service, inbox) -> None:
    inbox.put(1, event("case", case()), event("party", party()), at=AT)
    assert inbox.receive()


def _put(inbox, which: str, number: int, at: float) -> None:
    if which == "old":
        inbox.put(number, *OLD, at=at)
    else:
        inbox.put(number, *NEW, source="administrative", at=at)


@pytest.mark.parametrize("apart", [0, 1])
def test_a_case_that_changes_its_source_within_one_look_is_there(service, inbox, apart):
    _first(service, inbox)
    _put(inbox, "new", 1, AT + 10 + apart)
    _put(inbox, "old", 2, AT + 10)
    assert inbox.receive(), inbox.said
    assert service.seen_by(PHONE)["kind"] == "administrative"
    if apart:
        assert not [line for line in inbox.said if "again" in line or " 3 of them refused" in line], inbox.said


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_a_case_that_changes_its_source_between_two_looks_is_there(service, inbox, order):
    _first(service, inbox)
    looks = []
    for which in order:
        _put(inbox, which, 2 if which == "old" else 1, AT + 10)
        looks.append(inbox.receive())
    assert looks[-1], inbox.said
    assert looks[0] == (order[0] == "old"), "an event that is refused is told until its turn comes"
    assert service.seen_by(PHONE)["kind"] == "administrative"


def test_a_lost_withdrawal_is_healed_by_a_full_copy_and_takes_the_new_case_along(service, inbox):
    _first(service, inbox)
    _put(inbox, "new", 1, AT + 10)
    assert not inbox.receive()
    inbox.put(3, *OLD, message_id="full-c1-1of1-criminal-3", at=AT + 20)
    assert inbox.receive(), inbox.said
    assert service.seen_by(PHONE)["kind"] == "administrative"


def test_the_files_of_a_source_keep_their_order_whatever_their_time_says(service, inbox, logged):
    inbox.put(1, at=AT + 50)
    inbox.put(2, at=AT)
    inbox.put(1, source="trade", at=AT + 20)
    assert inbox.receive()
    taken = [(line["source"], line["batch"]) for line in logged if line["event"] == "file_taken"]
    assert taken == [("trade", 1), ("criminal", 1), ("criminal", 2)]


def test_what_waits_for_another_source_is_not_tried_again_at_every_heartbeat(service, inbox):
    _first(service, inbox)
    receiver = Receiver(service.runtime, inbox.folder, inbox.said.append)
    _put(inbox, "new", 1, AT + 10)
    assert not receiver.round()
    before = _pushes(service)
    for number in range(2, 7):
        inbox.put(number, source="administrative", at=AT + 10 + number)
        receiver.round()
    assert _pushes(service) == before + 5
    _put(inbox, "old", 2, AT + 20)
    assert receiver.round()
    assert service.seen_by(PHONE)["kind"] == "administrative"


def _pushes(service: Service) -> int:
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(func.count()).where(audit.c.act == "push")).scalar_one()

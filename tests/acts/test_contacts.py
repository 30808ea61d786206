"""A contact that was edited by hand is noticed before anything is sent, made or opened: nobody gets a code by it."""

import json
from datetime import date

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, insert, select

from caseq import rekeying
from caseq.cli import main
from caseq.store.contacts import Standing
from caseq.store.shelves import SHELVES
from caseq.store.tables import audit, codes, marks, outbox, parties, sessions
from tests.acts.handwritten import edit, make_old, row, unbound
from tests.service import PHONE, case, environment, event, milestone, party
from tests.service import service as build_service

THEIR_CASE = "A6401215100002026110077"
OWN_PHONE, EARLIER_PHONE = "13712345678", "13612345678"
CONTACT = ("phone_sealed", "phone_hash", "contact_mac")


@pytest.fixture
def filled(service):
    """The victim's case, and the case of somebody who wants to read it."""
    service.push(event("case", case()), event("party", party(key="VICTIM")), event("milestone", milestone()))
    own = party(key="OWN", phone=OWN_PHONE, name="欧阳示例")
    service.push(event("case", case(), case=THEIR_CASE), event("party", own, case=THEIR_CASE))
    service.work()
    return service


def copied(*names):
    """Copy these columns of one's own row into the victim's."""

    def tamper(service):
        own = row(service, "OWN")
        edit(service, "VICTIM", **{name: own[name] for name in names})

    return tamper


def whole_row(service):
    """Copy all that binds one's own row as well; its key must be free for that."""
    own = row(service, "OWN")
    edit(service, "OWN", key="GONE")
    edit(service, "VICTIM", **{name: own[name] for name in ("source", "key", *CONTACT)})


def as_before_0007(service):
    """Write one's own number as rows were written before they were bound."""
    own = row(service, "OWN")
    edit(service, "VICTIM", **{**unbound(service, "OWN"), "phone_hash": own["phone_hash"]})


def unbound_and_copied(service):
    copied("phone_sealed", "phone_hash")(service)
    edit(service, "VICTIM", contact_mac=None)


def earlier_number(name):
    """Put back what the row held when the victim had another number, but not all of it."""

    def tamper(service):
        now = row(service, "VICTIM")
        service.push(event("party", party(key="VICTIM", phone=EARLIER_PHONE), sequence="2"))
        edit(service, "VICTIM", **{name: now[name]})

    return tamper


TAMPERED = {
    "the sealed number": copied("phone_sealed"),
    "the hash": copied("phone_hash"),
    "number and hash": copied("phone_sealed", "phone_hash"),
    "number, hash and signature": copied(*CONTACT),
    "the case": lambda service: edit(service, "VICTIM", case_id=row(service, "OWN")["case_id"]),
    "the whole contact with source and key": whole_row,
    "no signature": lambda service: edit(service, "VICTIM", contact_mac=None),
    "no signature and another number": unbound_and_copied,
    "another number as before 0007": as_before_0007,
    "a signature that is none": lambda service: edit(service, "VICTIM", contact_mac="x" * 73),
    "a signature of a key that never was": lambda service: edit(service, "VICTIM", contact_mac="00000000." + "0" * 64),
    "an empty number": lambda service: edit(service, "VICTIM", phone_sealed=None),
    "a number that is none": lambda service: edit(service, "VICTIM", phone_sealed="x"),
    "the role": lambda service: edit(service, "VICTIM", role="suspect", appeared_on=date(2026, 11, 20)),
    "the suspect": lambda service: edit(service, "VICTIM", subject="S2"),
    "the sealed number of an earlier time": earlier_number("phone_sealed"),
    "the hash of an earlier time": earlier_number("phone_hash"),
    "the signature of an earlier time": earlier_number("contact_mac"),
}
tampered = pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())


def count(service, table):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def broken(service):
    text = service.client.get("/metrics").get_data(as_text=True)
    found = {family.name: family for family in text_string_to_metric_families(text)}
    return found["caseq_contacts_broken"].samples[0].value


def alarms(logged):
    return [line for line in logged if line["event"] == "contact_broken"]


def noted(service):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(func.count()).where(audit.c.act == "contact_broken")).scalar_one()


def row_id(service):
    """The id of the victim's row, whatever it is called now."""
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(func.min(parties.c.id))).scalar_one()


def reasons(service):
    """Why messages were dropped."""
    with service.runtime.database.autocommit() as connection:
        return set(connection.execute(select(outbox.c.reason).where(outbox.c.state == "dropped")).scalars())


@tampered
def test_no_code_is_made_by_a_contact_that_was_edited(filled, tamper, logged):
    tamper(filled)
    before = filled.messages()
    for phone in (PHONE, OWN_PHONE, EARLIER_PHONE):
        assert filled.log_in(phone) is None
    assert filled.messages() == before
    assert alarms(logged)
    assert (count(filled, codes), count(filled, sessions)) == (0, 0)


@tampered
def test_nothing_is_sent_by_a_contact_that_was_edited(filled, tamper, logged):
    """The victim's news wait when the row is edited; a search finds the row too."""
    assert rekeying.suspicious_contacts(filled.runtime) == []
    before = filled.messages()
    filled.push(event("milestone", milestone("case_solved"), sequence="2"))
    tamper(filled)
    filled.work()
    assert filled.messages() == before
    assert alarms(logged)
    assert broken(filled) == noted(filled) == 1
    assert reasons(filled) == {"contact broken"}
    assert (row_id(filled), Standing.BROKEN) in rekeying.suspicious_contacts(filled.runtime)


@tampered
def test_a_code_that_is_out_opens_nothing_by_a_contact_that_was_edited(filled, tamper, logged):
    challenge, code = filled.code_for(PHONE)
    tamper(filled)
    answer = filled.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    wrong = filled.client.post("/api/v1/sessions", json={"challenge": challenge, "code": "00000000"})
    assert answer.status_code == wrong.status_code != 201
    assert count(filled, sessions) == 0


def test_ones_own_row_opens_no_other_case(filled, logged):
    challenge, code = filled.code_for(OWN_PHONE, THEIR_CASE)
    edit(filled, "OWN", case_id=row(filled, "VICTIM")["case_id"])
    body = {"challenge": challenge, "code": code}
    assert filled.client.post("/api/v1/sessions", json=body).status_code != 201
    filled.clock.advance(seconds=61)
    assert filled.log_in(OWN_PHONE) is None
    assert {line["party"] for line in alarms(logged)} == {row(filled, "OWN")["id"]}
    assert filled.seen_by(PHONE) is not None


def test_the_alarm_names_ids_and_nothing_else(filled, logged):
    copied(*CONTACT)(filled)
    victim = row(filled, "VICTIM")
    assert filled.log_in(OWN_PHONE) is None
    ids = {"party": victim["id"], "case": victim["case_id"]}
    assert alarms(logged) == [{"event": "contact_broken", "log_level": "error", **ids}]
    assert OWN_PHONE not in json.dumps(logged)


def test_a_contact_that_stays_broken_is_audited_once_and_logged_every_time(filled, logged):
    copied(*CONTACT)(filled)
    for _ in range(3):
        assert filled.log_in(OWN_PHONE) is None
        filled.clock.advance(seconds=61)
    assert (noted(filled), len(alarms(logged)), broken(filled)) == (1, 3, 1)


def test_the_next_push_of_the_party_mends_its_row(filled, logged):
    copied(*CONTACT)(filled)
    assert filled.log_in(OWN_PHONE) is None
    assert broken(filled) == 1
    filled.push(event("party", party(key="VICTIM"), sequence="2"))
    assert broken(filled) == 0
    assert filled.seen_by(PHONE) is not None
    assert rekeying.suspicious_contacts(filled.runtime) == []


def test_an_old_row_as_a_whole_is_that_partys_own(filled):
    """A row out of a backup is taken: it holds a number that its source once gave for this very party."""
    was = row(filled, "VICTIM")
    filled.push(event("party", party(key="VICTIM", phone=EARLIER_PHONE), sequence="2"))
    edit(filled, "VICTIM", **{name: was[name] for name in CONTACT})
    assert filled.seen_by(PHONE) is not None


def test_a_number_under_a_lost_key_keeps_its_messages_waiting(database_url, tmp_path, clock, filled, logged):
    """It was not edited: somebody forgot a key, and nothing may be dropped for that."""
    filled.push(event("milestone", milestone("case_solved"), sequence="2"))
    lost = build_service(database_url, tmp_path, clock, CASEQ_SECRET_KEY="another-" + "9" * 32)
    lost.work()
    assert lost.messages() == filled.messages()
    lost.runtime.database.close()
    assert alarms(logged) == []
    assert [standing for _, standing in rekeying.suspicious_contacts(lost.runtime)] == [Standing.UNREADABLE] * 2
    assert reasons(filled) == set()
    filled.clock.advance(minutes=6)
    before = len(filled.messages())
    filled.work()
    assert len(filled.messages()) == before + 1, "the key is back"


# On the command line


def test_check_names_the_parties_if_it_is_asked(filled, database_url, tmp_path, monkeypatch):
    for name, value in environment(database_url, tmp_path).items():
        monkeypatch.setenv(name, value)
    assert "contacts: ok" in CliRunner().invoke(main, ["check", "--contacts"]).output
    copied(*CONTACT)(filled)
    answer = CliRunner().invoke(main, ["check", "--contacts"])
    assert answer.exit_code == 1
    assert f"contact of party {row_id(filled)}: broken" in answer.output
    assert "contacts: 1 edited by hand or unreadable" in answer.output
    assert "contact of" not in CliRunner().invoke(main, ["check"]).output


# Rows of before 0007


def rotated(service):
    done = rekeying.rotate(service.runtime, lambda _: None)
    assert not isinstance(done, rekeying.KeyLost)
    return done


def test_rows_of_before_are_good_until_a_rotation_has_bound_them(filled, logged):
    make_old(filled)
    assert row(filled, "VICTIM")["contact_mac"] is None
    assert filled.seen_by(PHONE) is not None
    filled.push(event("milestone", milestone("case_solved"), sequence="2"))
    filled.work()
    assert len(filled.messages(PHONE)) == 3
    old = row(filled, "OWN")
    assert [done.broken + done.left for done in rotated(filled)] == [0] * len(SHELVES)
    assert all(row(filled, key)["contact_mac"] for key in ("VICTIM", "OWN"))
    assert rekeying.suspicious_contacts(filled.runtime) == []
    filled.clock.advance(seconds=61)
    assert filled.seen_by(PHONE) is not None
    assert alarms(logged) == []
    edit(filled, "VICTIM", contact_mac=None, phone_sealed=old["phone_sealed"], phone_hash=old["phone_hash"])
    assert filled.log_in(OWN_PHONE) is None
    assert len(alarms(logged)) == 1


def test_no_rotation_binds_what_was_unbound_by_hand(filled):
    as_before_0007(filled)
    done = rotated(filled)
    assert (done[0].table, done[0].renewed, done[0].broken, done[0].left) == ("parties", 0, 1, 0)
    assert row(filled, "VICTIM")["contact_mac"] is None
    assert broken(filled) == 1


def test_a_row_of_before_that_holds_two_numbers_is_broken(filled):
    make_old(filled)
    edit(filled, "VICTIM", phone_hash=row(filled, "OWN")["phone_hash"])
    assert filled.log_in(OWN_PHONE) is None
    assert broken(filled) == 1


def test_nobody_can_make_old_rows_good_without_a_key(filled):
    rekeying.rotate(filled.runtime, lambda _: None)
    with filled.runtime.database.transaction() as connection:
        connection.execute(insert(marks), {"name": "unbound contacts", "seal": row(filled, "OWN")["phone_sealed"]})
    as_before_0007(filled)
    assert filled.log_in(OWN_PHONE) is None


def test_a_fresh_database_takes_no_unbound_contact(service):
    assert not rekeying.status(service.runtime).unbound_are_good

"""All keys are changed while the service works: afterwards the old key is needed for nothing, and nothing was lost."""

import json
import shutil
import time

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from caseq import answering, counter, rekeying
from caseq.cli import main
from caseq.rules.ciphers import Cipher
from caseq.rules.duties import StaffRole
from caseq.rules.papers import Paper
from caseq.store import contacts, preferences, pushes, rotation, shelves
from caseq.store.preferences import Preferences
from caseq.store.sealing import bound
from caseq.store.shelves import SHELVES
from caseq.store.tables import audit, history, metadata, outbox, parties, quarantine
from tests.acts.handwritten import row
from tests.dumps import raw_bytes, shown
from tests.pushfiles import Inbox
from tests.service import CASE, PHONE, ROOT, case, digits_of, environment, event, milestone, party
from tests.service import service as build_service
from tests.staff import listed

OLD, NEW = "test-secret-" + "0" * 32, "next-secret-" + "9" * 32
OTHER_CASE = "A6401215100002026110077"


@pytest.fixture
def started(database_url, tmp_path, clock):
    """Starts a service on the one database with these keys and this cipher."""
    made = []

    def start(*keys, cipher=Cipher.AES_256_GCM):
        config = tmp_path / f"config-{cipher}"
        if not config.exists():
            shutil.copytree(ROOT / "config", config)
            file = config / "caseq.toml"
            file.write_text(file.read_text().replace('cipher = "aes-256-gcm"', f'cipher = "{cipher}"'))
        more = {"CASEQ_SECRET_KEY": ",".join(keys), "CASEQ_CONFIG_DIR": str(config)}
        made.append(build_service(database_url, tmp_path, clock, **more))
        return made[-1]

    yield start
    for service in made:
        service.runtime.database.close()


def rotate(service):
    done = rekeying.rotate(service.runtime, lambda _: None)
    assert not isinstance(done, rekeying.KeyLost)
    assert [one for one in done if one.broken or one.left] == []
    return done


def fill(service):
    """One of everything that is sealed: a party, its history, a parked event, a refused one."""
    service.push(event("case", case()), event("party", party()), event("milestone", milestone()))
    service.push(event("party", party(key="WAITS", phone="13712345678"), case=OTHER_CASE))
    service.push({**event("party", party(key="REFUSED")), "unheard_of": 1})


def newest_is_enough(service):
    return rekeying.status(service.runtime).newest_is_enough


def rows(service, *columns):
    """What stands in these columns of one table, or in all of it, oldest first."""
    table = getattr(columns[0], "table", columns[0])
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(*columns).order_by(*table.primary_key)).all()


# What is done


def test_every_sealed_column_is_known_to_the_rotation():
    known = {column for shelf in SHELVES for column in shelf.sealed} | set(shelves.LEFT)
    there = {column for table in metadata.sorted_tables for column in table.c if column.name.endswith("_sealed")}
    assert {str(column) for column in there} == {str(column) for column in known}


def test_every_fingerprint_is_known_to_the_rotation():
    """Hashes of tokens are no fingerprints; those of codes and messages follow their party's."""
    known = {str(column) for shelf in SHELVES for column in shelf.hashed}
    known |= {"paper_codes.typed_hash", "paper_codes.keypad_hash", "codes.network_hash", "link_tokens.jti_hash"}
    known |= {"outbox.before_hash", "tellings.shown_hash"}  # a key taken out makes one SMS too many, and no leak
    known |= {"codes.phone_hash", "outbox.phone_hash", "challenges.handle_hash", "sessions.token_hash"}
    known |= {"staff.password_hash", "staff_sessions.token_hash", "decisions.preview_hash"}
    known |= {"staff_failures.who_hash"}  # a key taken out makes an attacker wait less, once
    there = {column for table in metadata.sorted_tables for column in table.c}
    assert {str(column) for column in there if column.name.endswith(("_hash", "_mac"))} == known


def test_after_a_rotation_the_old_key_is_needed_for_nothing(started):
    before = started(OLD)
    fill(before)
    token = before.log_in()
    both = started(NEW, OLD)
    assert not newest_is_enough(both)
    done = rotate(both)
    assert {one.table: one.renewed for one in done} == {
        "parties": 1,
        "parked": 1,
        "releases": 0,
        "staff": 0,
        "quarantine": 1,
        "file_batches": 0,
        "authenticators": 0,
        "preferences": 0,
        "ratings": 0,
        "complaints": 0,
        "outbox": 2,  # what was sent stays until its receipt came
        "dead_numbers": 0,
        "number_changes": 0,
        "corrections": 0,
        "history": 3,
    }
    assert not newest_is_enough(both)
    both.clock.advance(minutes=11)
    assert newest_is_enough(both)
    after = started(NEW)
    assert after.view(token) is not None
    assert after.seen_by() is not None
    after.push(event("case", case(), case=OTHER_CASE))
    assert after.seen_by("13712345678", OTHER_CASE) is not None
    with after.runtime.database.autocommit() as connection:
        (refused,) = pushes.in_quarantine(connection, after.runtime.sealer)
    assert refused.raw["data"]["party"] == "REFUSED"
    states = rows(after, history.c.state_sealed)
    assert all(json.loads(after.runtime.sealer.unseal("history.state", sealed)) for (sealed,) in states)
    assert rekeying.suspicious_contacts(after.runtime) == []


def test_a_correction_of_a_number_outlives_the_key_it_was_made_under(started):
    before = started(OLD)
    before.push(event("case", case()), event("party", party()))
    clerk, second = (listed(before, StaffRole.WINDOW_CLERK) for _ in range(2))
    for phone in ("19987654321", "19955556666"):
        change = counter.ask_number(before.runtime, clerk, 1, [Paper.IDENTITY_CARD], phone)
        assert isinstance(change, int)
        if phone == "19987654321":
            counter.agree(before.runtime, second, change, before.clock.now)
    assert {one.table: one.renewed for one in rotate(started(NEW, OLD))}["corrections"] == 1
    after = started(NEW)
    assert [one.phone for one in counter.waiting(after.runtime, second).to_agree] == ["+8619955556666"]
    after.push(event("party", party(name="改名"), sequence="2"))
    assert after.log_in("19987654321") is not None


def test_names_and_numbers_as_given_are_the_same_afterwards(started):
    started(OLD).push(event("case", case()), event("party", party(name="欧阳示例", phone=f"父亲 {PHONE}")))
    rotate(started(NEW, OLD))
    after, found = started(NEW).runtime.sealer, row(started(NEW), "P-victim")
    for column, purpose, value in (
        ("name_sealed", contacts.NAME, "欧阳示例"),
        ("phone_as_given_sealed", contacts.PHONE_AS_GIVEN, f"父亲 {PHONE}"),
    ):
        assert after.unseal(bound(purpose, "criminal", "P-victim"), found[column]).decode() == value


def test_a_phrase_and_how_to_be_reached_are_the_same_afterwards(started):
    before = started(OLD)
    before.push(event("case", case()), event("party", party()))
    with before.runtime.database.transaction() as connection:
        said = Preferences(sms=True, safe_contact="只在上午打", phrase="春天")
        preferences.keep(connection, before.runtime.sealer, 1, said, before.clock.now)
    assert {one.table: one.renewed for one in rotate(started(NEW, OLD))}["preferences"] == 1
    after = started(NEW)
    with after.runtime.database.autocommit() as connection:
        assert preferences.of(connection, after.runtime.sealer, 1) == said


def test_a_party_of_which_nothing_is_sealed_is_signed_anew_too(started):
    gone = event("withdrawal", {"record": "party", "key": "GONE"})
    started(OLD).push(event("case", case()), gone)
    both = started(NEW, OLD)
    assert rows(both, parties.c.phone_sealed) == [(None,)]
    rotate(both)
    assert rekeying.suspicious_contacts(started(NEW).runtime) == []


def test_a_rotation_says_how_far_it_is_and_leaves_one_row_in_the_audit(started, monkeypatch):
    monkeypatch.setattr(rekeying, "ROWS_AT_ONCE", 2)
    started(OLD).push(event("case", case()), *(event("party", party(key=f"P{n}")) for n in range(5)))
    told: list[rekeying.Progress] = []
    both = started(NEW, OLD)
    rekeying.rotate(both.runtime, told.append)
    assert [(one.done, one.of) for one in told if one.table == "parties"] == [(2, 5), (4, 5), (5, 5)]
    ((facts,),) = rows(both, audit.c.facts)[-1:]
    assert facts == {"key": both.runtime.sealer.key_id, "rows": 11}


def test_a_second_rotation_finds_nothing_to_do(started):
    fill(started(OLD))
    both = started(NEW, OLD)
    rotate(both)
    before = rows(both, parties), rows(both, quarantine)
    assert sum(one.renewed for one in rotate(both)) == 0
    assert (rows(both, parties), rows(both, quarantine)) == before


def test_the_same_refused_event_under_two_keys_is_kept_once(started):
    refused = {**event("party", party(key="REFUSED")), "unheard_of": 1}
    started(OLD).push(refused)
    both = started(NEW, OLD)
    both.push(refused)
    assert len(rows(both, quarantine)) == 2
    rotate(both)
    assert len(rows(both, quarantine)) == 1
    started(NEW).push(refused)
    assert len(rows(both, quarantine)) == 1


def test_a_file_that_was_taken_before_is_known_after_the_old_key_is_gone(started, tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    before = Inbox(folder, started(OLD).runtime)
    before.put(1, event("case", case()), event("party", party()))
    assert before.receive()
    taken = next((folder / "taken").iterdir())
    both = started(NEW, OLD)
    rotate(both)
    after = Inbox(folder, started(NEW).runtime)
    after.put_bytes(taken.read_bytes(), taken.name)
    assert after.receive(), after.said
    (folder / "refused").mkdir(exist_ok=True)
    assert list((folder / "refused").iterdir()) == []


def test_no_name_and_no_number_can_be_read_before_between_or_after(started, database_url, tmp_path):
    """Of pushes in both ciphers, of a file, and of what a rotation writes."""
    aes, sm4 = started(OLD), started(OLD, cipher=Cipher.SM4_GCM)
    secrets = []
    for n, service in enumerate((aes, sm4)):
        secrets += [f"1991234000{n}", f"欧阳{n}例", f"诸葛{n}例"]
        service.push(event("case", case()), event("party", party(key=f"P{n}", phone=secrets[-3], name=secrets[-2])))
        service.push({**event("party", party(key=f"R{n}", name=secrets[-1])), "unheard_of": 1})
        service.push(event("party", party(key=f"W{n}", name=secrets[-1]), case=OTHER_CASE))
    inbox = Inbox(tmp_path / "inbox", aes.runtime)
    inbox.folder.mkdir()
    inbox.put(1, event("party", party(key="F", phone="19912340009", name="司马示例")))
    assert inbox.receive()
    secrets += ["19912340009", "司马示例", OLD, NEW]
    assert shown(secrets, raw_bytes(aes, database_url)) == []
    rotate(started(NEW, OLD, cipher=Cipher.SM4_GCM))
    found = raw_bytes(aes, database_url)
    assert CASE.encode() in found
    assert shown(secrets, found) == []


# What is under way meanwhile


def test_codes_that_are_out_open_their_grant_after_the_rotation(started):
    challenge, code = code_of(started(OLD))
    both = started(NEW, OLD)
    rotate(both)
    answer = both.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code == 201


def code_of(service):
    service.push(event("case", case()), event("party", party()))
    return service.code_for()


def test_a_code_asked_for_before_the_rotation_is_sent_after_it(started):
    before = started(OLD)
    before.push(event("case", case()), event("party", party()))
    asked = before.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE}).get_json()
    both = started(NEW, OLD)
    rotate(both)
    both.work()
    code = digits_of(both.messages(PHONE)[-1])
    body = {"challenge": asked["challenge"], "code": code}
    assert both.client.post("/api/v1/sessions", json=body).status_code == 201


def test_a_code_that_waits_to_be_sent_is_sent_though_the_party_was_sealed_anew(started, monkeypatch):
    """Its message may have escaped the rotation: a number is compared under every live key."""
    before = started(OLD)
    before.push(event("case", case()), event("party", party()))
    asked = before.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE}).get_json()
    answering.resolve(before.runtime)
    monkeypatch.setattr(rotation, "follow", lambda *_: None)
    both = started(NEW, OLD)
    rotate(both)
    both.work()
    body = {"challenge": asked["challenge"], "code": digits_of(both.messages(PHONE)[-1])}
    assert both.client.post("/api/v1/sessions", json=body).status_code == 201


def test_news_that_wait_are_sent_once_and_without_a_detour(started):
    fill(started(OLD))
    both = started(NEW, OLD)
    rotate(both)
    assert {hash_ for (hash_,) in rows(both, outbox.c.phone_hash)} == {row(both, "P-victim")["phone_hash"]}
    after = started(NEW)
    after.work()
    assert len(after.messages(PHONE)) == 1
    assert [attempts for (attempts,) in rows(after, outbox.c.attempts)] == [1]


@pytest.mark.parametrize("then", [(NEW, OLD), (OLD, NEW)], ids=["newest first", "still second"])
def test_a_session_outlives_a_push_of_the_same_number_under_another_key(started, then):
    before = started(*reversed(then))
    before.push(event("case", case()), event("party", party()))
    token = before.log_in()
    after = started(*then)
    after.push(event("party", party(name="改名"), sequence="2"))
    assert after.view(token) is not None
    after.push(event("party", party(phone="13712345678"), sequence="3"))
    assert after.view(token) is None


def test_a_code_that_is_out_outlives_a_push_of_the_same_number_under_the_new_key(started):
    challenge, code = code_of(started(OLD))
    both = started(NEW, OLD)
    both.push(event("party", party(name="改名"), sequence="2"))
    answer = both.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code == 201


def test_a_push_in_the_middle_wins(started, monkeypatch):
    started(OLD).push(event("case", case()), event("party", party()))
    both, write = started(NEW, OLD), rekeying._write

    def pushed_first(runtime, shelf, batch):
        monkeypatch.setattr(rekeying, "_write", write)
        both.push(event("party", party(phone="13712345678"), sequence="2"))
        write(runtime, shelf, batch)

    monkeypatch.setattr(rekeying, "_write", pushed_first)
    rekeying.rotate(both.runtime, lambda _: None)
    after = started(NEW)
    assert after.log_in(PHONE) is None
    assert after.seen_by("13712345678") is not None


def test_rows_that_somebody_holds_are_done_when_they_are_free(started, engine, monkeypatch):
    """A rotation never waits for a row with others in its hands, so that it is in no deadlock."""
    if engine == "sqlite":
        pytest.skip("SQLite locks no rows")
    started(OLD).push(event("case", case()), *(event("party", party(key=f"P{n}")) for n in range(3)))
    both = started(NEW, OLD)
    holder = both.runtime.database.engine.connect()
    holder.execute(select(parties.c.id).where(parties.c.key == "P1").with_for_update())
    done = []

    def wait(_seconds):
        done.append({key: is_new(both, key) for key in ("P0", "P1", "P2")})
        holder.rollback()

    monkeypatch.setattr(time, "sleep", wait)
    rotate(both)
    holder.close()
    assert done[0] == {"P0": True, "P1": False, "P2": True}
    assert is_new(both, "P1")


def is_new(service, key):
    return row(service, key)["contact_mac"].startswith(service.runtime.sealer.key_id)


# Keys that are missing


def test_nothing_is_done_while_a_key_is_missing(started):
    fill(started(OLD))
    lost = started(NEW)
    before = rows(lost, parties)
    assert rekeying.rotate(lost.runtime, lambda _: None) == rekeying.KeyLost(8)
    assert rows(lost, parties) == before
    done = rekeying.rotate(lost.runtime, lambda _: None, leave_lost=True)
    assert not isinstance(done, rekeying.KeyLost)
    assert [(one.table, one.broken) for one in done if one.broken] == [
        ("parties", 1),
        ("parked", 1),
        ("quarantine", 1),
        ("history", 3),
    ]
    assert started(NEW, OLD).seen_by() is not None


def test_a_request_whose_key_was_taken_out_is_over_and_harms_nobody(started):
    before = started(OLD)
    challenge, code = code_of(before)
    both = started(NEW, OLD)
    both.clock.advance(seconds=61)
    before.client.post("/api/v1/codes", json={"case_number": CASE, "phone": PHONE})
    rotate(both)
    assert not newest_is_enough(both)
    after = started(NEW)
    answer = after.client.post("/api/v1/sessions", json={"challenge": challenge, "code": code})
    assert answer.status_code == 401
    after.work()
    after.clock.advance(seconds=61)
    assert after.seen_by() is not None


# Two ciphers


def test_both_ciphers_stand_side_by_side(started):
    aes, sm4 = started(OLD), started(OLD, cipher=Cipher.SM4_GCM)
    aes.push(event("case", case()), event("party", party()))
    sm4.push(event("milestone", milestone()), event("party", party(key="P2", phone="13712345678")))
    for service in (aes, sm4):
        service.clock.advance(seconds=61)
        assert service.seen_by() is not None
        assert service.seen_by("13712345678") is not None
    uses = rekeying.status(aes.runtime).uses
    assert {use.cipher for use in uses if use.column == "parties.phone_sealed"} == set(Cipher)


@pytest.mark.parametrize("chosen", Cipher)
def test_a_rotation_changes_the_cipher_too(started, chosen):
    other = next(cipher for cipher in Cipher if cipher is not chosen)
    fill(started(OLD, cipher=other))
    rotate(started(OLD, cipher=chosen))
    status = rekeying.status(started(OLD).runtime)
    assert {use.cipher for use in status.uses if use.column.endswith("_sealed")} == {chosen}
    assert started(OLD, cipher=other).seen_by() is not None


# Backups


def test_a_backup_of_before_is_readable_while_its_key_is_listed(started):
    before = started(OLD)
    fill(before)
    backup = {shelf.table: rows(before, *shelf.table.c) for shelf in SHELVES}
    rotate(started(NEW, OLD))
    restored = started(NEW, OLD)
    with restored.runtime.database.transaction() as connection:
        for table, kept in backup.items():
            for old in kept:
                same = [column == getattr(old, column.name) for column in table.primary_key.columns]
                connection.execute(update(table).where(*same).values(old._asdict()))
    assert restored.seen_by() is not None
    assert rekeying.suspicious_contacts(restored.runtime) == []
    rotate(restored)
    restored.clock.advance(seconds=61)
    assert started(NEW).seen_by() is not None


# On the command line


@pytest.fixture
def run(database_url, tmp_path, monkeypatch):
    def command(*words, keys=(NEW, OLD)):
        for name, value in environment(database_url, tmp_path, CASEQ_SECRET_KEY=",".join(keys)).items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(main, ["keys", *words])

    return command


def test_status_and_rotate_lead_an_operator_through(started, run):
    fill(started(OLD))
    answer = run("status")
    assert answer.exit_code == 1
    assert f"key 2: {started(OLD).runtime.sealer.key_id}" in answer.output
    assert "parties.phone_sealed\tkey 2\taes-256-gcm\t1" in answer.output
    assert "run caseq keys rotate" in answer.output
    answer = run("rotate")
    assert answer.exit_code == 0, answer.output
    assert "parties: 1 rows sealed anew, 0 cannot be opened, 0 are left" in answer.output
    answer = run("status")
    assert (answer.exit_code, answer.output.splitlines()[-1]) == (
        0,
        "Nothing needs a key but the newest; the others can be taken out.",
    )
    assert "parties.contact_mac\tkey 1 (newest)\t-\t1" in answer.output
    assert run("status", keys=(NEW,)).exit_code == 0


def test_a_rotation_without_the_old_key_is_refused_in_words(started, run):
    fill(started(OLD))
    answer = run("rotate", keys=(NEW,))
    assert answer.exit_code == 1
    assert "list it" in answer.output
    assert "a key that is not listed" in run("status", keys=(NEW,)).output
    answer = run("rotate", "--leave-lost", keys=(NEW,))
    assert answer.exit_code == 1
    assert "parties: 0 rows sealed anew, 1 cannot be opened" in answer.output


def test_no_line_of_the_commands_holds_a_name_a_number_or_a_key(started, run):
    fill(started(OLD))
    said = run("status").output + run("rotate").output + run("status").output
    for secret in (PHONE, "测试人", "13712345678", OLD, NEW, CASE):
        assert secret not in said

"""The word that a person agrees on with the bureau: what it may be, where it stands, and where it does not."""

import re

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from caseq import granting
from caseq.cli import main
from caseq.granting import Agreed
from caseq.store import preferences, recipients
from caseq.store.tables import audit
from caseq.store.tables import preferences as wishes
from tests.service import CASE, case, environment, event, milestone, party, with_nights
from tests.web.visitor import Visitor

NAME = "王小明"
WHO = {"by": "窗口民警", "reason": "当面约定"}
SIGNED = ("--by", "窗口民警", "--reason", "当面约定")


@pytest.fixture
def service(service):
    service.push(event("case", case()), event("milestone", milestone()), event("party", party(name=NAME)))
    service.work()
    return service


def ask(service, token, body=None):
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    if body is None:
        return service.client.get("/api/v1/preferences", headers=headers)
    return service.client.patch("/api/v1/preferences", json=body, headers=headers)


def recipient(service):
    runtime = service.runtime
    with runtime.database.transaction() as connection:
        return recipients.recipient(connection, runtime.sealer, runtime.settings.policy, 1, runtime.clock())


def kept(service):
    with service.runtime.database.autocommit() as connection:
        return preferences.of(connection, service.runtime.sealer, 1)


def stored(service):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(wishes.c.phrase_sealed)).scalar_one()


def visitor(service, language="zh"):
    found = Visitor(service, language)
    found.log_in()
    return found


def sample(page):
    found = re.search(r"<q>(.+?)</q>", page)
    assert found
    return found[1]


# By JSON


def test_a_phrase_is_agreed_read_and_removed(service):
    token = service.log_in()
    assert ask(service, token, {"phrase": "  春天 "}).get_json()["phrase"] == "春天"
    assert ask(service, token).get_json()["phrase"] == recipient(service).phrase == "春天"
    assert "春天" not in stored(service)
    assert ask(service, token, {"sms": False}).get_json()["phrase"] == "春天"
    assert ask(service, token, {"phrase": ""}).get_json()["phrase"] == recipient(service).phrase == ""
    assert stored(service) is None


@pytest.mark.parametrize("phrase", ["春1", "春天的风铃响了", "a.cn", "【春】", "春！", NAME, f"我{NAME}", "①"])
def test_what_may_not_be_agreed_is_refused_with_what_may_and_changes_nothing(service, phrase):
    token = service.log_in()
    ask(service, token, {"phrase": "春天"})
    answer = ask(service, token, {"phrase": phrase, "sms": False})
    assert answer.status_code == 400
    assert answer.get_json()["detail"].startswith("phrase: The word may have at most 6 Chinese characters or letters")
    assert phrase not in answer.get_data(as_text=True)
    assert (kept(service).phrase, kept(service).sms) == ("春天", True)


def test_with_english_messages_a_phrase_has_latin_letters_only_whichever_is_changed_last(service):
    token = service.log_in()
    assert ask(service, token, {"phrase": "春天"}).status_code == 200
    refused = ask(service, token, {"language": "en"})
    assert (refused.status_code, "Latin letters" in refused.get_json()["detail"]) == (400, True)
    assert ask(service, token, {"language": "en", "phrase": "spring"}).get_json()["language"] == "en"
    assert ask(service, token, {"phrase": "春天"}).status_code == 400
    assert ask(service, token, {"language": "zh"}).get_json()["phrase"] == "spring"


def test_messages_to_a_telephone_that_others_use_carry_no_phrase(service):
    token = service.log_in()
    ask(service, token, {"phrase": "春天", "shared_phone": True})
    assert (recipient(service).phrase, kept(service).phrase) == ("", "春天")
    ask(service, token, {"shared_phone": False})
    assert recipient(service).phrase == "春天"


def test_a_phrase_put_into_another_row_by_hand_is_none(service):
    service.push(event("party", party("complainant", phone="19912345671")))
    ask(service, service.log_in(), {"phrase": "春天"})
    ask(service, service.log_in("19912345671"), {"phrase": "秋天"})
    with service.runtime.database.transaction() as connection:
        theirs = connection.execute(select(wishes.c.phrase_sealed).where(wishes.c.party_id == 2)).scalar_one()
        connection.execute(update(wishes).where(wishes.c.party_id == 1).values(phrase_sealed=theirs))
    assert recipient(service).phrase == ""


def test_the_phrase_is_not_printed_and_not_logged(service, logged):
    ask(service, service.log_in(), {"phrase": "春天"})
    ask(service, service.log_in(), {"phrase": "春天1"})
    assert "春天" not in repr(recipient(service)) + repr(kept(service)) + str(logged)


# On the page


def test_the_page_keeps_a_phrase_and_shows_the_sms_with_it(service):
    person = visitor(service)
    assert "约定的词" not in sample(person.get("/preferences"))
    page = person.send("/preferences", sms="1", quiet="1", language="zh", phrase="春天").get_data(as_text=True)
    assert 'value="春天"' in page
    assert sample(page).endswith("（约定的词：春天）")
    assert sample(person.get("/preferences")).endswith("（约定的词：春天）")
    shared = person.send("/preferences", sms="1", language="zh", phrase="春天", shared_phone="1")
    assert "春天" not in sample(shared.get_data(as_text=True))
    english = person.send("/preferences", sms="1", language="en", phrase="spring").get_data(as_text=True)
    assert sample(english).endswith("Your word: spring.")


@pytest.mark.parametrize(
    ("page", "sms", "said"),
    [
        ("zh", "zh", "最多 6 个汉字或字母"),
        ("zh", "en", "只能是英文字母"),
        ("en", "zh", "at most 6 Chinese characters or letters"),
        ("en", "en", "at most 6 Latin letters"),
    ],
)
def test_a_refused_phrase_is_explained_and_all_that_was_typed_is_still_there(service, page, sms, said):
    person = visitor(service, page)
    answer = person.send("/preferences", language=sms, phrase="春天1", safe_contact="只在上午打")
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert said in shown.split('id="phrase-fault">')[1].split("</p>")[0]
    assert 'aria-invalid="true"' in shown
    assert 'value="春天1"' in shown
    assert 'value="只在上午打"' in shown
    assert f'value="{sms}" checked' in shown
    assert not re.search(r'id="(sms|quiet|shared_phone)"[^>]* checked', shown)
    assert "春天1" not in sample(shown)
    assert (kept(service).sms, kept(service).phrase, kept(service).safe_contact) == (True, "", "")


def test_a_form_of_before_without_the_field_leaves_the_phrase(service):
    person = visitor(service)
    person.send("/preferences", sms="1", language="zh", phrase="春天")
    person.send("/preferences", sms="1", language="zh")
    assert kept(service).phrase == "春天"


# Nights


def test_nights_are_quiet_until_somebody_says_otherwise(service):
    with_nights(service)
    person = visitor(service)
    assert recipient(service).is_quiet
    page = person.get("/preferences")
    assert re.search(r'id="quiet"[^>]* checked', page)
    assert "21:00 到 08:00 不发" in page
    assert not re.search(r'id="quiet"[^>]* checked', person.send("/preferences", sms="1").get_data(as_text=True))
    assert not recipient(service).is_quiet


def test_where_no_night_is_asked_about_saving_says_nothing_of_it(service):
    person = visitor(service)
    assert 'id="quiet"' not in person.get("/preferences")
    person.send("/preferences", sms="1")
    assert recipient(service).is_quiet


# At the counter


@pytest.fixture
def run(service, database_url, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(main, ["access", "phrase", *arguments], env=environment(database_url, tmp_path))

    return run


def audited(service):
    with service.runtime.database.autocommit() as connection:
        return connection.execute(select(audit.c.facts, audit.c.party_id).where(audit.c.act == "phrase")).all()


def test_staff_note_a_phrase_and_take_it_away_and_the_audit_does_not_tell_which(service, run):
    said = run(CASE, "P-victim", "春天", *SIGNED)
    assert (said.exit_code, said.output) == (0, f"phrase done: {CASE} P-victim\n")
    assert recipient(service).phrase == "春天"
    said = run(CASE, "P-victim", "", *SIGNED)
    assert (said.exit_code, said.output) == (0, f"phrase removed: {CASE} P-victim\n")
    assert recipient(service).phrase == ""
    assert audited(service) == [({**WHO, "removed": False}, 1), ({**WHO, "removed": True}, 1)]


def test_a_phrase_from_the_counter_leaves_the_other_wishes(service):
    ask(service, service.log_in(), {"quiet": False, "safe_contact": "只在上午打"})
    assert granting.agree(service.runtime, CASE, "P-victim", "春天", **WHO) is Agreed.DONE
    assert (kept(service).phrase, kept(service).quiet, kept(service).safe_contact) == ("春天", False, "只在上午打")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((CASE, "P-victim", "春1", *SIGNED), "at most 6 Chinese characters or letters"),
        ((CASE, "P-victim", NAME, *SIGNED), "not the person's name"),
        ((CASE, "P-nobody", "春天", *SIGNED), "No such party"),
        (("A0", "P-victim", "春天", *SIGNED), "No such party"),
    ],
)
def test_what_is_not_noted_says_why_and_is_not_audited(service, run, arguments, said):
    answer = run(*arguments)
    assert answer.exit_code == 1
    assert said in answer.stderr
    assert audited(service) == []
    assert recipient(service).phrase == ""


def test_without_a_name_and_a_reason_nothing_is_noted(service, run):
    assert run(CASE, "P-victim", "春天").exit_code == 2
    assert run(CASE, "P-victim", "春天", "--by", " ", "--reason", "x").exit_code == 2
    assert audited(service) == []

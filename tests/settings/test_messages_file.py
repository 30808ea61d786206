"""config/messages.toml: what is taken from it, and what is refused with file, line and key."""

import shutil
from datetime import date, time, timedelta

import pytest

from caseq.errors import ConfigurationError
from caseq.rules.case import MilestoneName, Role
from caseq.rules.messages import segments
from caseq.rules.routes import Route
from caseq.rules.telling import Channel, Quiet, manner
from caseq.settings.messagesfile import read_messages
from tests.service import ROOT

GENERAL = 'milestones = ["*"]\nroles = ["*"]'
LAST = "when.2"


@pytest.fixture
def path(tmp_path):
    """A copy of the shipped file, to be changed."""
    return shutil.copy(ROOT / "config" / "messages.toml", tmp_path / "messages.toml")


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def without_comments(path):
    """Every comment is gone, every line stays where it is."""
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join("" if line.startswith("#") else line for line in lines), encoding="utf-8")


def faults(path):
    try:
        read_messages(path)
    except ConfigurationError as error:
        return list(error.faults)
    return []


def line_of(path, text):
    """The number of the first line with this text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_every_shipped_text_is_one_sms_with_the_longest_phrase():
    wording = read_messages(ROOT / "config" / "messages.toml")["wording"]
    for language, phrase in (("zh", "春夏秋冬风雨"), ("en", "wwwwww")):
        assert segments(wording.code("12345678", 60, language, phrase).text) == 1
        for name in ("news", "device", "number"):
            assert segments(wording.written(name, language, {"help_phone": "0951-80110000"}, phrase).text) == 1


def test_the_shipped_table_tells_everybody_of_everything_by_sms_and_never_by_night():
    table = read_messages(ROOT / "config" / "messages.toml")["telling"]
    night = Quiet(time(21), time(8))
    for role in Role:
        for milestone in (None, *MilestoneName):
            how = manner(table, milestone, role)
            assert (how.channel, how.delay, how.quiet) == (Channel.SMS, timedelta(minutes=10), night)
    held = {
        (milestone, role) for milestone in MilestoneName for role in Role if manner(table, milestone, role).tell_first
    }
    assert held == {
        *((MilestoneName.EXPERT_OPINION, role) for role in (Role.VICTIM, Role.VICTIM_FAMILY)),
        *(
            (milestone, role)
            for milestone in (MilestoneName.CASE_NOT_FILED, MilestoneName.CASE_WITHDRAWN)
            for role in (Role.COMPLAINANT, Role.VICTIM, Role.VICTIM_FAMILY)
        ),
    }


def test_how_messages_are_sent_is_taken_over_in_spans_and_yuan():
    sending = read_messages(ROOT / "config" / "messages.toml")["sending"]
    assert (sending.news_within, sending.longest_delay) == (timedelta(days=30), timedelta(minutes=30))
    assert (sending.spread, sending.give_up_after) == (timedelta(minutes=45), timedelta(hours=72))
    assert sending.receipt_after == (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6))
    assert (sending.most_codes_a_day, sending.most_news_a_day) == (5000, 20000)
    assert sending.prices == {"aliyun": 0.045, "twilio": 0.4}
    assert sending.routes == (Route("+86", ("aliyun", "twilio")), Route("+", ("twilio",)))


def test_approved_templates_are_found_by_name_and_language(path):
    text = path.read_text(encoding="utf-8")
    for line in ("[template.news.aliyun]", *(f"{key} = " for key in ("zh", "zh_phrase", "en", "en_phrase"))):
        text = text.replace(f"# {line}", line, 1)
    block = text[text.index("[template.news.aliyun]") : text.index("[template.code]")]
    text = text.replace(block, "").replace("[template.device]", f"{block}\n[template.device]", 1)
    path.write_text(text, encoding="utf-8")
    assert read_messages(path)["wording"].approved == {
        ("news", "zh"): "SMS_100000001",
        ("news_phrase", "zh"): "SMS_100000002",
        ("news", "en"): "SMS_100000003",
        ("news_phrase", "en"): "SMS_100000004",
    }


def test_a_text_may_say_by_whom_and_when_it_was_reviewed(path):
    change(path, 'reviewed_by = ""', f'reviewed_by = "法制大队"\nreviewed_on = {date(2026, 12, 1)}')
    assert faults(path) == []


def test_a_signature_may_have_brackets_and_nothing_else_may(path):
    assert faults(path) == []
    change(path, "您查询的事项", "【您】查询的事项")
    assert [fault.key for fault in faults(path)] == ["template.news.zh"]


#: name: (what is replaced, by what, the line that is complained about holds, its key)
BROKEN = {
    "no signature in a language": ('en = "[Shili County PSB] "', "", "[signature]", "signature.en"),
    "no phrase in a language": ('en = " Your word: {phrase}."', "", "[phrase]", "phrase.en"),
    "no text in a language": ('en = "Code {code}', 'fr = "Code {code}', "[template.code]", "template.code.en"),
    "a language that is none": ('en = "Code {code}', 'fr = "Code {code}', "fr =", "template.code.fr"),
    "no version": ("version = 1\n", "", "[template.code]", "template.code.version"),
    "a version of nothing": ("version = 1", "version = 0", "version = 0", "template.code.version"),
    "a text that is not there": ("[template.number]", "[template.numbers]", "[template.numbers]", "template.numbers"),
    "who without when": ('reviewed_by = ""', 'reviewed_by = "甲"', '"甲"', "template.code.reviewed_by"),
    "when without who": (
        'reviewed_by = ""',
        'reviewed_by = ""\nreviewed_on = 2026-12-01',
        "reviewed_on = 2026",
        "template.code.reviewed_on",
    ),
    "when as a text": (
        'reviewed_by = ""',
        'reviewed_by = "甲"\nreviewed_on = "2026-12-01"',
        "reviewed_on = ",
        "template.code.reviewed_on",
    ),
    "a code of another form": (
        "[template.device]",
        '[template.news.aliyun]\nzh = "100"\n[template.device]',
        'zh = "100"',
        "template.news.aliyun.zh",
    ),
    "a text of two messages": ("您查询的事项", "您" * 40 + "的事项", "您您", "template.news.zh"),
    "a text of two messages with the phrase only": ("您查询的事项", "您" * 20 + "的事项", "您您", "template.news.zh"),
    "a text of two messages in English": ("Officers never", "O" * 120 + " never", "OOO", "template.code.en"),
    "a letter that makes another alphabet": ("Officers never", "“Officers” never", "“Off", "template.code.en"),
    "a sentence of the phrase that is too long": (" Your word:", " Your " + "w" * 60, "There is", "template.news.en"),
    "a text without a place": ("Code {code},", "Code,", "Code,", "template.code.en"),
    "a place twice": ("{minutes} minutes", "{minutes} minutes {minutes}", "minutes {minutes}", "template.code.en"),
    "an unknown place": ("{minutes} minutes", "{minutes} {hours}", "{hours}", "template.code.en"),
    "a place of another text": ("您查询的事项", "您查询的事项{code}", "事项{code}", "template.news.zh"),
    "a phrase in the sentence itself": ("您查询的事项", "您{phrase}的事项", "您{phrase}", "template.news.zh"),
    "a place without a name": ("{minutes} minutes", "{minutes} {}", "{}", "template.code.en"),
    "a place with a form": ("{minutes} minutes", "{minutes:>5} minutes", "{minutes:", "template.code.en"),
    "an open bracket": ("{minutes} minutes", "{minutes minutes", "{minutes m", "template.code.en"),
    "no phrase in its sentence": ("（约定的词：{phrase}）", "（约定的词）", "（约定的词）", "phrase.zh"),
    "a place in the signature": ("【示例县公安局】", "【{bureau}】", "【{bureau}", "signature.zh"),
    "an empty text": (
        "您查询的事项有新内容，可凭回执上的编号查询。民警不会向您要验证码。",
        " ",
        'zh = " "',
        "template.news.zh",
    ),
    "a link": ("您查询的事项", "请看 caseq.example.cn 事项", "example.cn", "template.news.zh"),
    "a link without spaces": ("您查询的事项", "请看caseq.cn事项", "caseq.cn", "template.news.zh"),
    "a link that is asked for": ("您查询的事项", "请点击查询事项", "点击", "template.news.zh"),
    "a link in English": ("There is", "See http://a/ there is", "http", "template.news.en"),
    "a number": ("您查询的事项", "请打96110，您的事项", "96110", "template.news.zh"),
    "a number in full width": ("您查询的事项", "您查询的２０２６事项", "２０２６", "template.news.zh"),
    "a number in the sentence of the phrase": ("（约定的词", "（110约定的词", "（110", "phrase.zh"),
    "other brackets": ("您查询的事项", "『您』查询的事项", "『您』", "template.news.zh"),
    "brackets around the phrase": ("（约定的词：{phrase}）", "【约定的词：{phrase}】", "【约定", "phrase.zh"),
    "what cannot be seen": ("您查询的事项", "您\u200b查询的事项", "您\u200b", "template.news.zh"),
    "an unknown milestone": ('["expert_opinion"]', '["verdict"]', '"verdict"', "when.0.milestones.0"),
    "an unknown role": ('roles = ["victim", ', 'roles = ["witness", ', '"witness"', "when.0.roles.0"),
    "no milestone": ('["expert_opinion"]', "[]", "milestones = []", "when.0.milestones"),
    "a role that is no list": (GENERAL, 'milestones = ["*"]\nroles = "*"', 'roles = "*"', f"{LAST}.roles"),
    "everything beside names": ('["expert_opinion"]', '["*", "hearing"]', '"hearing"', "when.0.milestones"),
    "an unknown channel": ('channel = "sms"', 'channel = "post"', '"post"', "when.0.channel"),
    "a delay of less than nothing": ("delay_minutes = 10", "delay_minutes = -1", "= -1", "when.0.delay_minutes"),
    "a delay that is a text": ("delay_minutes = 10", 'delay_minutes = "10"', '= "10"', "when.0.delay_minutes"),
    "hours that are none": ('"21:00-08:00"', '"21:00-24:00"', "24:00", "when.0.quiet"),
    "hours without minutes": ('"21:00-08:00"', '"21-8"', '"21-8"', "when.0.quiet"),
    "hours that are a number": ('quiet = "21:00-08:00"', "quiet = 21", "quiet = 21", "when.0.quiet"),
    "hours that end when they begin": ('"21:00-08:00"', '"08:00-08:00"', "08:00-08:00", "when.0.quiet"),
    "yes for true": ("tell_first = true", 'tell_first = "yes"', '"yes"', "when.0.tell_first"),
    "a key that is missing": ("tell_first = true\n", "", "[[when]]", "when.0.tell_first"),
    "an SMS held back that never goes out": (
        'channel = "sms"',
        'channel = "none"',
        "tell_first = true",
        "when.0.tell_first",
    ),
    "a last line that does not fit everybody": (GENERAL, 'milestones = ["*"]\nroles = ["victim"]', None, LAST),
    "a last line that does not fit changes of the case": (
        GENERAL,
        'milestones = ["hearing"]\nroles = ["*"]',
        None,
        LAST,
    ),
    "a line that can never apply": (
        '["case_not_filed", "case_withdrawn"]\nroles = ["complainant", "victim", "victim_family"]',
        '["expert_opinion"]\nroles = ["victim"]',
        None,
        "when.1",
    ),
    "no table": ("[[when]]", "[[whenever]]", "[[whenever]]", "whenever"),
    "no country": ('prefixes = ["+86"]', "prefixes = []", "prefixes = []", "sending.prefixes"),
    "a code that lives too long": ("= 300", "= 36001", "36001", "sending.code_valid_seconds"),
    "receipts that do not rise": ("[10, 60, 360]", "[10, 60, 60]", "60, 60]", "sending.receipt_minutes"),
    "no receipt": ("[10, 60, 360]", "[]", "minutes = []", "sending.receipt_minutes"),
    "no news at all": ("news = 20000", "news = 0", "news = 0", "sending.most_a_day.news"),
    "a price of an unknown provider": ("twilio = 0.40", "tencent = 0.40", "tencent", "sending.price.tencent.key"),
    "a provider without a price": ("aliyun = 0.045\n", "", '["aliyun", "twilio"]', "sending.route.0.gateways"),
    "a price that is a text": ("aliyun = 0.045", 'aliyun = "0.045"', '"0.045"', "sending.price.aliyun.value"),
    "an unknown provider": ('["aliyun", "twilio"]', '["aliyun", "pigeon"]', '"pigeon"', "sending.route.0.gateways.1"),
    "a provider twice": ('["aliyun", "twilio"]', '["aliyun", "aliyun"]', '"aliyun"]', "sending.route.0.gateways"),
    "a route twice": ('prefix = "+"', 'prefix = "+86"', None, "sending.route.1.prefix"),
    "a route of no number": ('prefix = "+"', 'prefix = ""', 'prefix = ""', "sending.route.1.prefix"),
}


@pytest.mark.parametrize(("old", "new", "at", "key"), BROKEN.values(), ids=BROKEN.keys())
def test_a_wrong_file_is_refused_with_file_line_and_key(path, old, new, at, key):
    without_comments(path)
    change(path, old, new)
    found = {fault.key: fault for fault in faults(path)}
    assert key in found
    assert found[key].file == str(path)
    assert found[key].reason
    if at is not None:
        assert found[key].line == line_of(path, at)


def test_the_fault_of_the_table_is_told_at_its_line(path):
    change(path, GENERAL, 'milestones = ["*"]\nroles = ["victim"]')
    lines = path.read_text(encoding="utf-8").splitlines()
    third = [number for number, line in enumerate(lines, start=1) if line == "[[when]]"][2]
    assert [(fault.key, fault.line) for fault in faults(path)] == [(LAST, third)]


def test_every_fault_is_named_at_once(path):
    change(path, "Code {code},", "Code,")
    change(path, "您查询的事项", "请点击查询事项")
    change(path, GENERAL, 'milestones = ["*"]\nroles = ["victim"]')
    change(path, "[10, 60, 360]", "[60, 10]")
    assert sorted(fault.key for fault in faults(path)) == [
        "sending.receipt_minutes",
        "template.code.en",
        "template.news.zh",
        LAST,
    ]


def test_a_country_without_a_route_is_refused(path):
    change(path, 'prefix = "+"', 'prefix = "+7"')
    assert faults(path) == []
    change(path, 'prefixes = ["+86"]', 'prefixes = ["+86", "+1"]')
    (fault,) = faults(path)
    assert (fault.key, fault.line) == ("sending.prefixes.1", line_of(path, "prefixes = "))

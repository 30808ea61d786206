"""A wrong configuration stops the start, and says where it stands: file, line and key, never a secret."""

import shutil
from datetime import timedelta

import pytest
from click.testing import CliRunner

from caseq.cli import main
from caseq.errors import ConfigurationError
from caseq.rules.silence import Bounds
from caseq.settings import load
from tests.service import KEYS, ROOT, environment

GOOD_KEY = KEYS["criminal"]
POLICY = "disclosure/yongning-2017.toml"
RIGHTS = "rights/criminal-victim.toml"
LEAST, TIMES = "criminal.silent_least_minutes", "criminal.silent_times_usual"


@pytest.fixture
def config(tmp_path):
    """A copy of the shipped config/, to be broken."""
    return shutil.copytree(ROOT / "config", tmp_path / "config")


@pytest.fixture
def environ(config, tmp_path):
    return environment(f"sqlite:///{tmp_path / 'unused.db'}", tmp_path, CASEQ_CONFIG_DIR=str(config))


def faults(environ):
    """What the load complains about; nothing if it goes through."""
    try:
        load(environ)
    except ConfigurationError as error:
        return list(error.faults)
    return []


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(path, text):
    """The number of the first line with this text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_the_shipped_configuration_is_right(environ):
    assert faults(environ) == []


def test_the_configuration_is_found_without_being_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load(environment("sqlite:///unused.db", tmp_path)).policy.name == "yongning-2017"


#: name: (file, what is replaced, by what, the line that is complained about holds, its key)
BROKEN = {
    "a line that is no TOML": ("caseq.toml", "[login]", "[login", "[login", "syntax"),
    "a key without a value": (
        "sources.toml",
        "silent_after_minutes = 1440",
        "silent_after_minutes =",
        "silent_after_minutes =",
        "syntax",
    ),
    "a key twice": ("caseq.toml", "tries = 5", "tries = 5\ntries = 6", "tries = 6", "syntax"),
    "an unknown key": ("caseq.toml", "tries = 5", "tries = 5\ncode_hours = 1", "code_hours", "login.code_hours"),
    "an unknown table": ("caseq.toml", "[worker]", "[colours]\nred = 1\n[worker]", "[colours]", "colours"),
    "a missing key": ("caseq.toml", "sessions_at_once = 3", "", "[login]", "login.sessions_at_once"),
    "a missing table": ("caseq.toml", "[limits]", "[login.limits]", None, "limits"),
    "a text for a number": ("caseq.toml", "tries = 5", 'tries = "5"', 'tries = "5"', "login.tries"),
    "a fraction of a try": ("caseq.toml", "tries = 5", "tries = 5.5", "tries = 5.5", "login.tries"),
    "no tries at all": ("caseq.toml", "tries = 5", "tries = 0", "tries = 0", "login.tries"),
    "true for a number": ("caseq.toml", "code_minutes = 10", "code_minutes = true", "true", "login.code_minutes"),
    "a text for seconds": ("caseq.toml", "poll_seconds = 0.5", 'poll_seconds = "0.5"', '"0.5"', "worker.poll_seconds"),
    "nan seconds": ("caseq.toml", "poll_seconds = 0.5", "poll_seconds = nan", "nan", "worker.poll_seconds"),
    "a lease in which no call could be begun": (
        "caseq.toml",
        "lease_seconds = 45",
        "lease_seconds = 29",
        "lease_seconds = 29",
        "worker.lease_seconds",
    ),
    "asking before the lease ends": (
        "caseq.toml",
        "ask_after_seconds = 60",
        "ask_after_seconds = 44",
        "ask_after_seconds = 44",
        "worker.ask_after_seconds",
    ),
    "an unknown cipher": ("caseq.toml", 'cipher = "aes-256-gcm"', 'cipher = "rot13"', '"rot13"', "data.cipher"),
    "no limit": ("caseq.toml", '"120 per 10 minutes"', '"often"', '"often"', "limits.enter_code"),
    "one language only": ("caseq.toml", ', en = "24 hours"', "", "help_hours", "bureau.help_hours.en"),
    "a way out over http": ("caseq.toml", "https://www.weather", "http://www.weather", "leave_to", "bureau.leave_to"),
    "a policy outside its folder": ("caseq.toml", '"yongning-2017"', '"../x"', '"../x"', "disclosure.policy"),
    "half a shadow": ("sources.toml", "shadow = false", 'shadow = "no"', 'shadow = "no"', "criminal.shadow"),
    "silence at once": ("sources.toml", "silent_least_minutes = 15", "silent_least_minutes = 0", "= 0", LEAST),
    "less than the usual silence": ("sources.toml", "usual = 1.5", "usual = 0.5", "usual = 0.5", TIMES),
    "an unknown kind of a source": ("sources.toml", '["trade"]', '["traffic"]', "traffic", "trade.kinds.0"),
    "a source without a kind": ("sources.toml", '["trade"]', "[]", "kinds = []", "trade.kinds"),
    "a source that is a number": ("sources.toml", "[criminal]", "police = 1\n[criminal]", "police", "police"),
    "an unknown role": (POLICY, '"complainant", "victim"', '"witness", "victim"', '"witness"', "rule.0.roles.0"),
    "an unknown kind": (POLICY, 'kind = "criminal"', 'kind = "civil"', 'kind = "civil"', "rule.0.kind"),
    "an unknown item": (POLICY, 'item = "case_solved"', 'item = "verdict"', '"verdict"', "rule.3.item"),
    "an unknown field": (POLICY, '"name", "address"', '"name", "officer"', '"officer"', "rule.0.fields"),
    "a field of another item": (POLICY, '["occurred_on"]', '["measure"]', '["measure"]', "rule.3.fields"),
    "fields of the rights": (POLICY, "fields = []", 'fields = ["title"]', '"title"', "rule.1.fields"),
    "an unknown scope": (POLICY, 'scope = "case"', 'scope = "all"', 'scope = "all"', "rule.0.scope"),
    "an empty clause": (POLICY, 'clause = "四(二)1(1)"', 'clause = ""', 'clause = ""', "rule.0.clause"),
    "a rule without a clause": (POLICY, 'clause = "四(二)1(1)"\n', "", "[[rule]]", "rule.0.clause"),
    "a rule for nobody": (POLICY, '["complainant", "victim", "victim_family"]', "[]", "roles = []", "rule.0.roles"),
    "1 for true": (POLICY, "online = true", "online = 1", "online = 1", "rule.0.online"),
    "yes for true": (POLICY, "online = true", 'online = "yes"', 'online = "yes"', "rule.0.online"),
    "an unknown key of a rule": (POLICY, "online = true", "online = true\nuntil = 1", "until", "rule.0.until"),
    "a policy of another name": (POLICY, '"yongning-2017"', '"yongning-2018"', "2018", "name"),
    "the same cell twice": (POLICY, 'item = "rights"', 'item = "unit"', None, "rule.1.item"),
    "a country that is none": ("messages.toml", '"+86"]', '"86"]', '"86"', "sending.prefixes.0"),
    "rights of an unknown role": (RIGHTS, '"complainant", ', '"witness", ', '"witness"', "roles.0"),
    "a right without words": (RIGHTS, "[[right]]", '[[right]]\ncolour = "red"', "colour", "right.0.colour"),
    "rights without a version": (RIGHTS, 'version = "2026-11"', 'version = ""', 'version = ""', "version"),
}


@pytest.mark.parametrize(("file", "old", "new", "at", "key"), BROKEN.values(), ids=BROKEN.keys())
def test_a_wrong_file_is_refused_with_file_line_and_key(config, environ, file, old, new, at, key):
    path = config / file
    change(path, old, new)
    found = {fault.key: fault for fault in faults(environ)}
    assert key in found
    assert found[key].file == str(path)
    assert found[key].reason
    if at is not None:
        assert found[key].line == line_of(path, at)


def test_a_cell_that_is_there_twice_is_refused_with_the_line_of_the_second(config, environ):
    path = config / POLICY
    change(path, 'item = "rights"', 'item = "unit"')
    found = [fault for fault in faults(environ) if fault.key == "rule.1.item"]
    second = [number for number, line in enumerate(path.read_text().splitlines(), start=1) if line == 'item = "unit"'][
        1
    ]
    assert {fault.line for fault in found} == {second}
    assert {fault.reason.split()[0] for fault in found} == {"complainant", "victim", "victim_family"}


def test_a_source_without_the_finer_settings_has_the_shipped_ones(config, environ):
    path = config / "sources.toml"
    path.write_text('[criminal]\nkinds = ["criminal"]\nsilent_after_minutes = 60\n', encoding="utf-8")
    environ = {name: value for name, value in environ.items() if not name.startswith("CASEQ_PUSH_KEY")}
    source = load(environ).sources["criminal"]
    assert source.silence == Bounds(timedelta(minutes=60), timedelta(minutes=15), 1.5)
    assert source.shadow is False


def test_the_shipped_configuration_has_nothing_in_shadow(environ):
    settings = load(environ)
    assert settings.policy.shadow == frozenset()
    assert {source.silence.times_usual for source in settings.sources.values()} == {1.5}


def test_the_policy_knows_which_sources_are_in_shadow(config, environ):
    change(config / "sources.toml", "shadow = false", "shadow = true")
    assert load(environ).policy.shadow == {"criminal"}


def test_a_file_that_ends_in_the_middle_is_refused_with_its_last_line(config, environ):
    path = config / "messages.toml"
    path.write_text("[news]\nwithin_days = [\n", encoding="utf-8")
    assert [(fault.file, fault.line, fault.key) for fault in faults(environ)] == [(str(path), 2, "syntax")]


@pytest.mark.parametrize("file", ["caseq.toml", "sources.toml", "messages.toml", POLICY])
def test_a_missing_file_is_refused(config, environ, file):
    (config / file).unlink()
    assert [(fault.file, fault.key) for fault in faults(environ)] == [(str(config / file), "file")]


@pytest.mark.parametrize("file", ["caseq.toml", RIGHTS])
def test_a_file_that_is_not_utf_8_is_refused(config, environ, file):
    (config / file).write_bytes("name = '公安'".encode("gb18030"))
    assert [(fault.file, fault.key) for fault in faults(environ)] == [(str(config / file), "file")]


def test_a_configuration_without_any_source_is_refused(config, environ):
    (config / "sources.toml").write_text("# none\n")
    environ = {name: value for name, value in environ.items() if not name.startswith("CASEQ_PUSH_KEY")}
    assert [fault.file for fault in faults(environ)] == [str(config / "sources.toml")]


def test_rights_of_one_role_in_two_files_are_refused(config, environ):
    shutil.copy(config / RIGHTS, config / "rights" / "other.toml")
    doubled = {fault.file for fault in faults(environ)}
    assert doubled == {str(config / "rights" / "other.toml")}


#: name: (variables, the one that is complained about)
WRONG_ENVIRONMENT = {
    "no secret": ({"CASEQ_SECRET_KEY": ""}, "CASEQ_SECRET_KEY"),
    "commas for a secret": ({"CASEQ_SECRET_KEY": " , ,"}, "CASEQ_SECRET_KEY"),
    "a short secret": ({"CASEQ_SECRET_KEY": "hunter2"}, "CASEQ_SECRET_KEY"),
    "a short older secret": ({"CASEQ_SECRET_KEY": "x" * 32 + ",hunter2"}, "CASEQ_SECRET_KEY"),
    "a push key without its prefix": ({"CASEQ_PUSH_KEY_TRADE": "hunter2"}, "CASEQ_PUSH_KEY_TRADE"),
    "a push key that is no base64": ({"CASEQ_PUSH_KEY_TRADE": "whsec_hunter2!"}, "CASEQ_PUSH_KEY_TRADE"),
    "a short push key": ({"CASEQ_PUSH_KEY_TRADE": "whsec_aHVudGVyMg=="}, "CASEQ_PUSH_KEY_TRADE"),
    "a bad second push key": ({"CASEQ_PUSH_KEY_TRADE": f"{GOOD_KEY},whsec_hunter2"}, "CASEQ_PUSH_KEY_TRADE"),
    "a key of an unknown source": ({"CASEQ_PUSH_KEY_TRAFFIC": GOOD_KEY}, "CASEQ_PUSH_KEY_TRAFFIC"),
    "another database": ({"CASEQ_DATABASE_URL": "mysql://root:hunter2@db/caseq"}, "CASEQ_DATABASE_URL"),
    "a database that is a word": ({"CASEQ_DATABASE_URL": "hunter2"}, "CASEQ_DATABASE_URL"),
    "a database in memory": ({"CASEQ_DATABASE_URL": "sqlite://"}, "CASEQ_DATABASE_URL"),
    "a database at no port": ({"CASEQ_DATABASE_URL": "postgresql://u:hunter2@db:x/caseq"}, "CASEQ_DATABASE_URL"),
    "another cache": ({"CASEQ_REDIS_URL": "memcached://u:hunter2@h"}, "CASEQ_REDIS_URL"),
    "a cache at no port": ({"CASEQ_REDIS_URL": "redis://:hunter2@h:x/0"}, "CASEQ_REDIS_URL"),
    "an address without a scheme": ({"CASEQ_PUBLIC_URL": "hunter2.example.org"}, "CASEQ_PUBLIC_URL"),
    "an address of files": ({"CASEQ_PUBLIC_URL": "file:///hunter2"}, "CASEQ_PUBLIC_URL"),
    "an address in an open bracket": ({"CASEQ_PUBLIC_URL": "https://[hunter2"}, "CASEQ_PUBLIC_URL"),
    "proxies in words": ({"CASEQ_TRUSTED_PROXIES": "hunter2"}, "CASEQ_TRUSTED_PROXIES"),
    "fewer than no proxies": ({"CASEQ_TRUSTED_PROXIES": "-1"}, "CASEQ_TRUSTED_PROXIES"),
    "digits that are not ours": ({"CASEQ_TRUSTED_PROXIES": "²"}, "CASEQ_TRUSTED_PROXIES"),
    "both gateways": (
        {"CASEQ_TWILIO_ACCOUNT_SID": "AC1", "CASEQ_TWILIO_AUTH_TOKEN": "hunter2", "CASEQ_TWILIO_FROM": "+1"},
        "CASEQ_SMS_FILE",
    ),
    "a provider without a token": (
        {"CASEQ_SMS_FILE": "", "CASEQ_TWILIO_ACCOUNT_SID": "hunter2", "CASEQ_TWILIO_FROM": "+1"},
        "CASEQ_TWILIO_AUTH_TOKEN",
    ),
    "a provider without a sender": (
        {"CASEQ_SMS_FILE": "", "CASEQ_TWILIO_ACCOUNT_SID": "AC1", "CASEQ_TWILIO_AUTH_TOKEN": "hunter2"},
        "CASEQ_TWILIO_FROM",
    ),
    "a provider with two senders": (
        {
            "CASEQ_SMS_FILE": "",
            "CASEQ_TWILIO_ACCOUNT_SID": "AC1",
            "CASEQ_TWILIO_AUTH_TOKEN": "hunter2",
            "CASEQ_TWILIO_FROM": "+1",
            "CASEQ_TWILIO_MESSAGING_SERVICE_SID": "MG1",
        },
        "CASEQ_TWILIO_FROM",
    ),
}


@pytest.mark.parametrize(("variables", "key"), WRONG_ENVIRONMENT.values(), ids=WRONG_ENVIRONMENT.keys())
def test_a_wrong_variable_is_refused_by_its_name_and_without_its_value(environ, variables, key):
    found = faults({**environ, **variables})
    assert [(fault.file, fault.line, fault.key) for fault in found] == [("environment", None, key)]
    assert "hunter2" not in str(found)


def test_a_missing_secret_is_refused(environ):
    del environ["CASEQ_SECRET_KEY"]
    assert [fault.key for fault in faults(environ)] == ["CASEQ_SECRET_KEY"]


def test_every_fault_is_named_at_once(config, environ):
    change(config / "caseq.toml", "tries = 5", 'tries = "5"')
    change(config / "caseq.toml", "sessions_at_once = 3", "sessions_at_once = 0")
    change(config / "sources.toml", '["trade"]', '["traffic"]')
    change(config / "messages.toml", "Code {code},", "Code,")
    change(config / RIGHTS, '"complainant", ', '"witness", ')
    environ |= {"CASEQ_SECRET_KEY": "hunter2", "CASEQ_PUSH_KEY_CRIMINAL": "a,b", "CASEQ_TRUSTED_PROXIES": "x"}
    assert sorted(fault.key for fault in faults(environ)) == [
        "CASEQ_PUSH_KEY_CRIMINAL",
        "CASEQ_PUSH_KEY_CRIMINAL",
        "CASEQ_SECRET_KEY",
        "CASEQ_TRUSTED_PROXIES",
        "login.sessions_at_once",
        "login.tries",
        "roles.0",
        "template.code.en",
        "trade.kinds.0",
    ]


def test_every_fault_of_a_policy_is_named_at_once(config, environ):
    change(config / POLICY, 'scope = "case"', 'scope = "all"')
    change(config / POLICY, 'item = "case_solved"', 'item = "verdict"')
    assert sorted(fault.key for fault in faults(environ)) == ["rule.0.scope", "rule.3.item"]


@pytest.mark.parametrize(("written", "said"), [("false", "none"), ("true", "criminal")])
def test_the_check_names_the_sources_in_shadow(config, environ, written, said):
    change(config / "sources.toml", "shadow = false", f"shadow = {written}")
    answer = CliRunner().invoke(main, ["check"], env=environ)
    assert f"sources in shadow: {said}\n" in answer.stdout


def test_the_command_line_prints_every_fault_and_no_secret(config, environ):
    change(config / "caseq.toml", "tries = 5", 'tries = "5"')
    environ |= {"CASEQ_SECRET_KEY": "hunter2", "CASEQ_DATABASE_URL": "mysql://root:hunter2@db/caseq"}
    answer = CliRunner().invoke(main, ["check"], env=environ)
    assert answer.exit_code == 1
    assert f"{config / 'caseq.toml'}:{line_of(config / 'caseq.toml', 'tries =')}: login.tries: " in answer.stderr
    assert "environment: CASEQ_SECRET_KEY: " in answer.stderr
    assert "environment: CASEQ_DATABASE_URL: " in answer.stderr
    assert "hunter2" not in answer.output
    assert "Traceback" not in answer.output


def test_settings_do_not_show_secrets_when_they_are_printed(environ):
    settings = load({**environ, "CASEQ_REDIS_URL": "redis://:hunter2@127.0.0.1/0"})
    shown = repr(settings)
    assert "test-secret" not in shown
    assert "MTIzNDU2Nzg5" not in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_usual_names_of_postgresql_are_taken(environ, scheme):
    settings = load({**environ, "CASEQ_DATABASE_URL": f"{scheme}://u:p@h:5432/caseq"})
    assert settings.database_url == "postgresql+psycopg://u:p@h:5432/caseq"


def test_several_secrets_and_push_keys_are_kept_newest_first(environ):
    other = "whsec_" + "QUJD" * 10
    environ |= {"CASEQ_SECRET_KEY": f"{'n' * 32} , {'o' * 32}", "CASEQ_PUSH_KEY_TRADE": f"{other}, {GOOD_KEY}"}
    settings = load(environ)
    assert settings.secret_keys == ("n" * 32, "o" * 32)
    assert settings.sources["trade"].keys == (other, GOOD_KEY)


def test_a_source_without_a_key_is_not_connected_and_no_fault(environ):
    del environ["CASEQ_PUSH_KEY_TRADE"]
    assert load(environ).sources["trade"].keys == ()


@pytest.mark.parametrize(
    ("url", "secure"), [("http://127.0.0.1", False), ("https://cases.example.org", True), ("", True)]
)
def test_cookies_are_secure_unless_the_service_is_on_plain_http(environ, url, secure):
    assert load({**environ, "CASEQ_PUBLIC_URL": url}).secure_cookies is secure


def test_a_role_whose_rights_the_policy_opens_but_no_file_has_stops_the_start(config, environ):
    shutil.rmtree(config / "rights")
    assert {fault.key for fault in faults(environ)} >= {"criminal.victim", "administrative.suspect"}

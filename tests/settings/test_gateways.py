"""The accounts of the gateways in the environment: both providers may be set, a file excludes them."""

import pytest

from caseq.errors import ConfigurationError
from caseq.settings import Aliyun, load
from tests.service import environment

ALIYUN = {"CASEQ_ALIYUN_ACCESS_KEY_ID": "LTAI1", "CASEQ_ALIYUN_ACCESS_KEY_SECRET": "hunter2"}
TWILIO = {"CASEQ_TWILIO_ACCOUNT_SID": "AC1", "CASEQ_TWILIO_AUTH_TOKEN": "t", "CASEQ_TWILIO_FROM": "+1"}
FILE = {"CASEQ_SMS_FILE": "sms.jsonl"}
SECRET = "s-_" * 11


@pytest.fixture
def environ(tmp_path):
    """The environment of a service without any gateway."""
    return environment(f"sqlite:///{tmp_path / 'unused.db'}", tmp_path, CASEQ_SMS_FILE="")


def test_aliyun_is_not_set_unless_it_is_named(environ):
    assert load(environ).aliyun is None


def test_aliyun_and_twilio_may_be_set_at_once(environ):
    settings = load({**environ, **ALIYUN, **TWILIO})
    assert settings.aliyun == Aliyun("LTAI1", "hunter2")
    assert settings.twilio is not None


def test_aliyun_may_stand_elsewhere_and_may_know_where_to_push_receipts(environ):
    more = {"CASEQ_ALIYUN_API_BASE": "http://127.0.0.1:9/", "CASEQ_ALIYUN_RECEIPT_SECRET": SECRET}
    assert load({**environ, **ALIYUN, **more}).aliyun == Aliyun("LTAI1", "hunter2", SECRET, "http://127.0.0.1:9")


def test_the_secrets_are_not_shown(environ):
    shown = repr(load({**environ, **ALIYUN, "CASEQ_ALIYUN_RECEIPT_SECRET": SECRET}))
    assert "LTAI1" in shown
    assert "hunter2" not in shown
    assert SECRET not in shown


WRONG = {
    "Aliyun and a file": ({**ALIYUN, **FILE}, ["CASEQ_SMS_FILE"]),
    "both providers and a file": ({**ALIYUN, **TWILIO, **FILE}, ["CASEQ_SMS_FILE"] * 2),
    "an id without its secret": ({"CASEQ_ALIYUN_ACCESS_KEY_ID": "hunter2"}, ["CASEQ_ALIYUN_ACCESS_KEY_SECRET"]),
    "a secret without its id": ({"CASEQ_ALIYUN_ACCESS_KEY_SECRET": "hunter2"}, ["CASEQ_ALIYUN_ACCESS_KEY_ID"]),
    "an address for receipts of nobody": (
        {"CASEQ_ALIYUN_RECEIPT_SECRET": SECRET},
        ["CASEQ_ALIYUN_ACCESS_KEY_ID", "CASEQ_ALIYUN_ACCESS_KEY_SECRET"],
    ),
    "an address for receipts that can be guessed": (
        {**ALIYUN, "CASEQ_ALIYUN_RECEIPT_SECRET": "hunter2-" + "x" * 23},
        ["CASEQ_ALIYUN_RECEIPT_SECRET"],
    ),
    "an address for receipts with a folder": (
        {**ALIYUN, "CASEQ_ALIYUN_RECEIPT_SECRET": "hunter2/" + "x" * 32},
        ["CASEQ_ALIYUN_RECEIPT_SECRET"],
    ),
    "Aliyun at no address": ({**ALIYUN, "CASEQ_ALIYUN_API_BASE": "hunter2.example.org"}, ["CASEQ_ALIYUN_API_BASE"]),
    "Aliyun at no port": ({**ALIYUN, "CASEQ_ALIYUN_API_BASE": "http://hunter2:x"}, ["CASEQ_ALIYUN_API_BASE"]),
}


@pytest.mark.parametrize(("variables", "keys"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_variable_is_refused_by_its_name_and_without_its_value(environ, variables, keys):
    with pytest.raises(ConfigurationError) as error:
        load({**environ, **variables})
    assert [(fault.file, fault.key) for fault in error.value.faults] == [("environment", key) for key in keys]
    assert "hunter2" not in str(error.value)

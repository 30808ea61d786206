"""Regional systems in config/: faults with file and line, and keys that come and go while the service runs."""

import json
import os
import re

import pytest
from click.testing import CliRunner

from caseq.cli import main
from caseq.errors import ConfigurationError
from caseq.rules.linkkeys import EVERY_ALGORITHM
from caseq.settings import load
from caseq.settings.jwksfile import LOOK_SECONDS, JwksFile
from tests.links import AUDIENCE, BACK, EC_JWK, ED_JWK, ISSUER, REGION, TOML, config_with_region, write_jwks
from tests.service import ROOT, environment
from tests.settings.test_settings import change, faults, line_of


@pytest.fixture
def config(tmp_path):
    return config_with_region(tmp_path)


@pytest.fixture
def environ(config, tmp_path):
    return environment(f"sqlite:///{tmp_path / 'unused.db'}", tmp_path, CASEQ_CONFIG_DIR=str(config))


def test_no_region_is_active_as_shipped(tmp_path):
    assert load(environment("sqlite:///unused.db", tmp_path)).regions == {}


def test_without_the_file_there_is_no_region(config, environ):
    (config / "regions.toml").unlink()
    assert load(environ).regions == {}


def test_the_commented_example_is_right(config, environ):
    text = (ROOT / "config" / "regions.toml").read_text(encoding="utf-8")
    example = "\n".join(line.removeprefix("# ") for line in text.split("#\n", 1)[1].splitlines())
    (config / "regions.toml").write_text(example, encoding="utf-8")
    (config / "regions" / "yinchuan.jwks.json").write_text(json.dumps({"keys": [ED_JWK, EC_JWK]}))
    assert list(load(environ).regions) == ["yinchuan"]


def test_a_region_is_what_its_table_says(environ, config):
    region = load(environ).regions[REGION]
    assert (region.issuer, region.audience, region.return_urls) == (ISSUER, AUDIENCE, (BACK,))
    assert region.jwks == config / "regions" / "east.jwks.json"


SECOND = f"[west]{TOML.split(']', 1)[1]}".replace("east.jwks", "west.jwks")
#: name: (what is replaced, by what, the line that is complained about holds, its key)
BROKEN = {
    "no issuer": (f'issuer = "{ISSUER}"\n', "", "[east]", "east.issuer"),
    "an empty audience": (f'"{AUDIENCE}"', '""', 'audience = ""', "east.audience"),
    "an unknown key": ("keys =", 'jku = "https://x"\nkeys =', "jku", "east.jku"),
    "one language only": (', en = "Eastern query system"', "", "title", "east.title.en"),
    "an algorithm that is none": ('"EdDSA", ', '"none", ', "algorithms", "east.algorithms.0"),
    "an algorithm with a shared secret": ('"EdDSA", ', '"HS256", ', "algorithms", "east.algorithms.0"),
    "no algorithm": ('["EdDSA", "Ed25519", "ES256"]', "[]", "algorithms", "east.algorithms"),
    "a way back over http": ('["https://query', '["http://query', "return_urls", "east.return_urls"),
    "a way back to many": ('["https://query', '["https://*', "return_urls", "east.return_urls"),
    "keys outside of config": ("regions/east.jwks.json", "../east.jwks.json", "keys", "east.keys"),
    "keys anywhere": ("regions/east.jwks.json", "/etc/passwd", "keys", "east.keys"),
    "a name for no address": ("[east]", "[East_1]", "[East_1]", "East_1"),
    "a region that is a number": ("[east]", "north = 1\n[east]", "north", "north"),
}


@pytest.mark.parametrize(("old", "new", "at", "key"), BROKEN.values(), ids=BROKEN.keys())
def test_a_wrong_region_is_refused_with_file_line_and_key(config, environ, old, new, at, key):
    path = config / "regions.toml"
    change(path, old, new)
    found = {fault.key: fault for fault in faults(environ)}
    assert list(found) == [key]
    assert (found[key].file, found[key].line) == (str(path), line_of(path, at))


def test_two_regions_must_not_be_one_issuer(config, environ):
    path = config / "regions.toml"
    path.write_text(TOML + SECOND, encoding="utf-8")
    (config / "regions" / "west.jwks.json").write_text('{"keys": []}')
    (fault,) = faults(environ)
    assert (fault.key, fault.line) == ("west.issuer", 10)


def test_a_wrong_key_is_refused_with_file_and_line_and_its_secret_is_not_told(config, environ):
    secret = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
    path = write_jwks(config, EC_JWK, {**ED_JWK, "d": secret})
    result = CliRunner(env=environ).invoke(main, ["check"])
    assert result.exit_code == 1
    assert f"{path}:{line_of(path, 'east-1')}: keys.1: is a private or secret key" in result.output
    assert secret not in result.output


KEY_FILES = {
    "no file": (None, "file"),
    "no JSON": ('{\n"keys": [}\n', "syntax"),
    "keys twice": ('{"keys": [], "keys": []}', "syntax"),
    "a list": ("[]", "keys"),
    "no keys": ("{}", "keys"),
    "a key that is a text": ('{"keys": ["x"]}', "keys.0"),
    "a key without a name": (json.dumps({"keys": [{**ED_JWK, "kid": ""}]}), "keys.0"),
    "a key with a list for a name": (json.dumps({"keys": [{**ED_JWK, "kid": ["x"]}]}), "keys.0"),
    "two keys of one name": (json.dumps({"keys": [ED_JWK, {**EC_JWK, "kid": "east-1"}]}), "keys.1"),
    "a key of no use": (json.dumps({"keys": [{**ED_JWK, "use": "enc"}]}), "keys.0"),
}


@pytest.mark.parametrize(("text", "key"), KEY_FILES.values(), ids=KEY_FILES.keys())
def test_a_wrong_key_file_is_refused(config, environ, text, key):
    path = config / "regions" / "east.jwks.json"
    path.unlink() if text is None else path.write_text(text)
    (fault,) = faults(environ)
    assert (fault.file, fault.key) == (str(path), key)
    if key == "syntax" and "\n" in str(text):
        assert fault.line == 2


def test_a_region_may_have_no_key_for_the_moment(config, environ):
    write_jwks(config)
    (config / "regions" / "east.jwks.json").write_text('{"keys": []}')
    assert faults(environ) == []
    assert "regional systems: east (0 keys)" in CliRunner(env=environ).invoke(main, ["check"]).output


# Keys while the service runs


class Watch:
    """A key file, and the seconds that have gone by."""

    def __init__(self, config):
        self.config, self.seconds = config, 1000.0
        self.file = JwksFile(config / "regions" / "east.jwks.json", EVERY_ALGORITHM, lambda: self.seconds)

    def names(self):
        return set(self.file.keys())

    def later(self, seconds=LOOK_SECONDS):
        self.seconds += seconds
        return self


@pytest.fixture
def watch(config):
    watch = Watch(config)
    assert watch.names() == {"east-1", "east-2"}
    return watch


def test_a_withdrawn_key_is_dead_within_seconds(watch, config):
    assert LOOK_SECONDS <= 60
    write_jwks(config, EC_JWK)
    assert watch.later().names() == {"east-2"}


def test_a_key_file_of_the_same_age_and_size_is_noticed_too(watch, config):
    path = config / "regions" / "east.jwks.json"
    before = path.stat()
    path.write_text(path.read_text().replace("east-1", "east-9"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert watch.later().names() == {"east-9", "east-2"}


def test_a_new_key_is_known_within_seconds(watch, config):
    write_jwks(config, ED_JWK, EC_JWK, {**ED_JWK, "kid": "east-3"})
    assert "east-3" in watch.later().names()


def test_the_file_is_not_read_at_every_request(watch, config):
    write_jwks(config, EC_JWK)
    assert "east-1" in watch.later(LOOK_SECONDS - 0.1).names()


@pytest.mark.parametrize("text", ["{", '{"keys": [{}]}', None], ids=["cut", "wrong key", "gone"])
def test_while_the_file_is_broken_no_key_is_valid(watch, config, text):
    path = config / "regions" / "east.jwks.json"
    path.unlink() if text is None else path.write_text(text)
    for _ in range(3):
        with pytest.raises(ConfigurationError, match=re.escape(str(path))):
            watch.later().names()
    with pytest.raises(ConfigurationError):
        watch.names()
    write_jwks(config, ED_JWK)
    assert watch.later().names() == {"east-1"}


def test_a_clock_that_goes_back_makes_it_look_again(watch, config):
    write_jwks(config, EC_JWK)
    assert watch.later(-500).names() == {"east-2"}

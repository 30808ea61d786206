"""`caseq link` makes a link that the service takes."""

from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from caseq import linkout
from caseq.cli import main
from tests.links import BACK, EC_JWK, REGION, config_with_region, ec_key, ed_key, pem, write_jwks
from tests.service import CASE, environment
from tests.service import service as build_service


@pytest.fixture
def engine():
    return "sqlite"


@pytest.fixture
def config(tmp_path):
    return config_with_region(tmp_path)


@pytest.fixture
def link(tmp_path, database_url, config):
    """Runs the command with a private key in a file."""

    def run(key, *more, region=REGION):
        file = tmp_path / "key.pem"
        file.write_bytes(pem(key) if not isinstance(key, bytes) else key)
        environ = environment(database_url, tmp_path, CASEQ_CONFIG_DIR=str(config))
        arguments = ["link", "--region", region, "--case", CASE, "--key", str(file), *more]
        return CliRunner(env=environ).invoke(main, arguments)

    return run


@pytest.mark.parametrize("key", [ed_key(), ec_key()], ids=["Ed25519", "P-256"])
def test_the_link_is_taken_once(link, key, real_time, tmp_path):
    result = link(key, "--return-url", BACK)
    assert result.exit_code == 0, result.output
    url = urlsplit(result.stdout.strip())
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"http://127.0.0.1/from/{REGION}"
    (text,) = parse_qs(url.query)["token"]
    arrival = linkout.arrive(real_time.runtime, REGION, text)
    assert arrival is not None
    assert (arrival.case_number, arrival.return_url) == (CASE, BACK)
    assert linkout.arrive(real_time.runtime, REGION, text) is None


@pytest.fixture
def real_time(database_url, tmp_path, config):
    """A service with the time of day, as the command has it."""
    from datetime import UTC, datetime

    from tests.service import Clock

    built = build_service(database_url, tmp_path, Clock(datetime.now(UTC)), CASEQ_CONFIG_DIR=str(config))
    yield built
    built.runtime.database.close()


def test_what_cannot_make_a_link_is_told(link, config):
    assert "has no west; it has: east" in link(ed_key(), region="west").output
    assert "must be an Ed25519 or P-256 private key" in link(b"hello").output
    write_jwks(config, EC_JWK)
    result = link(ed_key())
    assert result.exit_code == 1
    assert "the public half of this key is not in it" in result.output

"""A message is tried again only if surely nothing of it was sent; what looks like it but is not, is unknown."""

import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3.exceptions import MaxRetryError, ReadTimeoutError, SSLError

from caseq.errors import OutcomeUnknown, TryLater
from caseq.sms import network
from tests.sms.rigs import dead_address


def certificate(folder: Path) -> Path:
    """A file with a certificate that nobody vouches for, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dysmsapi.aliyuncs.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "certificate.pem"
    path.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(pem))
    return path


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """An address that says it is the provider's, and the requests that it got."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            paths.append(self.path)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}", paths
        server.shutdown()


def failure(address: str) -> requests.RequestException:
    with pytest.raises(requests.RequestException) as error:
        requests.post(f"{address}/?PhoneNumbers=1", timeout=5)
    return error.value


def test_an_impostor_gets_nothing_and_the_message_is_sent_later(impostor: tuple[str, list[str]]) -> None:
    address, paths = impostor
    meaning = network.meaning(failure(address))
    assert (type(meaning), meaning.code) == (TryLater, "certificate refused")
    assert paths == []


@pytest.mark.parametrize("address", [dead_address(), "http://nobody.invalid"], ids=["dead", "unknown"])
def test_without_a_connection_nothing_was_sent(address: str) -> None:
    assert type(network.meaning(failure(address))) is TryLater


@pytest.mark.parametrize(
    "error",
    [
        requests.ReadTimeout(),
        requests.ConnectionError(ConnectionResetError()),
        requests.ConnectionError(ReadTimeoutError(None, "/", "late")),  # type: ignore[arg-type]
        requests.ConnectionError(MaxRetryError(None, "/", ConnectionResetError())),  # type: ignore[arg-type]
        requests.exceptions.SSLError(MaxRetryError(None, "/", SSLError(ssl.SSLError("bad record")))),  # type: ignore[arg-type]
        requests.exceptions.ChunkedEncodingError(),
        requests.TooManyRedirects(),
    ],
    ids=repr,
)
def test_whatever_else_happens_the_outcome_is_unknown(error: requests.RequestException) -> None:
    assert type(network.meaning(error)) is OutcomeUnknown


def test_a_connection_that_takes_too_long_was_never_made() -> None:
    assert type(network.meaning(requests.ConnectTimeout())) is TryLater

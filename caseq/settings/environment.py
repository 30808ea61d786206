"""The environment variables: secrets and addresses. A fault names the variable, never its value."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from caseq.errors import ConfigurationError, Fault
from caseq.rules import signing
from caseq.settings.model import Aliyun, Twilio

SHORTEST_SECRET = 32
DEFAULT_DATABASE_URL = "sqlite:///var/caseq.db"
_POSTGRESQL = "postgresql+psycopg://"
_PUSH_KEY = "CASEQ_PUSH_KEY_"
#: A role of PostgreSQL, as store/wall_rights.py takes it.
_ROLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
#: What can stand in an address as it is.
_PATH_SECRET = re.compile(r"[A-Za-z0-9_-]+")
_REDIS = ("redis://", "rediss://", "valkey://", "valkeys://")


class Environment:
    """Typed access to the variables that caseq knows."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        """The value, or None if it is unset or empty."""
        return self._environ.get(name, "").strip() or None

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        return Path(value) if value else None

    def push_keys(self, source: str) -> tuple[str, ...]:
        """The live keys of one source, newest first; ConfigurationError if one cannot be a key."""
        name = _PUSH_KEY + source.upper()
        keys = tuple(key.strip() for key in (self.text(name) or "").split(",") if key.strip())
        faults = []
        for position, key in enumerate(keys, start=1):
            try:
                signing.key_bytes(key)
            except ValueError as error:
                faults.append(_fault(name, f"key {position}: {error}"))
        if faults:
            raise ConfigurationError(faults)
        return keys

    def unknown_push_keys(self, sources: Iterable[str]) -> list[Fault]:
        """A fault for every push key whose source is not in config/sources.toml."""
        known = {_PUSH_KEY + source.upper() for source in sources}
        given = {name for name in self._environ if name.startswith(_PUSH_KEY)}
        return [_fault(name, "no such source in config/sources.toml") for name in sorted(given - known)]

    def settings(self) -> dict[str, Any]:
        """The fields of `Settings` that the environment decides."""
        faults: list[Fault] = []
        settings = {
            "database_url": self._database_url(faults),
            "query_database_url": self._query_database_url(faults),
            "secret_keys": self._secret_keys(faults),
            "redis_url": self._redis_url(faults),
            "public_url": self._address("CASEQ_PUBLIC_URL", faults),
            "trusted_proxies": self._whole("CASEQ_TRUSTED_PROXIES", faults),
            "twilio": self._twilio(faults),
            "aliyun": self._aliyun(faults),
            "sms_file": self.path("CASEQ_SMS_FILE"),
            "demo": self.text("CASEQ_DEMO") == "1",
        }
        for provider, name in (("twilio", "CASEQ_TWILIO_ACCOUNT_SID"), ("aliyun", "CASEQ_ALIYUN_ACCESS_KEY_ID")):
            if settings[provider] and settings["sms_file"]:
                faults.append(_fault("CASEQ_SMS_FILE", f"set either this or {name}, not both"))
        if faults:
            raise ConfigurationError(faults)
        return settings

    def _database_url(self, faults: list[Fault]) -> str:
        url = _with_driver(self.text("CASEQ_DATABASE_URL") or DEFAULT_DATABASE_URL)
        if not url.startswith(("sqlite:///", _POSTGRESQL)) or _parts(url) is None:
            faults.append(_fault("CASEQ_DATABASE_URL", "must be sqlite:///FILE or postgresql://USER@HOST:PORT/NAME"))
        return url

    def _query_database_url(self, faults: list[Fault]) -> str | None:
        """The database as the role that reads through the wall; only PostgreSQL has one, and the role is its own."""
        given = self.text("CASEQ_QUERY_DATABASE_URL")
        if given is None:
            return None
        url, service = _with_driver(given), _with_driver(self.text("CASEQ_DATABASE_URL") or DEFAULT_DATABASE_URL)
        parts, of_service = _parts(url), _parts(service)
        if not url.startswith(_POSTGRESQL) or parts is None or not _ROLE.fullmatch(parts.username or ""):
            faults.append(_fault("CASEQ_QUERY_DATABASE_URL", "must be postgresql://ROLE@HOST:PORT/NAME"))
        elif not service.startswith(_POSTGRESQL):
            faults.append(_fault("CASEQ_QUERY_DATABASE_URL", "needs PostgreSQL in CASEQ_DATABASE_URL too"))
        elif of_service is not None and parts.username == of_service.username:
            faults.append(_fault("CASEQ_QUERY_DATABASE_URL", "must not be the user of CASEQ_DATABASE_URL"))
        return url

    def _redis_url(self, faults: list[Fault]) -> str | None:
        url = self.text("CASEQ_REDIS_URL")
        if url and (not url.startswith(_REDIS) or _parts(url) is None):
            faults.append(_fault("CASEQ_REDIS_URL", "must be an address such as redis://127.0.0.1:6379/0"))
        return url

    def _secret_keys(self, faults: list[Fault]) -> tuple[str, ...]:
        keys = tuple(key.strip() for key in (self.text("CASEQ_SECRET_KEY") or "").split(",") if key.strip())
        if not keys:
            faults.append(_fault("CASEQ_SECRET_KEY", "must be set, for example to the output of: openssl rand -hex 32"))
        for position, key in enumerate(keys, start=1):
            if len(key) < SHORTEST_SECRET:
                faults.append(_fault("CASEQ_SECRET_KEY", f"key {position} has less than {SHORTEST_SECRET} characters"))
        return keys

    def _address(self, name: str, faults: list[Fault]) -> str | None:
        url = self.text(name)
        parts = _parts(url) if url else None
        if url and (parts is None or parts.scheme not in ("http", "https") or not parts.hostname):
            faults.append(_fault(name, "must be an address such as https://cases.example.org"))
        return url.rstrip("/") if url else None

    def _whole(self, name: str, faults: list[Fault]) -> int:
        value = self.text(name) or "0"
        if not (value.isascii() and value.isdigit() and len(value) < 3):
            faults.append(_fault(name, "must be a whole number from 0 to 99"))
            return 0
        return int(value)

    def _twilio(self, faults: list[Fault]) -> Twilio | None:
        account = self.text("CASEQ_TWILIO_ACCOUNT_SID")
        if account is None:
            return None
        token = self.text("CASEQ_TWILIO_AUTH_TOKEN")
        sender, service = self.text("CASEQ_TWILIO_FROM"), self.text("CASEQ_TWILIO_MESSAGING_SERVICE_SID")
        if token is None:
            faults.append(_fault("CASEQ_TWILIO_AUTH_TOKEN", "must be set with CASEQ_TWILIO_ACCOUNT_SID"))
        if (sender is None) == (service is None):
            faults.append(_fault("CASEQ_TWILIO_FROM", "set either this or CASEQ_TWILIO_MESSAGING_SERVICE_SID"))
        return Twilio(account, token or "", sender, service, self.text("CASEQ_TWILIO_API_BASE"))

    def _aliyun(self, faults: list[Fault]) -> Aliyun | None:
        key, secret = self.text("CASEQ_ALIYUN_ACCESS_KEY_ID"), self.text("CASEQ_ALIYUN_ACCESS_KEY_SECRET")
        receipt_secret = self.text("CASEQ_ALIYUN_RECEIPT_SECRET")
        api_base = self._address("CASEQ_ALIYUN_API_BASE", faults)
        if key is None and secret is None and receipt_secret is None and api_base is None:
            return None
        if key is None:
            faults.append(_fault("CASEQ_ALIYUN_ACCESS_KEY_ID", "must be set with the other variables of Aliyun"))
        if secret is None:
            faults.append(_fault("CASEQ_ALIYUN_ACCESS_KEY_SECRET", "must be set with CASEQ_ALIYUN_ACCESS_KEY_ID"))
        if receipt_secret and (len(receipt_secret) < SHORTEST_SECRET or not _PATH_SECRET.fullmatch(receipt_secret)):
            reason = f"must be at least {SHORTEST_SECRET} letters, digits, - or _, as of: openssl rand -hex 32"
            faults.append(_fault("CASEQ_ALIYUN_RECEIPT_SECRET", reason))
        return Aliyun(key or "", secret or "", receipt_secret, api_base)


def _with_driver(url: str) -> str:
    """The address with the driver that we use, if it is PostgreSQL's."""
    for old in ("postgres://", "postgresql://"):
        if url.startswith(old):
            return _POSTGRESQL + url.removeprefix(old)
    return url


def _parts(url: str) -> SplitResult | None:
    """The parts of an address, None if its brackets or its port are no such thing."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _fault(name: str, reason: str) -> Fault:
    return Fault("environment", None, name, reason)

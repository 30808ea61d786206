"""The parts of the running service, built once and passed to every act."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from caseq.settings import Settings
from caseq.settings.jwksfile import JwksFile
from caseq.sms.file_sms import FileGateway
from caseq.sms.gateway import SmsGateway
from caseq.sms.twilio_sms import TwilioGateway
from caseq.store.database import Database
from caseq.store.sealing import Sealer
from caseq.store.views import CaseQuery


@dataclass(frozen=True)
class Runtime:
    """Settings, database, sealer of personal data, the query of a case, the SMS gateway, the clock (aware UTC).

    `behind_wall` is the database as the role that the query of a case runs as, None if it runs as the service's own.
    `link_keys` are the files with the keys of the regional systems, by name.
    """

    settings: Settings
    database: Database
    sealer: Sealer
    case_query: CaseQuery
    gateway: SmsGateway | None
    clock: Callable[[], datetime]
    behind_wall: Database | None = None
    link_keys: Mapping[str, JwksFile] = field(default_factory=dict)


def utc_now() -> datetime:
    return datetime.now(UTC)


def build(settings: Settings, clock: Callable[[], datetime] = utc_now) -> Runtime:
    """The runtime for these settings; nothing is connected before it is used."""
    sealer = Sealer(settings.secret_keys, settings.data.cipher)
    database = Database(settings.database_url, sealer)
    behind_wall = Database(settings.query_database_url, sealer) if settings.query_database_url else None
    silence = {source.name: source.silence for source in settings.sources.values()}
    return Runtime(
        settings=settings,
        database=database,
        sealer=sealer,
        case_query=CaseQuery(settings.policy, silence, behind_wall),
        gateway=_gateway(settings),
        clock=clock,
        behind_wall=behind_wall,
        link_keys={region.name: JwksFile(region.jwks, region.algorithms) for region in settings.regions.values()},
    )


def _gateway(settings: Settings) -> SmsGateway | None:
    """The gateway that the environment names, None if it names none: then a worker does not start."""
    if settings.sms_file is not None:
        return FileGateway(settings.sms_file)
    if settings.twilio is None:
        return None
    twilio = settings.twilio
    return TwilioGateway(
        twilio.account_sid,
        twilio.auth_token,
        sender=twilio.sender,
        messaging_service_sid=twilio.messaging_service_sid,
        api_base=twilio.api_base,
    )

"""The parts of the running service, built once and passed to every act."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from caseq.rules.routes import Route
from caseq.settings import Settings
from caseq.settings.jwksfile import JwksFile
from caseq.sms.aliyun_sms import AliyunGateway
from caseq.sms.file_sms import FileGateway
from caseq.sms.gateway import SmsGateway
from caseq.sms.route import Router
from caseq.sms.twilio_sms import TwilioGateway
from caseq.store.database import Database
from caseq.store.sealing import Sealer
from caseq.store.views import CaseQuery


@dataclass(frozen=True)
class Runtime:
    """Settings, database, sealer of personal data, the query of a case, the gateways by name, the clock (aware UTC).

    `behind_wall` is the database as the role that the query of a case runs as, None if it runs as the service's own.
    `link_keys` are the files with the keys of the regional systems, by name.
    """

    settings: Settings
    database: Database
    sealer: Sealer
    case_query: CaseQuery
    gateways: Mapping[str, SmsGateway]
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
        gateways=_gateways(settings),
        clock=clock,
        behind_wall=behind_wall,
        link_keys={region.name: JwksFile(region.jwks, region.algorithms) for region in settings.regions.values()},
    )


def router(runtime: Runtime) -> Router:
    """The gateways of this process, by the routes of config/messages.toml; messages into a file need no route."""
    to_file = tuple(Route("+", (name,)) for name in runtime.gateways if name == FileGateway.name)
    return Router(runtime.gateways, to_file or runtime.settings.sending.routes)


def _gateways(settings: Settings) -> dict[str, SmsGateway]:
    """The gateways that the environment names; with none a worker does not start."""
    if settings.sms_file is not None:
        return {FileGateway.name: FileGateway(settings.sms_file)}
    gateways: dict[str, SmsGateway] = {}
    if (twilio := settings.twilio) is not None:
        gateways[TwilioGateway.name] = TwilioGateway(
            twilio.account_sid,
            twilio.auth_token,
            sender=twilio.sender,
            messaging_service_sid=twilio.messaging_service_sid,
            api_base=twilio.api_base,
            answer_seconds=settings.worker.answer_seconds,
            status_url=_status_url(settings),
        )
    if (aliyun := settings.aliyun) is not None:
        gateways[AliyunGateway.name] = AliyunGateway(
            aliyun.access_key_id,
            aliyun.access_key_secret,
            sign_name=settings.wording.signatures["zh"].strip("【】 "),
            templates=settings.wording.approved,
            api_base=aliyun.api_base,
        )
    return gateways


def _status_url(settings: Settings) -> str | None:
    """Where Twilio reports to: the public address, if it is on https. Elsewhere receipts would travel in the clear, and
    Twilio refuses messages whose address it cannot reach, such as a developer's own machine (its error 21609)."""
    is_secure = urlsplit(settings.public_url or "").scheme == "https"
    return f"{settings.public_url}/sms/status" if is_secure else None

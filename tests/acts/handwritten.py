"""What somebody who has the database alone can do to a row of `parties`."""

from collections.abc import Mapping
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import select, update

from caseq.store import contacts, schema
from caseq.store.sealing import bound
from caseq.store.tables import parties
from tests.service import Service

SEALED = {
    "name_sealed": contacts.NAME,
    "phone_sealed": contacts.PHONE,
    "phone_as_given_sealed": contacts.PHONE_AS_GIVEN,
}


def row(service: Service, key: str) -> dict[str, Any]:
    """The row of this party."""
    with service.runtime.database.autocommit() as connection:
        return dict(connection.execute(select(parties).where(parties.c.key == key)).one()._mapping)


def edit(service: Service, key: str, /, **values: Any) -> None:
    """Put these values into the row of a party."""
    with service.runtime.database.transaction() as connection:
        connection.execute(update(parties).where(parties.c.key == key).values(values))


def unbound(service: Service, key: str) -> Mapping[str, Any]:
    """The contact of a party as it was written before 0007."""
    sealer, was = service.runtime.sealer, row(service, key)
    of_row = {name: bound(purpose, was["source"], key) for name, purpose in SEALED.items()}
    opened = {name: sealer.unseal(of_row[name], was[name]) for name in SEALED if was[name]}
    return {"contact_mac": None, **{name: sealer.seal(SEALED[name], value) for name, value in opened.items()}}


def make_old(service: Service) -> None:
    """Make the database one that was filled before 0007 and has been upgraded now."""
    database = service.runtime.database
    with database.autocommit() as connection:
        keys = connection.execute(select(parties.c.key)).scalars().all()
    for key in keys:
        edit(service, key, **unbound(service, key))
    with database.transaction() as connection:
        config = schema.alembic_config()
        config.attributes["connection"] = connection
        before = ScriptDirectory.from_config(config).get_revision("0007").down_revision
        command.downgrade(config, str(before))
    schema.upgrade(database)

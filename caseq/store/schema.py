"""The schema and its migrations (Alembic)."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from caseq.errors import SchemaUnknown
from caseq.store.database import Database

_MIGRATIONS = Path(__file__).parent / "migrations"
#: Where Alembic notes the revision: the one table that is not among the metadata.
VERSION_TABLE = "alembic_version"


def alembic_config() -> Config:
    """Alembic's configuration: the migrations beside this file, no ini file."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def newest_revision() -> str | None:
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def current_revision(connection: Connection) -> str | None:
    """The revision of the database, None if it has no tables yet."""
    if VERSION_TABLE not in inspect(connection).get_table_names():
        return None
    return MigrationContext.configure(connection).get_current_revision()


def is_current(connection: Connection) -> bool:
    """Whether the database has the newest schema."""
    return current_revision(connection) == newest_revision()


def upgrade(database: Database) -> None:
    """Migrate the database to the newest schema, in one transaction; SchemaUnknown if it is newer still."""
    with database.transaction() as connection:
        config = alembic_config()
        found = current_revision(connection)
        if found not in (None, *(one.revision for one in ScriptDirectory.from_config(config).walk_revisions())):
            raise SchemaUnknown(found)
        config.attributes["connection"] = connection
        config.attributes["sealer"] = database.sealer
        command.upgrade(config, "head")

"""The tokens of links that were used: each opens its page once."""

from datetime import datetime

from sqlalchemy import Connection, delete

from caseq.store.database import insert_into
from caseq.store.sealing import token_hash
from caseq.store.tables import link_tokens


def use_once(connection: Connection, region: str, token_id: str, expires_at: datetime) -> bool:
    """Note that a token of this region was used; False if it was used before."""
    row = {"region": region, "jti_hash": token_hash(token_id), "expires_at": expires_at}
    noted = insert_into(connection, link_tokens).values(row).on_conflict_do_nothing()
    return connection.execute(noted.returning(link_tokens.c.region)).first() is not None


def forget_old(connection: Connection, before: datetime) -> None:
    """Delete the tokens that would have been refused for their age since before this moment."""
    connection.execute(delete(link_tokens).where(link_tokens.c.expires_at < before))

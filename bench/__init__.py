"""caseq's own benchmark: the service against reference programs, side by side in one run, as ratios."""

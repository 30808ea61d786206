"""The rules: pure functions and values; time and chance are passed in."""

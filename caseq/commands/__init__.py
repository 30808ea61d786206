"""Groups of commands; cli.py hangs them under `caseq`. Everything heavy is imported inside a command that needs it."""

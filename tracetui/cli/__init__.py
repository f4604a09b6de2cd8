"""The command line: one file a family of commands; output.py writes stdout, diagnostics.py stderr."""

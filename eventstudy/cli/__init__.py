"""The command line: parses, calls, prints, sets exit codes. ``app`` assembles, one file per command."""

"""The command line: one file a group of commands. Everything but `serve` and `models` talks to a server."""

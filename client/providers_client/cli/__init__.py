"""The command line, `providers`."""

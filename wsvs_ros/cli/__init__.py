"""The `wsvs` command, one file a subcommand."""

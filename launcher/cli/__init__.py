"""What a person meets: the parser, the command table, the console, and one file per command."""

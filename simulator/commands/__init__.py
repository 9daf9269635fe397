"""One module per command of the CLI: options in, calls to the library, text out."""

"""The text of a module → machine code, and calls of it."""

"""A program → the text of a module in LLVM's language."""

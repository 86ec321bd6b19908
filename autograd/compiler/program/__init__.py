"""A program: straight-line code, what is done to it before it is compiled, and its interpreter."""

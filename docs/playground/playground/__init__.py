"""The Python side of the playground: it runs in a Web Worker of the page, and under CPython in the tests."""

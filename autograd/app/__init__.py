"""The command ``chalkgrad``, on top of everything: the only part that imports ``nn``, and nothing imports it.

``cli`` reads the words of a command and hands them on: expressions to ``expression``, which checks them and computes
with them; tables to ``train``; questions about the installation to ``doctor``; and ``demo`` is the worked examples.
"""

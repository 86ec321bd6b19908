"""The chain rule in words and formulas.

- `formula`: the parts of an equation as a tree, and one writer each for text, LaTeX and MathML;
- `derivation`: `explain`, which finds the equations of one derivative;
- `steps`: the steps of a player, forward and backward, one node at a time;
- `mathml`: elements of MathML as plain lists, which the player turns into a page.
"""

"""Where things go: a `Picture` becomes a `Layout`, with positions of boxes, edges and labels.

In the order in which a picture passes through:

- `drawing`: a picture with its layout, by an engine where one works and in plain Python otherwise;
- `boxes`: what a layout needs to know (`Box`, `Link`, `Frame`: sizes and ids, no text), and the `Layout` it gives;
- `engines`: which program lays out, and how it is called;
- `ordering`: neurons in the order of their indices, layers one beside the other, whatever lays them out;
- `graphviz`: a layout by such a program;
- `layered`: a layout in plain Python.
"""

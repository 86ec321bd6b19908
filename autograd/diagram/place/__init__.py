"""Where things go: a `Picture` becomes a `Layout`, with positions of boxes, edges and labels.

In the order in which a picture passes through:

- `boxes`: what a layout needs to know (`Box`, `Link`, `Group`: sizes and ids, no text), and the `Layout` it gives;
- `drawing`: a picture with its layout, by an engine where one works and in plain Python otherwise;
- `engines`: which program lays out, and how it is called;
- `graphviz`: a layout by such a program;
- `layered`: a layout in plain Python;
- `ordering`: neurons in the order of their indices, layers one beside the other, whatever lays them out.
"""

"""What to show: a graph of Values becomes a `Picture` of nodes and edges, with every number and every name in it.

In the order in which a graph passes through:

- `select`: which values are shown (`focus`, `depth`, `path`), and what reaches them from those that are not;
- `names`: what each value is called, and formulas written with those names;
- `health`: what is wrong with the graph, as findings and as marks on nodes;
- `clusters`: which nodes belong to which neuron and layer of a model;
- `build`: nodes and edges out of all that, a `picture`;
- `measure`: the rows of each box, its size, the labels, and the direction;
- `fold`: neurons and layers as one box each;
- `compare`: two moments of one graph as one picture.
"""

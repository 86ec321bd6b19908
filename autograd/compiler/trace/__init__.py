"""A function → a program: it runs once, on numbers that write down what is done with them."""

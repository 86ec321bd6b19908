AVAILABLE: frozenset[str] = frozenset()
def function(module, name, lanes): raise NotImplementedError

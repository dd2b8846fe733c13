"""Array text: the definition of every kernel, and the oracle of its twins."""

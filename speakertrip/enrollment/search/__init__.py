"""Who of all enrolled speakers is it? Exact, or by an approximate index."""

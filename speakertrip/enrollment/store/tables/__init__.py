"""Tables of rows that searches keep in a folder beside a store, brought in step with it."""

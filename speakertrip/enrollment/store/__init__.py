"""The store of enrolled speakers: its file, what stands in it, and what was done with it."""

"""How values stand in a store, in clear or sealed; and the keys that seal them."""

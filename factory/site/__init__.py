"""A place to look: one static site over the family, from the hub's evidence, the ledgers and the reviews waiting."""

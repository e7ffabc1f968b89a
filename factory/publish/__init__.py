"""A measured model becomes a specialist: its folder, its card, its place on a hub."""

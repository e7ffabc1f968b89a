"""Rows become an immutable dataset version that anyone can open."""

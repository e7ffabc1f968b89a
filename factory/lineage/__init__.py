"""What was made when, from what, and whether it still is what it was."""

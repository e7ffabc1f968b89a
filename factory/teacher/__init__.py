"""How to reach or start a teacher, and how never to pay it twice for the same answer."""

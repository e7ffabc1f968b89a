"""How people take part: what they are shown, where they answer, and what their answers change."""

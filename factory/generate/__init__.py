"""From a plan to judged rows."""

"""A published specialist's papers for authorities and auditors, made from records and checked against them."""

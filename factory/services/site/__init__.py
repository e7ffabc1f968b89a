"""The site over the family, served on loopback and made anew whenever something is new."""

"""Students: what is trained on the factory's rows, and the baselines they must beat."""

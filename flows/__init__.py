"""What is run: the factory's stages, in order, under Prefect."""

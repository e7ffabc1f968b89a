"""The factory: from a specialist's spec to a published, measured specialist. Knows nothing of Prefect."""

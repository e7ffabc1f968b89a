"""The embedded hub server: a hub's folder, spoken to as the Hugging Face Hub is."""

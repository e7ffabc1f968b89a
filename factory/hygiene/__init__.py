"""What makes a row sound: one check a file, each keeping what it dropped and why."""

"""What each command does, as the algorithm reads."""

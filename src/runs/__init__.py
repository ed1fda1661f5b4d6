"""What outlives a run: checkpoints and recordings."""

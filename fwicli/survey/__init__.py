"""What was measured, and where: grid, earth model, acquisition, gathers and wavelets."""

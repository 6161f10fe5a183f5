"""Survey: grid, earth model, acquisition, records, wavelets, and their transformations."""

"""Pictures of models, records, images and runs; only this folder knows Matplotlib."""

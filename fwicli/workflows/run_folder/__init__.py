"""The folder of a run: what it holds, who may write there, and what survives a stop."""

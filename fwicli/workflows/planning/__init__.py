"""Planning: every check and every number of a run, before anything is computed."""

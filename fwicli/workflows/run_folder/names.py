"""Names of the files that every run writes, for readers that import nothing else."""

CONFIG, ENVIRONMENT, PROGRESS, LOG = "config.yaml", "environment.json", "progress.jsonl", "log.txt"
# Output of jobs with workers.
WORKERS = "workers.txt"
# Begins results in text, below a mark of a comment.
WRITTEN = "written by fwi"
PLAN = "plan.json"
# First key of a plan.
PLANNED = "fwicli_plan"
# Model that a branch begins from; and branches of a run, a line each.
START, BRANCHES = "start.h5", "branches.jsonl"
# That model with a submitted job, until the job begins the run.
SUBMITTED = "job.h5"
# Number of a step of an inversion: its time outside of shots [s].
OUTSIDE = "seconds_outside_of_shots"

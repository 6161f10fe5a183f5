"""Names of the files that every run writes, for readers that import nothing else."""

CONFIG, ENVIRONMENT, PROGRESS, LOG = "config.yaml", "environment.json", "progress.jsonl", "log.txt"

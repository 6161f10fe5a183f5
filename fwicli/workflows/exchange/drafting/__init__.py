"""A config from files of records: what they tell is filled in, and what they cannot is asked."""

"""What runs and files show: their state, their content, and pictures; nothing is run or changed."""

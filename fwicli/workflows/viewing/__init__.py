"""Commands that show runs and files: state, content and pictures; they run and change nothing."""

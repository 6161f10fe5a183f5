"""Wave equations, one file each: the forward equation and nothing else."""

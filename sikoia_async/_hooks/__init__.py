"""httpx event hooks: each reads or sets headers, and nothing else."""

"""The httpx event hooks: each touches headers, and nothing else."""

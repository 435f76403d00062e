"""Settings that a deployment changes: environment variables, and files that they name."""

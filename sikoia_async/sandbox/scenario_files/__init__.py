"""TOML files with scenarios and faults."""

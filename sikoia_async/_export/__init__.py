"""What leaves the SDK: models as dicts and JSON, and back."""

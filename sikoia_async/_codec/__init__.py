"""JSON and models: encoding, decoding, drift, and error bodies."""

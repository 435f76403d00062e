"""JSON and models: decoding, encoding, drift, and errors from response bodies."""

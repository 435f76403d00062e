"""One API call: its options, attempts and deadline, and the API that resources make calls with."""

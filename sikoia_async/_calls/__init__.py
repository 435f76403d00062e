"""One API call: options, attempts, retries, deadline, and the views a resource makes calls with."""

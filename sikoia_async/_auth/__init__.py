"""Where access tokens come from, and how a client shows who it is."""

"""What models look like, as data, and the plain JSON values that they are read from."""

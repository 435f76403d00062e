"""What models look like, as data: the shape of each type annotation."""

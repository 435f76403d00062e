"""File uploads and downloads."""

"""Files: uploads, downloads to disk, and Excel workbooks."""

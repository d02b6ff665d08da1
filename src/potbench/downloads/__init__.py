"""Download, verify and unpack files."""

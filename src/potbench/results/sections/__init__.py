"""The sections of a report, a file each, in the order of the page."""

"""The page of a report: its content, and how it is written as HTML and Markdown."""

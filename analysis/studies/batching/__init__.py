"""The inside of a cell: its images are decoded ahead, explained some at a time, and share the passes of the metrics."""

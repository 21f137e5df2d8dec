"""The explorables of the playground: for each its numbers, and its markup. What moves them is in `book/_static`."""

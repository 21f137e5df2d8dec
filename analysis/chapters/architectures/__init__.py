"""The page about networks that nobody here wrote."""

"""The page that says how to run the paper's own grid, and what that takes."""

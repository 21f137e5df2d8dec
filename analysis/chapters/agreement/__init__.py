"""Would another analyst agree? How far the words depend on the way of analysis, and what the images could tell."""

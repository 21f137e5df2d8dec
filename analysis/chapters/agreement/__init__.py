"""Would another analyst agree? How far the words depend on how the rows are analysed, and what the images could tell."""

"""Brain phantoms: drawn axial slices in four grades."""

"""Running the notebooks: parameters, jobs, inputs, provenance, and the archive of the book."""

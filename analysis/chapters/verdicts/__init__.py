"""The first page, and what stands of the paper's claims."""

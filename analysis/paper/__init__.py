"""The paper's tables and the claims that are tested."""

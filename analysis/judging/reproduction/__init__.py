"""The paper's own networks, if somebody has run them: verdicts of the tier "reproduction", and the printed numbers."""

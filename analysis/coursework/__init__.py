"""The coursework: checks that the assignments call, and what makes hand-outs and solutions of one source."""

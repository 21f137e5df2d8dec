"""Figure 6: what a map costs."""

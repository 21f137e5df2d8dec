"""Is a map stable? The same image and network, explained again with one thing changed."""

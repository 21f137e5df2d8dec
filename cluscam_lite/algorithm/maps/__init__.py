"""Which layers of a network give maps, and where these lie in what a layer gives."""

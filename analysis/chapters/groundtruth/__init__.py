"""Scenes in which the reason of the network is known."""

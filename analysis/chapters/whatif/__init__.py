"""Other maps in the place of ClusCAM's: its groups weighed otherwise, the object's box, both together."""

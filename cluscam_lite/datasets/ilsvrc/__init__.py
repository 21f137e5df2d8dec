"""The ILSVRC 2012 validation images, from Parquet, the official files or the hub."""

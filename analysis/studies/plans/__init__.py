"""Plans as data: the YAML files in `notebooks/plans` that say what each study runs on what."""

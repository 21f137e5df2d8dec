"""The evidence: studies, figures and the runner of the notebooks. It uses cluscam_lite, never the reverse."""

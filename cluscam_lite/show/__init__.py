"""Pictures of explanations, and the JSON report of a command."""

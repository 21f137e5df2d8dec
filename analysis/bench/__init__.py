"""`cluscam bench`: anyone's explainer on scenes with known reasons, beside ours, null methods and trivial maps."""

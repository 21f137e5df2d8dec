"""One folder for each chapter: study, plan, evidence, figures, page."""

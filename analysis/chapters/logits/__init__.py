"""Section 4.1: do meta-representations raise the logit?"""

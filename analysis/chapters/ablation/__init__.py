"""Section 4.4: what each part of ClusCAM adds."""

"""Tables 2, 4 and 5: faithfulness and localisation of every method."""

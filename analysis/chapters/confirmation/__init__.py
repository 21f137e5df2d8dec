"""Does it hold on a fifth network? What four networks led one to expect, and what came out."""

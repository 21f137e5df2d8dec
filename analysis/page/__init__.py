"""What all chapters show things with: tables, panels, figures."""

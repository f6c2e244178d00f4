"""Makes markup from students' text, cleaned and within a time limit."""

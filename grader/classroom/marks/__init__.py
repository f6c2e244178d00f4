"""From results to marks: the gradebook, the class page, and what waits for a person."""

"""The student's files: imported as far as they can be read."""

"""Reads an LMS's bulk download: which hand-in belongs to which student."""

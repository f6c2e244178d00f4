"""Calls of a student's functions: what goes in, what comes out, and what they leave behind."""

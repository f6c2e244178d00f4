"""Marks in the forms that other systems take, a file per system."""

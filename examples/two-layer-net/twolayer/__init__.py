"""A network of two layers."""

"""What student code changes of the process around it, and how that is put back."""

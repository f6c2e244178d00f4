"""An author's work: recording expectations, making handouts, testing the checks themselves."""

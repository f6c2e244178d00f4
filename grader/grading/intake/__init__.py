"""Takes in a submission: a folder, an archive or a file becomes the files that the spec names."""

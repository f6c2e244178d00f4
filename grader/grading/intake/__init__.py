"""Takes a submission in: a folder, an archive or a single file becomes the files that the spec
names.
"""

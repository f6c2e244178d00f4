"""Write a numerical-Python assignment once; hand it out, grade a class without fear, give reports
that teach.
"""

__version__ = "0.1.0"

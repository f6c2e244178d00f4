"""The desk: a local web application on which people grade what programs can't."""

"""The documentation as a site, by Sphinx: `tox -e docs` builds it and follows every link
(`check_site.py`).
"""

from grader import __version__

project = "grader"
author = "The grader developers"
copyright = author  # noqa: A001 - the name that Sphinx reads
release = version = __version__

extensions = ["myst_parser"]
exclude_patterns = ["*.py"]
myst_heading_anchors = 4  # headings can be linked to, as on GitHub
nitpicky = True  # with -W: a link that leads nowhere ends the build

html_theme = "furo"
html_title = f"grader {release}"
html_copy_source = False
html_show_copyright = False
pygments_dark_style = "github-dark"

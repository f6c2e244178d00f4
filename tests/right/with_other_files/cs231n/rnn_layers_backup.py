"""An older try that is not used."""

raise RuntimeError("not meant to be imported")

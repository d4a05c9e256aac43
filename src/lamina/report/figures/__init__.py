"""One file per kind of figure; each a pure function from numbers to SVG or a table."""

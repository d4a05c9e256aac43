"""One file per part of the page: each a function from the facts to a section, or None."""

"""The report of a model: one HTML page that tells what it is, how good it is, and where it errs.

Stands around the stages, like ``cli``. ``facts.py`` gathers, ``sections/`` say it, ``figures/`` draw it,
``page.py`` puts it together. Whatever comes from data passes ``html.tag``, which escapes it.
"""

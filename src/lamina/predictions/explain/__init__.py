"""Why a network answers as it does: shares of columns, words and pixels, and what would change the answer.

Shapley values       how much each column moved one row's answer (``shapley.py``, ``columns.py``)
inside a column      which words of a text, pixels of a picture, moments of a recording (``inside.py``)
importance           which columns matter over many rows (``importance.py``)
counterfactuals      the least change that brings another answer (``change.py``)
"""

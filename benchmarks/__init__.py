"""Accuracy and speed on public data sets; the folder with the data is an argument."""

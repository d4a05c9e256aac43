"""The same network behind other servers, as their guides show it: a row to a data frame, to the model."""

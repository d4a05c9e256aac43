"""The same network behind other servers, as their guides show it: rows to a data frame, frame to the model."""

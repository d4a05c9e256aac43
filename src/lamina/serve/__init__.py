"""HTTP over models: one process, several networks, answers in milliseconds."""

"""Tables in databases: rows out of them, answers into them."""

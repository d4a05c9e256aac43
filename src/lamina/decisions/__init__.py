"""DECISIONS: predictions, costs and limits → actions, what they are worth, or a person who is asked."""

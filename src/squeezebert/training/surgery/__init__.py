"""Models made of others: grown, regrouped, narrowed, under another vocabulary."""

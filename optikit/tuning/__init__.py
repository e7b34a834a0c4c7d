"""Tuning: an optimizer's own fields: where their values are (`space`), and how the best are found (`tune`)."""

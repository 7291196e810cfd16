"""Metrics on samples: pure functions of features, images, points or labels that return numbers with standard errors."""

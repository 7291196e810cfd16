"""Evaluation of a generator: features of images, metrics on them, and scores with their errors and protocol.

`features/` turns images into vectors, `metrics/` compares sets of vectors, `scores` names the scores, and `measure`
puts them together into an `evaluation.Evaluation`.
"""

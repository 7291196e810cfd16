"""How good a generator is: features of images, metrics on them, and an evaluation with its protocol and errors.

`features/` turns images into vectors, `metrics/` compares sets of them, `measure` puts both together. It
imports `core`, `functional` and `data`; `lab`, `runs`, `output`, `claims` and `cli` may import it.
"""

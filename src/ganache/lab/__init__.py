"""The latent lab: an experiment is plain data (a request), and a generator and a request give a figure.

`requests/` says what may be asked, `explore/` computes it, `figure` is what it returns, before anything is drawn. It
imports `core`, `functional` and `evaluation`; `figures`, `runs`, `output`, `playground` and `cli` may import it.
"""

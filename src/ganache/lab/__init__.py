"""The latent lab: experiments in latent space, each one file in `experiments/`.

An experiment is plain data, the request; `show(request, models)` returns its figure, before anything is drawn.
`figures` draws it.
"""

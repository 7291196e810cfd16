"""How good samples are: features (images -> vectors) and scores (vectors or images -> numbers, with their errors)."""

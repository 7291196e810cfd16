"""How good samples are: features (images -> vectors) and scores (vectors -> numbers)."""

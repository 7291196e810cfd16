"""Images turned into vectors that metrics compare; one extractor per file."""

"""All settings of a run: sections, reading and checking, the rules that combine them, and the recipes.

`sections` has one frozen dataclass per concern, `config` reads and writes them, `rules` refuses contradictions. The
settings of methods and networks are in their own folders.
"""

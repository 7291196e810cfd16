"""All settings of a run: sections, reading and checking, the rules that combine them, and the recipes.

`sections` has one frozen dataclass per concern, `config` reads and writes them, `rules` refuses contradictions. It
imports `methods` and `networks`, whose settings it holds; `training` and every later folder may import it.
"""

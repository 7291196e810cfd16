"""Every setting of a run: the sections, how they are read and checked, the rules that combine them, and the recipes.

`sections` has a frozen dataclass for each concern, `config` reads and writes them, `rules` refuses what contradicts
itself. It imports `methods` and `networks`, whose settings it holds; `training` and everything after it may import it.
"""

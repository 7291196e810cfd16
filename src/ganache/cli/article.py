"""`ganache article`: all of the anime article's pictures for one's own run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ganache.cli.render import load_models, real_pictures, refuse_unless_request
from ganache.errors import ConfigError
from ganache.lab.requests import RealVsFake, command, to_dict


def article(
    run: Positional[str],
    second: str = "",
    data: str = "",
    average: bool = True,
    out: Annotated[str, arg(aliases=["-o"])] = "article",
) -> None:
    """Make all pictures of the article "Generate anime-style faces with DCGAN" for your own run, as a page.

    Args:
        run: The run's folder, or RUN@STEP: the article's Model A.
        second: Its Model B: another run, RUN@STEP, or a step (or best) of the same run.
        data: Where the real pictures are; by default where the run found them.
        average: Whether the averaged generator makes them, where the run kept one.
        out: The folder to write; its page is index.html.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file, and the article's pictures need a folder: name another with -o.")
    from ganache.core.storage import write_json, write_text
    from ganache.figures import save_figure
    from ganache.figures.page import Entry, gallery, refuse_unless_ours
    from ganache.lab.article import plates
    from ganache.lab.explore import show
    from ganache.runs.folder import at_step

    refuse_unless_ours(folder / "index.html")
    runs = [run]
    if second:
        of_same = not Path(second).exists() and (second.isdigit() or second in ("best", "last"))
        runs.append(f"{at_step(run)[0]}@{second}" if of_same else second)
    models, config = load_models(runs, average)
    every = plates(models[0].prior.noise, data)
    for plate in every:
        refuse_unless_request(folder / f"{plate.name}.json")
    (wanted,) = [plate.request for plate in every if isinstance(plate.request, RealVsFake)]
    real = real_pictures(wanted, config, models[0])
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for plate in every:
        file = f"{plate.name}.png"
        save_figure(show(plate.request, models, real), folder / file)
        write_json(folder / f"{plate.name}.json", to_dict(plate.request))
        words = [*command(plate.request, runs), *([] if average else ["--no-average"]), "-o", file]
        entries.append(
            Entry(plate.images, file, (("In the article:", plate.said), ("Here:", plate.look)), shlex.join(words))
        )
        print(f"{folder / file}: {plate.images}")
    names = " and ".join(f"Model {letter} is {model.name}" for letter, model in zip("AB", models, strict=False))
    introduction = (
        'The experiments of "Generate anime-style faces with DCGAN and explore its latent feature representation" '
        f"(2019), with this run: {names}. Below each picture stands the command that makes it alone; the .json of the "
        "same name beside this page is its request. The article's own latents are not known: seeds stand in for them."
    )
    write_text(folder / "index.html", gallery("What did it learn?", introduction, entries))
    print(f"The page: {folder / 'index.html'}")

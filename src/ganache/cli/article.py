"""`ganache article`: all figures of the anime article for your own run."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ganache.cli.outputs import check_request_file
from ganache.cli.render import load_models, needed_images
from ganache.errors import ConfigError
from ganache.lab.serialisation import command, to_dict


def article(
    run: Positional[str],
    second: str = "",
    data: str = "",
    average: bool = True,
    out: Annotated[str, arg(aliases=["-o"])] = "article",
) -> None:
    """Make all figures of the article "Generate anime-style faces with DCGAN" for your own run, as a page.

    Args:
        run: The run's folder, or RUN@STEP; it is the model in place of the article's Model A.
        second: The model in place of the article's Model B: another run, RUN@STEP, or a step (or best) of the same run.
            Without it, the figures show one model.
        data: The real pictures; by default the data of the run.
        average: Use the averaged generator (EMA), if the run has one.
        out: The folder to write; its page is index.html.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file, and the article's figures need a folder: name another with -o.")
    from ganache.core.outputs import refuse_to_replace
    from ganache.core.storage import write_json, write_text
    from ganache.figures import save_figure
    from ganache.figures.page import Entry, gallery
    from ganache.lab.article import plates
    from ganache.lab.show import show
    from ganache.runs.folder import at_step

    refuse_to_replace(folder / "index.html")
    runs = [run]
    if second:
        same_run = not Path(second).exists() and (second.isdigit() or second in ("best", "last"))
        runs.append(f"{at_step(run)[0]}@{second}" if same_run else second)
    models, config = load_models(runs, average)
    every = plates(models[0].prior.noise, data)
    for plate in every:
        check_request_file(folder / f"{plate.name}.json", plate.request)
        refuse_to_replace(folder / f"{plate.name}.png")
    (request,) = [plate.request for plate in every if plate.request.needs == "real images"]
    real = needed_images(request, runs[0], config, models[0])
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for plate in every:
        file = f"{plate.name}.png"
        save_figure(show(plate.request, models, real), folder / file)
        write_json(folder / f"{plate.name}.json", to_dict(plate.request))
        words = [*command(plate.request, runs), *([] if average else ["--no-average"]), "-o", file]
        entries.append(
            Entry(
                plate.images, file, (("In the article:", plate.reported), ("Here:", plate.look_for)), shlex.join(words)
            )
        )
        print(f"{folder / file}: {plate.images}")
    names = " and ".join(f"Model {letter} is {model.name}" for letter, model in zip("AB", models, strict=False))
    introduction = (
        'The experiments of "Generate anime-style faces with DCGAN and explore its latent feature representation" '
        f"(2019), with this run: {names}. Below each figure is the command that makes it; the .json of the same name "
        "next to this page is its request. The article's latents are not known, so seeds replace them."
    )
    write_text(folder / "index.html", gallery("What did it learn?", introduction, entries))
    print(f"The page: {folder / 'index.html'}")

"""`ganache learn`: lessons about GANs in a browser, or in one file."""

from __future__ import annotations

from pathlib import Path

from ganache.cli.outputs import check_output
from ganache.cli.playground import Browser, Host, Language, Port, printer


def learn(
    lang: Language = "en",
    lessons: str = "",
    html: str = "",
    host: Host = "127.0.0.1",
    port: Port = 0,
    browser: Browser = True,
) -> None:
    """Learn how GANs work in a browser: lessons with a training that moves, knobs to turn, and a question to answer.

    Args:
        lessons: A folder of lessons of your own, in place of those of ganache.
        html: Write the lessons into this file in place of a server. It has recorded trainings, and opens from disk. The
            lesson on a trained generator is left out: its pictures would be many times as large as all else.
    """
    if html:
        check_output(html, (".html",))
    from ganache.lessons.app import serve
    from ganache.lessons.lesson import load_lessons

    found = load_lessons(Path(lessons) if lessons else None, lang)
    if html:
        from ganache.core.storage import write_bytes
        from ganache.core.text import file_size
        from ganache.lessons.recording import to_html

        found = [each for each in found if each.scene != "latents"]
        write_bytes(Path(html), to_html(found, lang, progress=True).encode())
        size = file_size(Path(html).stat().st_size)
        print(f"{html}: {len(found)} lessons, {size}. Open it in a browser: it needs no server and no network.")
        return
    serve(found, lang, host, port, browser, printer("The lessons"))

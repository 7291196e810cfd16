"""The playground in Chinese: every sentence of the page has a translation, and the page shows no other language."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganache.cli import main
from ganache.cli.playground import Language
from ganache.lab.experiments import EXPERIMENTS
from ganache.lessons.lesson import LANGUAGES
from ganache.playground import live
from ganache.playground.app import read_page
from ganache.playground.language import in_language, sentences
from page_sentences import NO_TEXTS, is_text, literals, of_markup, of_script, plain
from playground_client import FACES, train
from playground_page import Page
from test_lessons import TEXT
from test_playground_page import DIGITS
from test_watch_page import RING, opened, served

PACKAGE = Path(live.__file__).parents[1]
SCRIPTS = [*sorted((PACKAGE / "playground" / "page").glob("*.js")), PACKAGE / "output" / "report" / "chart.js"]
SCRIPTS += [PACKAGE / "output" / "export" / "browser" / name for name in ("slider.js", "layers.js", "more.js")]
FIGURES = "figure.js"
"""Draws figures of experiments, which are shown as their commands write them."""
LATIN = {"ganache", "PNG", "JSON", "Ctrl", "Shift", "Esc", "SeFa", "PCA", "psi", "PSNR", "dB", "WebP", "GIF", "MP4"}
LATIN |= {"operation", "abs", "faces", "digits", "ring", "smile"}
"""Names, keys, formats and commands."""
SAID = """() => {
    const KEPT = 'code, kbd, script, noscript, [translate=no], #panel-views [role=status]';
    const found = [];
    const visit = (node) => {
        if (node.nodeType === Node.TEXT_NODE) found.push(node.data);
        if (node.nodeType !== Node.ELEMENT_NODE || node.matches(KEPT)) return;
        for (const name of ['title', 'aria-label', 'aria-valuetext', 'placeholder'])
            found.push(node.getAttribute(name) ?? '');
        node.childNodes.forEach(visit);
    };
    visit(document.body);
    return found;
}"""
"""A script: all texts of a page, except names, commands, keys and errors of the server."""


def server_texts() -> set[str]:
    """The texts of the page that the server sends: experiments, curves and what is said of a run without findings."""
    pages = [kind.page for kind in EXPERIMENTS.values() if kind.page is not None]
    tree = ast.walk(ast.parse(inspect.getsource(live.verdict)))
    said = {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    curves = {"critic loss", "generator loss", *live.PROBE_CURVES.values()}
    return (
        {text for page in pages for text in (page.name, page.hint)} | curves | {text for text in said if is_text(text)}
    )


def shape(text: str) -> str:
    """A sentence with {} for each value."""
    return plain(re.sub(r"\{\w+\}", "{}", text))


def parts(texts: set[str]) -> set[str]:
    return {part for text in texts for part in text.split(" · ")} - {"{}", *NO_TEXTS}


@pytest.fixture(params=[language for language in LANGUAGES if language != "en"])
def known(request: pytest.FixtureRequest) -> dict[str, str]:
    return sentences(request.param)


def test_every_sentence_of_the_page_has_a_translation(known: dict[str, str]) -> None:
    texts = of_markup((PACKAGE / "playground" / "page" / "index.html").read_text(encoding="utf-8")) | server_texts()
    texts |= set().union(*(of_script(script) for script in SCRIPTS if script.name != FIGURES))
    assert len(texts) > 200
    missing = parts(texts) - {shape(text) for text in known}
    docstring = {plain(inspect.getdoc(live.verdict) or "")}
    assert missing - docstring == set()


def test_every_translation_is_of_a_sentence_of_the_page(known: dict[str, str]) -> None:
    texts = of_markup((PACKAGE / "playground" / "page" / "index.html").read_text(encoding="utf-8")) | server_texts()
    texts |= {plain(text) for script in SCRIPTS for _, text in literals(script.read_text(encoding="utf-8"))}
    assert {shape(text) for text in known} - parts(texts) == set()


def test_a_translation_has_the_values_of_its_sentence(known: dict[str, str]) -> None:
    for english, other in known.items():
        assert sorted(re.findall(r"\{\w+\}", other)) == sorted(re.findall(r"\{\w+\}", english)), english
    assert not [other for other in known.values() if "张图像" in other or "幅图像" in other], "a point has no such word"


def test_a_new_sentence_is_noticed(tmp_path: Path, known: dict[str, str]) -> None:
    script = tmp_path / "new.js"
    script.write_text(
        '// "A comment."\nmake("p", { class: "hint new" }, `Of ${a ? `x "q` : "y"} things`, "Wholly new.", /"/g);\n'
    )
    assert of_script(script) == {"Of {} things", "Wholly new."}
    assert not of_script(script) & {shape(text) for text in known}


def test_the_page_names_its_language_and_words_cannot_end_the_script() -> None:
    page = in_language(read_page(), "zh")["index.html"].decode()
    assert '<html lang="zh">' in page
    (words,) = re.findall(r'<script type="application/json" id="words">(.*?)</script>', page, re.DOTALL)
    assert "<" not in words
    assert json.loads(words) == sentences("zh")
    assert '<html lang="en">' in in_language(read_page(), "en")["index.html"].decode()
    assert set(Language.__origin__.__args__) == set(LANGUAGES)  # type: ignore[attr-defined]


# ---- in a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:
    folder = tmp_path_factory.mktemp("language")
    train(folder / "faces", FACES)
    train(folder / "digits", DIGITS)
    main([*RING, "--out", str(folder / "ring")])
    return folder


def english(page: Page) -> list[str]:
    """The texts of a page with words in Latin letters that are no names."""
    return [text for text in page.page.evaluate(SAID) if set(re.findall("[A-Za-z]{2,}", text)) - LATIN]


def tabs(page: Page) -> Iterator[str]:
    """Open each tab, and wait until it shows what it has."""
    page.settle()
    page.find("#ranked:has-text('作用最大的在前')").wait_for(state="attached")
    for tab in page.find("[role=tab]:visible").all():
        tab.click()
        name = tab.get_attribute("id").removeprefix("tab-")
        for busy in ("#panel-mix .results[aria-busy=true]", "#view[aria-busy=true]"):
            page.find(busy).wait_for(state="hidden")
        yield name


def test_the_explorer_in_chinese(folder: Path, browser: Any) -> None:
    runs = [folder / "faces", folder / "digits"]
    with (
        served(*runs, live=False, language="zh") as address,
        opened(browser, f"{address}#point=3&mean=0.5&show=1,0&set=2:4,20:1") as page,
    ):
        for name in tabs(page):
            assert english(page) == [], name
        assert page.find("#where").text_content() == "种子 3 · 均值 0.5 · 2 处改动"
        assert page.find(".lacks:has-text('它没有维度 20：图中未包含。')").count() == 1
        page.find("#help").click()
        page.find("#help-box:has-text('生成器把一个潜向量（一组随机数）变成图像')").wait_for()
        page.page.keyboard.press("Escape")
        page.find("#pin").click()
        page.page.keyboard.press("f")
        page.find("#pins .thumb").wait_for(state="attached")
        assert page.find("#remote option").first.text_content() == "潜向量各数的均值"
        assert english(page) == []


def test_a_phone_has_room_for_the_chinese_page(folder: Path, browser: Any) -> None:
    with (
        served(folder / "faces", live=False, language="zh") as address,
        opened(browser, address, viewport={"width": 390, "height": 844}) as page,
    ):
        for name in tabs(page):
            assert page.page.evaluate("document.documentElement.scrollWidth") <= 390, name
            assert english(page) == [], name


def test_the_live_page_of_points_in_chinese(folder: Path, browser: Any) -> None:
    with served(folder / "ring", language="zh") as address, opened(browser, address) as page:
        page.find(".pace:has-text('已完成，共 20 步')").wait_for()
        page.find(".sampled figcaption:has-text('第 20 步的点')").wait_for()
        page.find(".chart > svg").first.press("ArrowLeft")
        page.find("#spoken:has-text('判别器损失')").wait_for(state="attached")
        page.find("#save-png:text-is('散点图（PNG）')").wait_for(state="attached")
        findings = page.find(".finding, .hint").all_text_contents()
        assert [text for text in english(page) if not any(text.strip() in found for found in findings)] == []
        assert "图像" not in page.find(".again, #stage .actions").first.inner_text()


def test_the_file_of_lessons_in_chinese(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "01-small.md").write_text(TEXT.replace("steps = 20", 'steps = 20\ncurves = ["distance"]'))
    file = tmp_path / "lessons.html"
    main(["learn", "--lang", "zh", "--lessons", str(tmp_path), "--html", str(file)])
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    page.locator(".transport output:text-is('第 0 步')").wait_for()
    assert page.locator("html").get_attribute("lang") == "zh"
    page.locator(".chart svg[aria-label='与数据的距离，曲线']").wait_for()
    page.locator(".chart button[title='对数坐标轴']:text-is('对数')").wait_for()
    words = " ".join(page.locator(".transport, .chart, .numbers, .key").all_inner_texts())
    assert not set(re.findall("[A-Za-z]{2,}", words))
    assert said == []
    page.close()

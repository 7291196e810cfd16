"""Lessons: one idea each, with a picture that moves and a few knobs, in a browser or in one file.

    lessons = load_lessons()
    serve(lessons, "127.0.0.1", 0, browser=True, say=print)

A lesson is a Markdown file in `texts/` (`lesson.py` says what it holds); what it shows is a scene (`scene.py`).
"""

#!/usr/bin/env python3
"""Writes tests/data/text/template_*.json: what transformers makes of conversations with many chat templates.

Needs: pip install jinja2 transformers; HEARTH_SHARED_DATA, the folder that holds chat-templates/*.jinja, of which
only names, digests and outcomes are kept. Usage: tests/make_template_fixtures.py

template_conversations.json   name -> variables
template_outcomes.json        `now`: seconds since 1970, UTC; `templates`: file name -> `sha256` of the file and
                              `outcomes`: conversation -> sha256 of the text, or ["raise", message] for
                              raise_exception, or ["error", exception] where Python fails otherwise
"""
import datetime
import hashlib
import json
import os
import pathlib
import sys

import jinja2
from transformers.utils import chat_template_utils

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from template_conversations import CONVERSATIONS

OUT = pathlib.Path(__file__).parent / "data" / "text"
NOW = 1772366405  # 2026-03-01 12:00:05


def strftime_now(form):
    return datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).replace(tzinfo=None).strftime(form)


def outcome(template, variables):
    try:
        text = template.render(**json.loads(json.dumps(variables)))
    except jinja2.exceptions.TemplateError as error:
        if type(error) is jinja2.exceptions.TemplateError:
            return ["raise", error.message]
        return ["error", type(error).__name__]
    except Exception as error:
        return ["error", type(error).__name__]
    return hashlib.sha256(text.encode()).hexdigest()


def templates(folder):
    for path in sorted(folder.glob("*.jinja")):
        source = path.read_bytes()
        template = chat_template_utils._compile_jinja_template(source.decode())
        template.globals["strftime_now"] = strftime_now
        yield path.name, {"sha256": hashlib.sha256(source).hexdigest(),
                          "outcomes": {name: outcome(template, variables) for name, variables in CONVERSATIONS.items()}}


def write(name, data, **form):
    (OUT / name).write_text(json.dumps(data, ensure_ascii=False, **form) + "\n", encoding="utf-8")


def main():
    folder = pathlib.Path(os.environ["HEARTH_SHARED_DATA"]) / "chat-templates"
    write("template_conversations.json", CONVERSATIONS, indent=None)
    write("template_outcomes.json", {"now": NOW, "templates": dict(templates(folder))}, indent=0)


if __name__ == "__main__":
    main()

"""Every text that the pages show, read off the source: Python, Django templates, the engine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import frozen
from babel.messages.extract import extract_from_file
from django.template import Context, Engine
from django.template.base import Lexer, Node, Template, TokenType
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

from language.catalogue import SAID
from language.sentences import ROOT, said_sentences

APPS = (
    "audit",
    "dockernet_site",
    "hosts",
    "language",
    "netops",
    "notify",
    "people",
    "policies",
    "teach",
)
# {{ value|default:_("none") }}, {% include "x.html" with word=_("none") %}
_IN_TAG = re.compile(r"""_\((["'])(.+?)\1\)""")
_KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}


@frozen
class Text:
    """A text to translate: `ids` is the singular, or singular and plural; `context` "" or a word;
    `place` is the file below the project and the line."""

    ids: tuple[str, ...]
    context: str
    place: tuple[str, int]


def texts() -> Iterator[Text]:
    """Yield every text, some more than once."""
    yield from _of_python()
    yield from _of_templates()
    for sentence, path, line in said_sentences():
        yield Text((sentence,), SAID, (path, line))


def _of_python() -> Iterator[Text]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if name.startswith(("netops/engine", "netops/agent")) or "migrations" in name:
                continue
            for line, ids, _, context in extract_from_file("python", path, keywords=_KEYWORDS):
                several = (ids,) if isinstance(ids, str) else tuple(ids)
                yield Text(several, context or "", (name, line))


def _of_templates() -> Iterator[Text]:
    engine = Engine.get_default()
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix not in (".html", ".txt", ".svg"):
            continue
        name, source = f"templates/{path.relative_to(ROOT / 'templates')}", path.read_text()
        for token in Lexer(source).tokenize():
            if token.token_type in (TokenType.VAR, TokenType.BLOCK):
                for found in _IN_TAG.finditer(token.contents):
                    yield Text((found[2],), "", (name, token.lineno or 1))
        for node in _nodes(Template(source, name=name, engine=engine).nodelist):
            line = node.token.lineno if node.token else 1
            if isinstance(node, TranslateNode):
                yield Text((_literal(node),), _context(node), (name, line))
            elif isinstance(node, BlockTranslateNode):
                told = (node.singular, node.plural) if node.plural else (node.singular,)
                ids = tuple(node.render_token_list(tokens)[0] for tokens in told)
                yield Text(ids, _context(node), (name, line))


def _nodes(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        for attribute in node.child_nodelists:
            yield from _nodes(getattr(node, attribute, None) or ())


def _context(node: TranslateNode | BlockTranslateNode) -> str:
    return str(node.message_context.resolve(Context())) if node.message_context else ""


def _literal(node: TranslateNode) -> str:
    return str(node.filter_expression.var.literal)

"""Writes the documentation as language models read it: every page as Markdown, `llms.txt` and `llms-full.txt`.

`llms.txt` lists the pages, as https://llmstxt.org describes. `llms-full.txt` has all of them in one text. What a page
takes from the sources, signatures and docstrings, is in both.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import griffe

__all__ = ["write"]

_REFERENCE: Final = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
_INCLUDED: Final = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)
_COMMENT: Final = re.compile(r"<!--.*?-->\n*", re.DOTALL)


@attrs.frozen
class Page:
    """A page of the site."""

    section: str
    title: str
    path: str
    text: str

    def summary(self) -> str:
        """Return its first sentence."""
        paragraphs = (text.strip() for text in self.text.split("\n\n"))
        first = next((text for text in paragraphs if text and text[0] not in "#`|!<-"), "")
        return re.split(r"(?<=[.!?])\s", first.replace("\n", " "))[0]


def write(root: Path, site: Path) -> None:
    """Write the texts.

    Args:
        root: The checkout.
        site: The built site.
    """
    project = tomllib.loads((root / "zensical.toml").read_text(encoding="utf-8"))["project"]
    options = project["plugins"]["mkdocstrings"]["handlers"]["python"]["options"]
    extensions = griffe.load_extensions(*options["extensions"])
    package = griffe.load("refold_async", search_paths=[root], extensions=extensions)
    plugin = griffe.load("pytest_refold_async", search_paths=[root], extensions=extensions)
    docs = root / project["docs_dir"]
    pages = []
    for section, title, path in _listed(project["nav"], ()):
        text = (docs / path).read_text(encoding="utf-8")
        text = _INCLUDED.sub(lambda found: (root / found[1]).read_text(encoding="utf-8"), text)
        text = _COMMENT.sub("", text)
        text = _REFERENCE.sub(lambda found: "\n".join(_described(_find(found[1], package, plugin), 2)), text)
        pages.append(Page(section, title, path, text))
    for page in pages:
        (site / page.path).parent.mkdir(parents=True, exist_ok=True)
        (site / page.path).write_text(page.text, encoding="utf-8")
    (site / "llms.txt").write_text(_index(project, pages), encoding="utf-8")
    (site / "llms-full.txt").write_text("\n\n".join(page.text.strip() for page in pages) + "\n", encoding="utf-8")


def _listed(nav: list[dict[str, Any]], sections: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    for entry in nav:
        ((title, content),) = entry.items()
        if isinstance(content, str):
            yield " / ".join(sections) or "Overview", title, content
        else:
            yield from _listed(content, (*sections, title))


def _index(project: dict[str, Any], pages: list[Page]) -> str:
    lines = [f"# {project['site_name']}", "", f"> {project['site_description']}"]
    section = ""
    for page in pages:
        if page.section != section:
            section = page.section
            lines += ["", f"## {section}", ""]
        lines.append(f"- [{page.title}]({page.path}): {page.summary()}".rstrip(": "))
    return "\n".join(lines) + "\n"


def _find(name: str, package: Any, plugin: Any) -> Any:
    module, _, rest = name.partition(".")
    found = package if module == "refold_async" else plugin
    return found[rest] if rest else found


def _described(described: Any, level: int) -> Iterator[str]:
    """Yield a name of the API with its signature and its docstring, and then its public members."""
    described = described.final_target if described.is_alias else described
    yield f"{'#' * level} `{described.name}`\n"
    if described.is_function:
        yield f"```python\n{described.signature()}\n```\n"
    elif described.is_attribute and described.annotation is not None:
        yield f"```python\n{described.name}: {described.annotation}\n```\n"
    if described.docstring:
        yield f"{described.docstring.value}\n"
    if described.is_class or described.is_module:
        exported = described.exports if described.is_module else None
        for name, member in described.all_members.items():
            listed = name in exported if exported is not None else not name.startswith("_")
            if listed and not (described.is_module and member.is_module):
                yield from _described(member, min(level + 1, 5))

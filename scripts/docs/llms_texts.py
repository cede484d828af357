"""Writes the documentation as language models read it: every page as Markdown, `llms.txt` and `llms-full.txt`.

`llms.txt` lists the pages, as https://llmstxt.org describes. `llms-full.txt` has all of them in one text. What a page
takes from the sources, signatures and docstrings, is in both.
"""

import posixpath
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import griffe

__all__ = ["Page", "write"]

_REFERENCE: Final = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)
_INCLUDED: Final = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)
_COMMENT: Final = re.compile(r"<!--.*?-->\n*", re.DOTALL)
_LINK: Final = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(#[^)\s]*)?\)")
_NOT_PROSE: Final = ("#", "```", "|", "![", "<", "- ", ":::")
_DETAILS: Final = """\
Links lead to Markdown. All pages in one text: [llms-full.txt](llms-full.txt).

The package is `refold-async` on PyPI, and `refold_async` in Python 3.11 or later. Pass `idempotent=True` only if
running an action twice does no harm. After an error, read `error.effect` before you repeat a write.\
"""


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
        first = next((text for text in paragraphs if text and not text.startswith(_NOT_PROSE)), "")
        return re.split(r"(?<=[.!?])\s", first.replace("\n", " "))[0]


def write(root: Path, site: Path) -> list[Page]:
    """Write the texts.

    Args:
        root: The checkout.
        site: The built site.

    Returns:
        The pages, in the order of the navigation.
    """
    project = tomllib.loads((root / "zensical.toml").read_text(encoding="utf-8"))["project"]
    options = project["plugins"]["mkdocstrings"]["handlers"]["python"]["options"]
    extensions = griffe.load_extensions(*options["extensions"])
    parser = options["docstring_style"]
    package, plugin = (
        griffe.load(name, search_paths=[root], extensions=extensions, docstring_parser=parser)
        for name in ("refold_async", "pytest_refold_async")
    )
    docs = root / project["docs_dir"]
    pages: list[Page] = []
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
    (site / "llms-full.txt").write_text("\n\n".join(map(_from_the_root, pages)) + "\n", encoding="utf-8")
    return pages


def _listed(nav: list[dict[str, Any]], sections: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    for entry in nav:
        ((title, content),) = entry.items()
        if isinstance(content, str):
            yield " / ".join(sections) or "Overview", title, content
        else:
            yield from _listed(content, (*sections, title))


def _index(project: dict[str, Any], pages: list[Page]) -> str:
    lines = [f"# {project['site_name']}", "", f"> {project['site_description']}", "", _DETAILS]
    section = ""
    for page in pages:
        if page.section != section:
            section = page.section
            lines += ["", f"## {section}", ""]
        lines.append(f"- [{page.title}]({page.path}): {page.summary()}".rstrip(": "))
    return "\n".join(lines) + "\n"


def _from_the_root(page: Page) -> str:
    """Return the text of a page with its path, and with links that are relative to the root, where this text is."""

    def moved(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), link[1])) if link[1] else page.path
        return f"]({path}{link[2] or ''})"

    heading, _, rest = page.text.strip().partition("\n")
    return f"{heading}\n\nPage: {page.path}\n{_LINK.sub(moved, rest)}"


def _find(name: str, package: Any, plugin: Any) -> Any:
    module, _, rest = name.partition(".")
    found = package if module == "refold_async" else plugin
    return found[rest] if rest else found


def _described(described: Any, level: int) -> Iterator[str]:
    """Yield a name of the API with its signature and its docstring, and then its public members."""
    described = described.final_target if described.is_alias else described
    yield f"{'#' * level} `{described.name}`\n"
    if described.is_class and described.bases:
        yield f"Bases: {', '.join(f'`{base}`' for base in described.bases)}\n"
    called = described.all_members.get("__init__") if described.is_class else described
    if called is not None and called.is_function:
        called = called.final_target if called.is_alias else called
        keyword = "async def " if "async" in described.labels else ""
        returned = described.is_function
        yield f"```python\n{keyword}{called.signature(name=described.name, return_type=returned)}\n```\n"
    elif described.is_attribute:
        yield f"```python\n{_declared(described)}\n```\n"
    yield from _documented(described)
    if described.is_class or described.is_module:
        shown = list(_shown_members(described))
        attributes = [member for member in shown if member.is_attribute and described.is_class]
        if attributes:
            yield "More attributes:\n" if _lists_attributes(described) else "Attributes:\n"
            yield "\n".join(f"- `{_declared(member)}`: {_indented(member.docstring.value)}" for member in attributes)
            yield ""
        for member in shown:
            if member not in attributes:
                yield from _described(member, min(level + 1, 5))


def _shown_members(described: Any) -> Iterator[Any]:
    exported = described.exports if described.is_module else None
    for name, member in described.members.items():
        listed = name in exported if exported is not None else not name.startswith("_") and member.has_docstring
        if listed and not (described.is_module and member.is_module):
            yield member


def _lists_attributes(described: Any) -> bool:
    sections = described.docstring.parsed if described.docstring else ()
    return any(section.kind is griffe.DocstringSectionKind.attributes for section in sections)


def _declared(attribute: Any) -> str:
    annotation = f": {attribute.annotation}" if attribute.annotation is not None else ""
    value = f" = {attribute.value}" if attribute.value is not None else ""
    return f"{attribute.name}{annotation}{value}"


def _documented(described: Any) -> Iterator[str]:
    """Yield the docstring: its text, and its parameters, results and errors as lists."""
    for section in described.docstring.parsed if described.docstring else ():
        if section.kind is griffe.DocstringSectionKind.text:
            yield f"{section.value}\n"
            continue
        items: Any = section.value
        yield f"{section.title or section.kind.value.capitalize()}:\n"
        yield "\n".join(map(_item, items))
        yield ""


def _item(item: Any) -> str:
    annotation = str(item.annotation or "")
    name = getattr(item, "name", "")
    default = f" = {item.value}" if getattr(item, "value", None) is not None else ""
    declared = f"{name}: {annotation}" if name and annotation else name or annotation
    return f"- `{declared}{default}`: {_indented(item.description)}"


def _indented(text: str) -> str:
    return text.strip().replace("\n", "\n  ")

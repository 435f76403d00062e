"""Hooks of the documentation's build: the reference of resources, `llms.txt`, and Markdown files.

https://llmstxt.org describes `llms.txt`. `sikoia docs` prints the same pages.
"""

from pathlib import Path
from typing import Any

from sikoia_async.cli.docs.pages import full, index, read_pages
from sikoia_async.cli.docs.resources import with_models

__all__ = ["on_page_markdown", "on_post_build", "on_post_page", "on_post_template"]


def on_page_markdown(markdown: str, **_context: object) -> str:
    """Add the models and values of a resource to its page."""
    return with_models(markdown)


def on_post_page(output: str, page: Any, **_context: object) -> str:
    """Name the Markdown version in the head of a page, where programs look for it."""
    name = page.file.src_uri.rpartition("/")[2]
    link = f'<link rel="alternate" type="text/markdown" href="{name}">'
    return output.replace("</head>", f"{link}</head>", 1)


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """List the home page in `sitemap.xml` by its folder: the selector of versions expects that."""
    if template_name != "sitemap.xml" or not config.site_url:
        return output_content
    return output_content.replace(f"<loc>{config.site_url}index.html<", f"<loc>{config.site_url}<")


def on_post_build(config: Any) -> None:
    """Write `llms.txt`, `llms-full.txt`, and each page as Markdown beside its HTML."""
    site = Path(config.site_dir)
    pages = read_pages(Path(config.config_file_path).parents[1])
    for page in pages:
        (site / f"{page.name}.md").write_text(page.text, encoding="utf-8")
    listed = index(pages, lambda page: f"{page.name}.md", config.site_description)
    (site / "llms.txt").write_text(listed, encoding="utf-8")
    (site / "llms-full.txt").write_text(full(pages), encoding="utf-8")

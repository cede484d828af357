"""The page: its sections, and the template that contains them."""

import hashlib
import re
from base64 import b64encode
from datetime import UTC, datetime
from importlib import resources
from string import Template
from typing import Final, TextIO

from refold_async.cli.journal_page.charts import Charts, share_bar
from refold_async.cli.journal_page.items_table import items_section
from refold_async.cli.journal_page.markup import text
from refold_async.cli.journal_page.scales import duration
from refold_async.cli.journal_report.advice import advice_for_failed, advice_for_unknown, steps_for_unknown
from refold_async.cli.journal_report.report import (
    OTHER_ERRORS,
    ErrorGroup,
    JournalReport,
    message_of,
    shown_job,
    shown_message,
    shown_name,
    shown_time,
)
from refold_async.version import __version__

__all__ = ["page_of", "write_page"]

# The widths in which each chart is drawn. The style shows the one that suits the screen, so that letters are neither
# tiny on a phone nor huge on a tablet.
_WIDTHS: Final = {"wide": 980, "medium": 540, "narrow": 330}
_FIGURES: Final = 10
_MOST_GROUPS: Final = 50
_CODE: Final = re.compile(r"`([^`]+)`|(--[a-z-]+|\bresend_unknown=True)")


def write_page(report: JournalReport, file: TextIO) -> None:
    """Write the page of a report."""
    file.write(page_of(report))


def page_of(report: JournalReport) -> str:
    """Return the page of a report: HTML that loads nothing, with a policy that forbids loading."""
    style, script = _part("page.css"), _part("page.js")
    job = text(shown_job(report.summary.job))
    sections = [
        _notice(report),
        _overview(report),
        _progress(report),
        _unknown(report),
        _failures(report),
        items_section(report),
    ]
    return Template(_part("page.html")).substitute(
        style_hash=_hash(style),
        script_hash=_hash(script),
        style=style,
        script=script,
        title=f"Report of {job}",
        job=job,
        facts=_facts(report),
        sections="\n".join(filter(None, sections)),
        footer=_footer(report),
    )


def _part(name: str) -> str:
    return resources.files("refold_async.cli.journal_page").joinpath(name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """Return the hash by which a content security policy allows an inline script or style."""
    return f"sha256-{b64encode(hashlib.sha256(source.encode()).digest()).decode()}"


def _facts(report: JournalReport) -> str:
    job = report.summary
    runs = "1 run" if job.runs == 1 else f"{job.runs:,} runs"
    parts = [
        *([] if job.slug is None else [f"{job.slug} {job.action_id}"]),
        f"{job.environment or 'unknown'} environment at {job.base_url}",
        runs,
        f"{_shown(job.created_at)} to {_shown(job.updated_at)}",
    ]
    return " · ".join(map(text, parts))


def _notice(report: JournalReport) -> str:
    if not report.summary.running:
        return ""
    return (
        '<section class="notice" aria-label="The job is running"><p><strong>The job is running.</strong> '
        f"This page shows its state at {_shown(report.read_at)}. Write the page again for a newer one.</p></section>"
    )


def _overview(report: JournalReport) -> str:
    counts = report.counts
    tiles = [
        ("ok", "ok", counts["ok"], True),
        ("failed", "failed", report.failed, True),
        ("unknown", "unknown: may have happened", counts["unknown"], True),
        ("other", "in flight", counts["started"], False),
        ("other", "not begun", report.left, False),
    ]
    shares = [(kind, count) for kind, _, count, _ in tiles]
    shown = "".join(
        f'<div class="{kind if count else "none"}"><dt>{word}</dt><dd>{count:,}</dd></div>'
        for kind, word, count, always in tiles
        if count or always
    )
    bar = share_bar(shares) if sum(count for _, count in shares) else ""
    return (
        '<section aria-labelledby="overview-heading"><h2 id="overview-heading">How it went</h2>'
        f'<p class="verdict">{text(report.verdict)}</p>{_next(report)}{bar}<dl class="tiles">{shown}</dl></section>'
    )


def _next(report: JournalReport) -> str:
    """Return what the next run of the job would do."""
    if report.summary.running:
        return ""
    parts: list[str] = []
    if report.left:
        left = "the item that is left" if report.left == 1 else f"the {report.left:,} items that are left"
        parts.append(f"Run the job again to execute {left}.")
    if any(group.status == "failed" and group.effect == "none" for group in report.errors):
        parts.append(
            'With <code class="option">--retry-failed</code>, the next run also retries what failed and did nothing.'
        )
    return f'<p class="next">{" ".join(parts)}</p>' if parts else ""


def _unknown(report: JournalReport) -> str:
    groups = [group for group in report.errors if group.status == "unknown"]
    if not groups:
        return ""
    count = report.counts["unknown"]
    kinds = "".join(_kind(group, advice_for_unknown(group).text, groups[0].items) for group in groups[:_MOST_GROUPS])
    steps = "".join(f"<li>{_marked(step)}</li>" for step in steps_for_unknown(report))
    return (
        '<section aria-labelledby="unknown-heading"><h2 id="unknown-heading">'
        f"Unknown: {count:,} that may or may not have happened</h2>"
        '<p class="muted">Their requests may have reached Refold, and no answer says whether the action was executed. '
        "No run sends them again unless you ask for it. The table below shows their accounts and times.</p>"
        f'<h3 class="steps-title">What to do</h3><ol class="steps">{steps}</ol>'
        f'<div class="kinds">{kinds}</div></section>'
    )


def _kind(group: ErrorGroup, advice: str, most: int) -> str:
    share = share_bar([(group.status, group.items), ("none", most - group.items)])
    return (
        f'<article class="{group.status}"><div class="kind-head"><h3>{group.items:,} &times; {_name(group)}</h3>'
        f'{_show_button(group)}</div>{share}<p>{_marked(advice)}</p><p class="quote">{_message(group)}</p></article>'
    )


def _progress(report: JournalReport) -> str:
    heading = '<section aria-labelledby="progress-heading"><h2 id="progress-heading">Progress</h2>'
    if not report.timeline.buckets:
        return f'{heading}<p class="nothing">No item has ended yet.</p></section>'
    charts = Charts(report.timeline)
    ended = sum(bucket.counts.total() for bucket in report.timeline.buckets)
    extent = f"{ended:,} items ended within {duration(charts.active)}{_rate(ended, charts.active / 1000)}."
    if without := report.counts["unknown"] + report.counts["failed"] + report.counts["ok"] - ended:
        extent += f" {without:,} have no time."
    problems = ""
    if charts.has_problems:
        drawn = {name: charts.problems(width) for name, width in _WIDTHS.items()}
        per = "".join(f'<span class="{name}">per {each}</span>' for name, (_, each) in drawn.items())
        problems = (
            f"<figure><figcaption>Failed and unknown {per}</figcaption>"
            f"{_of_each_width({name: chart for name, (chart, _) in drawn.items()})}</figure>"
        )
    legend = "".join(
        f'<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="fill-{kind}" width="10" height="10" rx="2"/>'
        f"</svg>{kind}</li>"
        for kind in ("ok", "failed", "unknown")
    )
    return (
        f'{heading}<p class="muted">{extent} Times are UTC; long pauses are cut out.</p>'
        "<figure><figcaption>Items that had ended</figcaption>"
        f"{_of_each_width({name: charts.progress(width) for name, width in _WIDTHS.items()})}</figure>"
        f'{problems}<ul class="legend">{legend}</ul>{_figures(charts)}</section>'
    )


def _of_each_width(charts: dict[str, str]) -> str:
    return "".join(f'<div class="{name}">{chart}</div>' for name, chart in charts.items())


def _figures(charts: Charts) -> str:
    # Of several moments within one second, the last one counts.
    figures = {shown_time(datetime.fromtimestamp(at / 1000, UTC)): counts for at, counts in charts.figures(_FIGURES)}
    rows = "".join(
        f'<tr><th scope="row">{time}</th>'
        + "".join(f'<td class="number">{counts[status]:,}</td>' for status in ("ok", "failed", "unknown"))
        + "</tr>"
        for time, counts in figures.items()
    )
    return (
        '<details><summary>Figures</summary><div class="scroll"><table><caption>Items that had ended by then'
        '</caption><thead><tr><th scope="col">UTC</th><th scope="col" class="number">ok</th>'
        '<th scope="col" class="number">failed</th><th scope="col" class="number">unknown</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>"
    )


def _failures(report: JournalReport) -> str:
    groups = [group for group in report.errors if group.status == "failed"]
    heading = '<section aria-labelledby="failures-heading"><h2 id="failures-heading">Failures by error</h2>'
    if not groups and not report.summary.refused:
        return ""
    kinds = "".join(_kind(group, advice_for_failed(group), groups[0].items) for group in groups[:_MOST_GROUPS])
    left_out = sum(group.items for group in groups[_MOST_GROUPS:])
    notes = f'<p class="muted">{left_out:,} more failed with other errors.</p>' if left_out else ""
    if report.summary.refused:
        notes += (
            f'<p class="muted">{report.summary.refused:,} more failed before anything was sent, because their key '
            "is missing or occurred before in the run. The journal has only their number.</p>"
        )
    return f'{heading}<div class="kinds">{kinds}</div>{notes}</section>'


def _show_button(group: ErrorGroup) -> str:
    if group.error == OTHER_ERRORS:
        return ""
    name = _name(group)
    return (
        f'<button type="button" class="show" data-status="{group.status}" data-error="{name}" '
        f'aria-label="Show the {group.status} items with {name}" hidden>Show</button>'
    )


def _name(group: ErrorGroup) -> str:
    return text(shown_name(group.error))


def _message(group: ErrorGroup) -> str:
    return text(shown_message(message_of(group.example)))


def _marked(words: str) -> str:
    """Return a text with the options and commands in it marked as code."""
    return _CODE.sub(lambda code: f'<code class="option">{code[1] or code[2]}</code>', text(words))


def _rate(items: int, seconds: float) -> str:
    if seconds < 1:
        return ""
    return f": {items / seconds:,.1f} a second" if items >= seconds else f": {60 * items / seconds:,.1f} a minute"


def _footer(report: JournalReport) -> str:
    return (
        f"<p>Written by refold_async {text(__version__)} from {text(report.journal.name)} at {_shown(report.read_at)}. "
        "This page works offline and sends nothing.</p><p>It contains your customers' accounts and answers of apps: "
        "keep it as safe as the journal.</p>"
    )


def _shown(moment: datetime) -> str:
    return f"{shown_time(moment)} UTC"

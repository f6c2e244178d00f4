"""``grader export FORMAT``: marks and autograders in the forms that other systems take."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from grader.cli.options import add_assignment, assignment_of
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.model import Report


class Export(NamedTuple):
    """An export: the file's usual name, its content, and what is said of it."""

    name: str
    data: bytes
    told: Sequence[str] = ()


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser(
        "export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(
            ["formats:", *(f"  {name:20} {writer.__doc__}" for name, writer in FORMATS.items())]
        ),
    )
    command.add_argument(
        "format", choices=FORMATS, metavar="FORMAT", help="one of: " + ", ".join(FORMATS)
    )
    add_assignment(command)
    command.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="PATH",
        default=Path("class"),
        help=(
            "what `grader batch` wrote (default: ./%(default)s); a report.json for results of one"
            " submission"
        ),
    )
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="where to write (default: a name by the format)"
    )
    _add_gradebook(command)
    command.add_argument(
        "--isolation", choices=("auto", "bubblewrap", "landlock", "none"), default="auto"
    )
    return command


def _add_gradebook(command: argparse.ArgumentParser) -> None:
    """Add the options for marks and for the gradebook of an LMS."""
    command.add_argument(
        "--overrides", type=Path, metavar="TOML", help="default: overrides.toml beside the marks"
    )
    command.add_argument(
        "--gradebook", type=Path, metavar="CSV", help="the LMS's own export, to be filled in"
    )
    command.add_argument(
        "--column",
        default="",
        metavar="TITLE",
        help=(
            "canvas, brightspace, blackboard, sakai: the column's exact title; moodle-xml: the"
            " assignment's ID number"
        ),
    )
    command.add_argument(
        "--scale",
        action="store_true",
        help="scale the marks if the LMS has another maximum for the assignment",
    )


def run(options: argparse.Namespace) -> int:
    """Write one format."""
    written = FORMATS[options.format](options)
    if written.name:
        from grader.files import write_atomically

        path = write_atomically(options.out or Path(written.name), written.data)
        if not options.quiet:
            print(path, *written.told, sep="\n")
    return 0


def _gradescope(options: argparse.Namespace) -> Export:
    """the autograder zip of an assignment"""
    from grader.authoring.handout.wheel import build_wheel, wheel_name
    from grader.classroom.exports import gradescope

    return Export(
        "autograder.zip",
        gradescope.autograder_zip(assignment_of(options), wheel_name(), build_wheel(whole=True)),
    )


def _gradescope_run(options: argparse.Namespace) -> Export:
    """grade in Gradescope's tree (/autograder), as run_autograder does"""
    from grader.classroom.exports import gradescope
    from grader.errors import AssignmentError, GraderFault

    try:
        path = gradescope.run(options.source, options.isolation)
    except AssignmentError as error:
        raise GraderFault(f"the autograder is broken: {error}") from error
    if not options.quiet:
        print(path)
    return Export("", b"")


def _gradescope_results(options: argparse.Namespace) -> Export:
    """results.json of a report.json"""
    from grader.classroom.exports import gradescope

    return Export("results.json", gradescope.results(_report(options.source)))


def _canvas(options: argparse.Namespace) -> Export:
    """a CSV for Canvas's gradebook"""
    from grader.classroom.exports import canvas, tables

    class_, lines = tables.marked(options.source, options.overrides)
    table = canvas.render(class_, lines, options.column, options.gradebook, options.scale)
    return Export("canvas.csv", table.data, tables.told(lines, table, options.gradebook))


def _other_lms(form_name: str, options: argparse.Namespace) -> Export:
    from grader.classroom.exports import other_lms, tables

    class_, lines = tables.marked(options.source, options.overrides)
    form = {
        "brightspace": other_lms.BRIGHTSPACE,
        "blackboard": other_lms.BLACKBOARD,
        "sakai": other_lms.SAKAI,
    }
    table = other_lms.render(
        form[form_name], class_, lines, options.column, options.gradebook, options.scale
    )
    return Export(f"{form_name}.csv", table.data, tables.told(lines, table, options.gradebook))


def _brightspace(options: argparse.Namespace) -> Export:
    """a CSV for Brightspace's gradebook"""
    return _other_lms("brightspace", options)


def _blackboard(options: argparse.Namespace) -> Export:
    """Blackboard's own export of its gradebook, filled in"""
    return _other_lms("blackboard", options)


def _sakai(options: argparse.Namespace) -> Export:
    """a CSV for Sakai's gradebook, or the grades.csv of its download filled in"""
    return _other_lms("sakai", options)


def _moodle(options: argparse.Namespace) -> Export:
    """Moodle's offline grading worksheet"""
    from grader.classroom.exports import moodle, tables

    class_, lines = tables.marked(options.source, options.overrides)
    table = moodle.worksheet(class_, lines, options.gradebook, options.scale)
    return Export("moodle.csv", table.data, tables.told(lines, table, options.gradebook))


def _moodle_xml(options: argparse.Namespace) -> Export:
    """XML for Moodle's grade import"""
    from grader.classroom.exports import moodle, tables

    class_, lines = tables.marked(options.source, options.overrides)
    table = moodle.grades_xml(class_, lines, options.column)
    return Export("moodle.xml", table.data, tables.told(lines, table))


def _feedback(options: argparse.Namespace) -> Export:
    """a zip of the pages that students may read, to be uploaded again in bulk"""
    from grader.classroom.exports import feedback, tables
    from grader.classroom.marks import rerender

    rerender.refreshed(options.source, options.overrides)
    class_, lines = tables.marked(options.source, options.overrides)
    table = feedback.render(class_, lines, options.source)
    return Export("feedback.zip", table.data, tables.told(lines, table, what="page"))


def _nbgrader(options: argparse.Namespace) -> Export:
    """the CSV that nbgrader exports"""
    from grader.classroom.exports import nbgrader, tables

    class_, lines = tables.marked(options.source, options.overrides)
    table = nbgrader.render(class_, lines)
    return Export("grades.csv", table.data, tables.told(lines, table))


def _classroom50(options: argparse.Namespace) -> Export:
    """an autograder.py for Classroom 50"""
    from grader.classroom.exports import classroom50

    spec = assignment_of(options).spec
    return Export("autograder.py", classroom50.autograder(spec.title, spec.requires))


def _classroom50_results(options: argparse.Namespace) -> Export:
    """the result.json of Classroom 50 for a report.json, with annotations on stdout"""
    from grader.report import classroom50_report

    report = _report(options.source)
    data = classroom50_report.results(report, os.environ)
    if not options.quiet:
        for line in classroom50_report.commands(report):
            print(line)
    return Export("result.json", data)


def _report(path: Path) -> Report:
    import msgspec

    from grader.model import Report

    path = path / "report.json" if path.is_dir() else path
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(f"{path} is not a report.json of this grader ({error})") from error


FORMATS: dict[str, Callable[[argparse.Namespace], Export]] = {
    "gradescope": _gradescope,
    "gradescope-run": _gradescope_run,
    "gradescope-results": _gradescope_results,
    "canvas": _canvas,
    "moodle": _moodle,
    "moodle-xml": _moodle_xml,
    "brightspace": _brightspace,
    "blackboard": _blackboard,
    "sakai": _sakai,
    "nbgrader": _nbgrader,
    "feedback": _feedback,
    "classroom50": _classroom50,
    "classroom50-results": _classroom50_results,
}

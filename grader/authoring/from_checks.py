"""Turns tests that stood in a notebook into a file of checks, and a spec that gives them their points."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import symtable
import textwrap

import msgspec
import tomli_w

from grader.authoring.from_parts import Cell, Test, is_students, trees

BUILTINS = frozenset(dir(builtins))
OURS = frozenset(("expect", "recordable"))  # in lines that a reader wrote


class Surroundings(msgspec.Struct, frozen=True):
    """What a test may use beside what students define: imports, and functions that the author provides whole."""

    imports: dict[str, str]  # name -> statement
    helpers: dict[str, str]  # name -> definition


def surroundings(cells: list[Cell], tests: list[Test]) -> Surroundings:
    """Return what cells and tests offer to every test.

    A function that needs nothing of the notebook is copied into the check that calls it: in the notebook, a student
    could put another in its place.
    """
    imports = _imports(cells)
    students = {name for cell, tree in trees(cells) if is_students(cell) for name in _functions(tree, "")}
    found: dict[str, str] = {}
    for test in tests:
        found |= _functions(ast.parse(test.code), test.code) if _parses(test.code) else {}
    for cell, tree in trees(cells):
        if not is_students(cell):
            found |= _functions(tree, cell["source"])
    helpers = {name: code for name, code in found.items() if name not in students}
    while True:
        offered = {**imports, **helpers}
        dependent = [name for name, code in helpers.items() if needed(code) - offered.keys()]
        if not dependent:
            return Surroundings(imports, helpers)
        for name in dependent:
            del helpers[name]


def needed(code: str) -> set[str]:
    """Return the names that code reads and does not define itself, builtins left out."""
    top = symtable.symtable(code, "cell", "exec")
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}

    def read(table: symtable.SymbolTable) -> set[str]:
        free = {symbol for symbol in table.get_symbols() if symbol.is_referenced()}
        names = {symbol.get_name() for symbol in free if table is top or symbol.is_global()}
        return names.union(*map(read, table.get_children()))

    return read(top) - own - BUILTINS


def uncarried(test: Test, around: Surroundings) -> str:
    """Return why a test can't become a check and what to do, or nothing."""
    if not _parses(test.code):
        return "it is more than Python (a magic command?): write it as a check in plain Python"
    tree = ast.parse(test.code)
    if not any(not isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body):
        return "it tests nothing"
    if any(isinstance(node, ast.Delete) for node in ast.walk(tree)):
        return "it deletes names of the notebook, which a check can't: test what the students' functions return"
    wanted = needed(test.code) - OURS
    helpers = _helpers(wanted, around)
    if not wanted - around.imports.keys() - helpers.keys():
        return "it asks for nothing that the notebook defines: let it use a name that students define"
    statements = {around.imports[name] for name in _imported(test, around)}
    for name in sorted({_module(statement) for statement in statements} | _modules(tree)):
        if not _installed(name):
            return f"it needs `{name}`, which is not installed here: install it and convert anew"
    try:
        compile(_check(test, around), "check", "exec")
    except SyntaxError as error:
        return f"it can't stand in a function ({error.msg}): write it as a check"
    return ""


def checks_file(tests: list[Test], around: Surroundings) -> str:
    """Return the file of checks."""
    imports = sorted({around.imports[name] for test in tests for name in _imported(test, around)})
    texts = [_check(test, around) for test in tests]
    tools = ["cell_test", "defined", *(["recordable"] if any("recordable(" in text for text in texts) else [])]
    head = [
        '"""The notebook\'s tests, as checks. `defined` brings what the finished notebook holds under a name.',
        "",
        'In place of `assert f(2) == 4` you may write `expect("f(2)", f(2))`, with `expect` as a second argument: it',
        "needs no expected number, since `grader record` takes the reference's, and says more in the report.",
        '"""\n',
        *imports,
        f"from grader.checking.asserts import {', '.join(tools)}",
    ]
    return "\n".join(head) + "\n" + "".join(f"\n\n{text}" for text in texts)


def spec(tests: list[Test], questions: dict[str, str], provided: list[str], **told: str) -> str:
    """Return ``assignment.toml``; ``told`` are its name, its title and its notebook."""
    checks = []
    for test in tests:
        points = int(test.points) if test.points == int(test.points) else test.points
        check = {"id": test.id, "question": test.question, "points": points, "notebook": told["notebook"]}
        checks.append(check | ({"visibility": "hidden"} if test.hidden else {}))
    asked = {test.question for test in tests}
    table = {
        "schema": 1, "name": told["name"], "title": told["title"], "reference": ".",
        "questions": [{"id": id_, "title": title} for id_, title in questions.items() if id_ in asked],
        "notebooks": [{"path": told["notebook"], "source": told["notebook"], "required": True}],
        "checks": checks,
    }  # fmt: skip
    if provided:
        table["provided"] = {path: path for path in provided}
    head = f"# Made of {told['notebook']} by `grader new --from-notebook`. Every key is explained in docs/spec.md.\n"
    return head + tomli_w.dumps(table)


# --- checks ---------------------------------------------------------------------------------------------------------


def _check(test: Test, around: Surroundings) -> str:
    """Return a check: names of the notebook are asked for at its beginning, and the test's code follows."""
    text = test.code.strip("\n")
    tree = ast.parse(text)
    wanted = needed(test.code)
    helpers = _helpers(wanted, around)
    free = wanted.union(*map(needed, helpers.values())) - helpers.keys() - around.imports.keys()
    names = sorted(free - OURS)
    told = ast.get_docstring(tree)
    code = text.split("\n")[tree.body[0].end_lineno if told else 0 :]
    sentence = " ".join((test.sentence or told or f"{test.id.replace('_', ' ').capitalize()}.").split())
    sentence = sentence.replace("\\", "").replace('"', "'")
    asked = [f'{name} = defined(notebook, "{name}")' for name in names]
    blocks = ["\n".join([f'"""{sentence}"""', *asked]), *helpers.values(), "\n".join(code).strip("\n")]
    body = ("\n\n" if any("def " in block for block in blocks[1:]) else "\n").join(blocks).rstrip()
    fixtures = "notebook, expect" if "expect" in free else "notebook"
    return f"@cell_test\ndef test_{test.id}({fixtures}):\n{textwrap.indent(body, '    ')}\n"


def _helpers(wanted: set[str], around: Surroundings, above: frozenset[str] = frozenset()) -> dict[str, str]:
    """Return the helpers that names ask for, and those that they need themselves ahead of them."""
    found: dict[str, str] = {}
    for name in sorted(wanted & around.helpers.keys() - above):
        inner = needed(around.helpers[name])
        found |= _helpers(inner, around, above | {name}) | {name: around.helpers[name]}
    return found


def _imported(test: Test, around: Surroundings) -> set[str]:
    """Return the names that a test needs of the notebook's imports."""
    wanted = needed(test.code)
    every = wanted.union(*map(needed, _helpers(wanted, around).values()))
    return every & around.imports.keys()


# --- code -----------------------------------------------------------------------------------------------------------


def _imports(cells: list[Cell]) -> dict[str, str]:
    """Return the import statements of the code cells, by the name that each gives."""
    found = {}
    for _, tree in trees(cells):
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    single = type(node)(**{**dict(ast.iter_fields(node)), "names": [alias]})
                    found[alias.asname or alias.name.split(".")[0]] = ast.unparse(single)
    return found


def _functions(tree: ast.Module, source: str) -> dict[str, str]:
    """Return the text of each function that code defines at its top level."""
    lines = source.split("\n")
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found[node.name] = "\n".join(lines[first - 1 : node.end_lineno])
    return found


def _modules(tree: ast.AST) -> set[str]:
    """Return the modules that code imports, by the first part of their names."""
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return {_module(ast.unparse(statement)) for statement in statements}


def _module(statement: str) -> str:
    return statement.split()[1].split(".")[0]


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True

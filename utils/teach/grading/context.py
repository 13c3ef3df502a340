"""What an exercise cell needs to run: imports and values of the course's notebook.

Running a whole notebook would train models. Of the statements that the course's own
notebook has before a cell, the cell gets those that bind a name it uses, or that such
a statement uses: mostly a few imports. Other exercises are the course's version, so
that one mistake is not counted twice.
"""

import ast
import builtins
import symtable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Statement:
    """A top-level statement: its text, the names it binds and the names it needs."""

    text: str
    binds: frozenset[str]
    needs: frozenset[str]


@dataclass
class Context:
    """Statements to run before a cell, exercises to give it, and names nobody has."""

    statements: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def statements_of(source: str) -> list[Statement]:
    """The top-level statements of a cell of the course, without IPython's magics."""
    found = []
    for node in ast.parse(without_magics(source)).body:
        text = ast.unparse(node)
        binds, needs = names_of(text)
        found.append(Statement(text, binds, needs))
    return found


def without_magics(source: str) -> str:
    """Lines that IPython understands and Python does not become comments."""
    lines = source.split("\n")
    return "\n".join(f"# {x}" if x.startswith(("%", "!")) else x for x in lines)


def names_of(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names that source binds at its top level, and the global names it needs.

    Raises SyntaxError, or ValueError for a text that no source can hold.
    """
    table = symtable.symtable(source, "cell", "exec")
    symbols = table.get_symbols()
    binds = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
    needs = {s.get_name() for s in symbols if s.is_referenced()}
    inner = list(table.get_children())
    while inner:
        scope = inner.pop()
        inner += scope.get_children()
        used = [s for s in scope.get_symbols() if s.is_global() and s.is_referenced()]
        needs |= {symbol.get_name() for symbol in used}
    needs = {name for name in needs - binds if not hasattr(builtins, name)}
    return frozenset(binds), frozenset(needs)


def context_of(
    source: str, before: list[Statement], exercises: frozenset[str]
) -> Context:
    """What `source` needs of the statements before it in the course's notebook."""
    _, wanted = names_of(source)
    needed = set(wanted)
    keep: set[int] = set()
    size = -1
    while size != len(needed):
        size = len(needed)
        for number, statement in enumerate(before):
            if number not in keep and statement.binds & (needed - exercises):
                keep.add(number)
                needed |= statement.needs
    kept = [statement for number, statement in enumerate(before) if number in keep]
    bound = frozenset().union(*(statement.binds for statement in kept))
    return Context(
        statements=[statement.text for statement in kept],
        references=sorted(needed & exercises),
        unknown=sorted(wanted - bound - exercises),
    )


def modules_of(statements: list[str]) -> list[str]:
    """The modules that these statements import, for loading them once beforehand."""
    found = set()
    for statement in statements:
        for node in ast.parse(statement).body:
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
    return sorted(found)

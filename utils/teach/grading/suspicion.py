"""What in a submission a human should look at. Nothing here changes any points.

A flag is no proof, and a source without a flag is none either: names are compared,
and Python has many ways to write one thing.
"""

import ast
import warnings

LONGEST = 100_000  # characters; parsing hostile source has to stay cheap

MODULES = {
    "utils.teach": "imports the course's checks",
    "ctypes": "imports ctypes",
    "gc": "inspects the process (gc)",
    "inspect": "inspects the process (inspect)",
    "multiprocessing": "starts processes",
    "subprocess": "starts processes",
    "pty": "starts processes",
    "threading": "starts threads",
    "signal": "handles signals",
    "atexit": "runs code at exit",
    "importlib": "imports by name",
    "builtins": "reaches into builtins",
    "socket": "uses the network",
    "urllib": "uses the network",
    "http": "uses the network",
    "requests": "uses the network",
    "httpx": "uses the network",
}
CALLS = {
    "eval": "runs text as code",
    "exec": "runs text as code",
    "compile": "runs text as code",
    "__import__": "imports by name",
    "globals": "reaches into globals",
    "open": "opens a file",
    "input": "asks for input, which nobody answers here",
    "get_ipython": "needs IPython",
}
ATTRIBUTES = {
    "_exit": "ends the process",
    "kill": "sends signals",
    "killpg": "sends signals",
    "abort": "ends the process",
    "fork": "starts processes",
    "forkpty": "starts processes",
    "system": "starts processes",
    "popen": "starts processes",
    "modules": "reaches into sys.modules",
    "_getframe": "inspects the process (frames)",
    "settrace": "inspects the process (trace)",
    "setprofile": "inspects the process (trace)",
    "addaudithook": "inspects the process (audit)",
    "__globals__": "reaches into globals",
    "__builtins__": "reaches into builtins",
    "__subclasses__": "inspects the process (subclasses)",
    "__code__": "inspects code",
    "__closure__": "inspects code",
    "__setattr__": "changes a frozen object",
    "f_back": "inspects the process (frames)",
    "tb_frame": "inspects the process (frames)",
    "get_ipython": "needs IPython",
    "write_text": "writes a file",
    "write_bytes": "writes a file",
}
TEXTS = {"COURSE_GRADE_FILE": "names the file of results"}


def flags(source: str) -> list[str]:
    """What `source` holds that a human should see, with line numbers, in order."""
    try:
        if len(source) > LONGEST:
            return ["is longer than a cell should be"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
        found = {
            (getattr(node, "lineno", 1), what)
            for node in ast.walk(tree)
            for what in _about(node)
        }
    except (SyntaxError, ValueError):
        return []  # it can't run either
    except (RecursionError, MemoryError):
        return ["is nested too deeply to be read"]
    return [f"{what} (line {line})" for line, what in sorted(found)]


def _about(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [what for name in node.names for what in _of_module(name.name)]
    if isinstance(node, ast.ImportFrom):
        full = [f"{node.module}.{name.name}" for name in node.names]
        whole = [*_of_module(node.module or ""), *(w for n in full for w in _of_os(n))]
        return whole or [what for name in full for what in _of_module(name)]
    if isinstance(node, ast.Name):
        return [CALLS[node.id]] if node.id in CALLS else _of_text(node.id)
    if isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES:
        return _of_attribute(node)
    if isinstance(node, ast.Assign | ast.AugAssign):
        return _of_assignment(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _of_text(node.value)
    return []


def _of_module(name: str) -> list[str]:
    return [
        what
        for module, what in MODULES.items()
        if name == module or name.startswith(f"{module}.")
    ]


def _of_os(full: str) -> list[str]:
    """`from os import _exit` and the like."""
    module, _, name = full.rpartition(".")
    known = module in ("os", "sys", "signal") and name in ATTRIBUTES
    return [ATTRIBUTES[name]] if known else []


def _of_attribute(node: ast.Attribute) -> list[str]:
    """`module.modules()` of torch is no `sys.modules`: plain names need their owner."""
    plain = {"kill", "system", "popen", "fork", "abort", "modules"}
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    if node.attr in plain and owner not in ("os", "sys", "signal"):
        return []
    return [ATTRIBUTES[node.attr]]


def _of_assignment(node: ast.Assign | ast.AugAssign) -> list[str]:
    """Assigning to an attribute of a module that the course imports."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = {
        target.value.id
        for target in targets
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name)
    }
    patched = names & {"torch", "np", "numpy", "F", "math", "random", "sys", "checks"}
    return [f"changes {name} for everyone" for name in sorted(patched)]


def _of_text(text: str) -> list[str]:
    return [what for word, what in TEXTS.items() if word in text]

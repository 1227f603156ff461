"""Every sentence that the doctor's checks can say, read from their code."""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

_FINDINGS = {  # by which a finding is made, and where sentences stand in it
    **dict.fromkeys(("ok", "skip", "warn", "fail", "NotThere", "StoreGone", "StoreError"), (0,)),
    "Found": (1, 3, 4),
    "Diagnosis": (1, 2),
    "replace": (),  # of a diagnosis
    "check": (),
}
_NAMED = ("symptom", "cause", "remedy", "looks", "why", "mend")
_VALUE = "{}"
_GAP = re.compile(r" [,;.](?=\s|$)")  # where nothing stands in a sentence that is not said then


def sentences(path: Path) -> set[str]:
    """Those of a module, with {} for each value that is put in."""
    return _worded(_Module(path).said())


def returned(path: Path, function: str) -> set[str]:
    """What a function of a module may return."""
    return _worded(_Module(path).returned(function))


def listed(path: Path, name: str) -> set[str]:
    """The values of a dictionary of a module."""
    return _worded(_Module(path).listed(name))


def _worded(shapes: Iterable[str]) -> set[str]:
    return {each for each in shapes if any(map(str.isalpha, each)) and not _GAP.search(each)}


class _Module:
    """What its expressions may come to, as far as that is written down in it."""

    def __init__(self, path: Path) -> None:
        self._tree = ast.parse(path.read_text("utf-8"))
        self._nodes = list(ast.walk(self._tree))
        self._functions = {
            each.name: each for each in self._nodes if isinstance(each, ast.FunctionDef)
        }
        self._within: dict[int, list[ast.FunctionDef]] = {}
        """The functions in which a node stands, the outermost first."""
        for function in self._functions.values():
            for inner in ast.walk(function):
                self._within.setdefault(id(inner), []).append(function)

    def said(self) -> Iterator[str]:
        for call in self._nodes:
            if isinstance(call, ast.Call):
                for place in self._places(call):
                    yield from self._shapes(place)

    def returned(self, function: str) -> set[str]:
        ends = (each for each in ast.walk(self._functions[function]))
        ended = [each.value for each in ends if isinstance(each, ast.Return)]
        return set().union(*(self._shapes(each) for each in ended if each))

    def listed(self, name: str) -> Iterator[str]:
        for each in _assigned(self._tree.body, name):
            if isinstance(each, ast.Dict):
                yield from set().union(*map(self._shapes, each.values))

    def _places(self, call: ast.Call) -> Iterator[ast.expr]:
        makers = {maker for maker in self._callables(call.func) if maker in _FINDINGS}
        for maker in makers:
            yield from (call.args[at] for at in _FINDINGS[maker] if at < len(call.args))
        if makers:
            yield from (each.value for each in call.keywords if each.arg in _NAMED)

    def _callables(self, function: ast.expr) -> set[str]:
        """What is called: by its name, by another that it was given, or as an argument."""
        if not isinstance(function, ast.Name):
            return set()
        if function.id in _FINDINGS:
            return {function.id}
        named = (each for given in self._given(function) for each in ast.walk(given))
        return {each.id for each in named if isinstance(each, ast.Name)}

    def _shapes(self, node: ast.expr) -> set[str]:  # noqa: PLR0911  (one a kind of expression)
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.Constant():
                return set()
            case ast.JoinedStr(values=parts):
                return _joined([self._shapes(each) for each in parts])
            case ast.FormattedValue(value=value):
                return self._shapes(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([self._shapes(left), self._shapes(right)])
            case ast.BinOp(left=left, op=ast.Mult()):
                return {"", *self._shapes(left)}
            case ast.IfExp(body=body, orelse=other):
                return self._shapes(body) | self._shapes(other)
            case ast.BoolOp(values=values):
                return set().union(*map(self._shapes, values)) - {""}
            case ast.Call(func=ast.Attribute(value=text, attr="strip")):
                return self._shapes(text)
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                return self.returned(name)
            case ast.Name():
                given = [self._shapes(each) for each in self._given(node)]
                return set().union(*given) if given else {_VALUE}
        return {_VALUE}

    def _given(self, name: ast.Name) -> Iterator[ast.expr]:
        """What a name stands for: in its functions, as an argument of one, or in the module."""
        for function in reversed(self._within.get(id(name), [])):
            local = list(_assigned(ast.walk(function), name.id))
            if local := local or list(self._arguments(function, name.id)):
                yield from local
                return
        yield from _assigned(self._tree.body, name.id)

    def _arguments(self, function: ast.FunctionDef, name: str) -> Iterator[ast.expr]:
        names = [each.arg for each in (*function.args.args, *function.args.kwonlyargs)]
        if name not in names:
            return
        for call in self._nodes:
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == function.name:
                yield from call.args[names.index(name) :][:1]
                yield from (each.value for each in call.keywords if each.arg == name)


def _assigned(nodes: Sequence[ast.stmt] | Iterator[ast.AST], name: str) -> Iterator[ast.expr]:
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.NamedExpr(target=ast.Name(id=target), value=value) if target == name:
                yield value
            case ast.Assign(
                targets=[ast.Tuple(elts=targets)], value=ast.IfExp(body=body, orelse=other)
            ):
                for each in (body, other):
                    if isinstance(each, ast.Tuple):
                        pairs = zip(targets, each.elts, strict=True)
                        yield from (value for at, value in pairs if _is(at, name))


def _is(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _joined(parts: Sequence[set[str]]) -> set[str]:
    return {"".join(each) for each in product(*parts)}

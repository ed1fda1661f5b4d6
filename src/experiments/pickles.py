"""Pickles of strangers: what they say, without doing it."""

import pickletools
from dataclasses import dataclass

OPERATIONS = 100_000  # at most; a batch of CIFAR-10 has some 40,000


@dataclass
class Object:
    """What a pickle says of an object that it wants made; it is not made."""

    of: str
    arguments: object = None
    state: object = None


def said(content, known):
    """The lists, dicts, texts, bytes and numbers of a pickle (bytes, protocols 2 to 4), tuples as lists.

    known: the dotted names of which it may ask for objects; an Object stands in the place of each. An unpickler makes
    what the file names, by whatever code, and reserves whatever room it claims; this goes through the operations and
    keeps what is said. Raises ValueError for a name or an operation that is not known, and nearly any other exception
    for a damaged pickle.
    """
    stack, marks, memo = [], [], {}

    def last(n):
        items = stack[len(stack) - n :]
        del stack[len(stack) - n :]
        return items

    def since_mark():
        return last(len(stack) - marks.pop())

    for n, (operation, value, _) in enumerate(pickletools.genops(content)):
        if n == OPERATIONS:
            raise ValueError(f"it has more than {OPERATIONS:,} operations")
        match operation.name:
            case "BININT1" | "BININT2" | "BININT" | "BINBYTES" | "SHORT_BINBYTES" | "BINUNICODE" | "SHORT_BINUNICODE":
                stack.append(value)
            case "BINSTRING" | "SHORT_BINSTRING":  # of Python 2: bytes, which pickletools reads as latin-1
                stack.append(value.encode("latin-1"))
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "BINPUT" | "LONG_BINPUT":
                memo[value] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[value])
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[operation.name])
            case "MARK":
                marks.append(len(stack))
            case "EMPTY_LIST" | "EMPTY_TUPLE":
                stack.append([])
            case "TUPLE":
                stack.append(since_mark())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(last(int(operation.name[-1])))
            case "APPEND" | "APPENDS":
                items = since_mark() if operation.name == "APPENDS" else last(1)
                stack[-1].extend(items)
            case "EMPTY_DICT":
                stack.append({})
            case "SETITEM" | "SETITEMS":
                items = since_mark() if operation.name == "SETITEMS" else last(2)
                stack[-1].update(zip(items[::2], items[1::2], strict=True))
            case "GLOBAL" | "STACK_GLOBAL":
                name = value.replace(" ", ".") if operation.name == "GLOBAL" else ".".join(last(2))
                if name not in known:
                    raise ValueError(f"it asks for {name}, which no such file needs")
                stack.append(Object(name))
            case "REDUCE":
                function, arguments = last(2)
                stack.append(Object(function.of, arguments))
            case "BUILD":
                (state,) = last(1)
                stack[-1].state = state
            case "STOP":
                return stack[-1]
            case "PROTO" | "FRAME":
                pass
            case other:
                raise ValueError(f"it holds the operation {other}, which no such file needs")

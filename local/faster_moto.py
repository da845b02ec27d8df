"""Makes moto's DynamoDB and KMS cost only as much as what a request touches.

- To roll back a transaction, moto copies the whole table once for each action: with one day of health samples for
  twenty providers, a change took a third of a second, and longer every day. Here the items that the actions name are
  restored; only those that are updated are copied, because moto changes nothing else in place.
- A query sorts and compares every item of the table. Here it sees only the items with its partition key.
- The items of a response are converted twice, attribute by attribute. Here they are written as JSON once.
- An expression is split into tokens up to four times in a request. Here it is once in a process.
- An update copies its expression and looks for cycles in it, and ten checks walk through it and ask their abstract
  classes about each part. Here a part is copied with its children, and the classes are asked once in a process.
- moto creates an RSA key pair for each KMS key, lists its own methods at each call, and draws the 52 characters of each
  request's id one by one.
"""

from __future__ import annotations

import base64
import copy
import functools
import json
import string
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any, Final

import moto.core.responses
import moto.dynamodb.responses
import moto.kms.models
from moto.core.responses import ActionContext
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.models.utilities import dynamo_to_dict
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node  # type: ignore[attr-defined]
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.moto_api._internal.moto_random import MotoRandom

_transact: Final = DynamoDBBackend.transact_write_items
_query: Final = Table.query
_core: Any = moto.core.responses
_kms: Any = moto.kms.models
_method_names: Final = functools.cache(_core.method_names_from_class)
_generate_private_key: Final = _kms.generate_private_key
_lex: Final = ConditionExpressionParser._lex_condition_expression  # noqa: SLF001 - without it, nothing can be kept
_parse_update: Final = functools.lru_cache(maxsize=1000)(UpdateExpressionParser.make)
_is_a: Final[Callable[[type, type], bool]] = functools.cache(issubclass)
_OF_ITEMS: Final = frozenset(
    {"BatchGetItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems", "UpdateItem"}
)
"""The operations whose responses have attribute values."""


def speed_up_moto() -> None:
    """Patch moto in this process."""
    Table.__deepcopy__ = lambda table, _: table  # type: ignore[attr-defined]
    DynamoDBBackend.transact_write_items = _transact_and_put_back  # type: ignore[method-assign]
    ConditionExpressionParser._lex_condition_expression = _tokens  # type: ignore[method-assign]  # noqa: SLF001
    UpdateExpressionParser.make = _parse_update  # moto copies what it returns before it changes it
    DepthFirstTraverser.traverse_node_recursively = _traverse
    Node.__deepcopy__ = _copy
    Table.query = _query_partition  # type: ignore[assignment, method-assign]
    moto.dynamodb.responses.DynamoResult = _Result  # type: ignore[misc]
    _kms.generate_private_key = _private_key
    _core.method_names_from_class = _method_names
    MotoRandom.get_random_string = _random_string  # type: ignore[method-assign]


def _transact_and_put_back(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Apply the actions to copies of the items that they update; if one fails, restore every item that they name."""
    before = [_named(self, *next(iter(action.items()))) for action in transact_items]
    try:
        for items, key, item in before:
            if item is not None:
                items[key] = copy.deepcopy(item)
        _transact(self, transact_items)
    except Exception:
        for items, key, item in before:
            if item is not None:
                items[key] = item
            else:
                items.pop(key, None)
        raise


def _named(
    backend: DynamoDBBackend, kind: str, action: dict[str, Any]
) -> tuple[dict[Any, Any], DynamoType, Item | None]:
    """Return the partition, the sort key and the item that an action names; every table here has a sort key."""
    table = backend.get_table(action["TableName"])
    key = action["Item" if kind == "Put" else "Key"]
    partition = table.items[DynamoType(key[table.hash_key_attr])]
    sort_key = DynamoType(key[table.range_key_attr])
    return partition, sort_key, partition.get(sort_key)


def _tokens(self: ConditionExpressionParser) -> deque[Any]:
    return deque(_tokens_of(self.condition_expression))


@functools.lru_cache(maxsize=1000)
def _tokens_of(expression: str | None) -> tuple[Any, ...]:
    return tuple(_lex(ConditionExpressionParser(expression, None, None)))


def _traverse(self: Any, node: Any, child_id: int = -1, processors: Mapping[type, Any] | None = None) -> Any:
    """Process the nodes below `node`, and then `node`, which a processor can replace."""
    if not _is_a(type(node), Node):
        return node
    processors = processors or self._processing_map()
    parent = node.parent
    for number, child in enumerate(node.children or ()):
        self.pre_processing_of_child(node, number)
        _traverse(self, child, number, processors)
    for kind, process in processors.items():
        if _is_a(type(node), kind):
            node = process(node)
            node.parent = parent
            if parent:
                parent.children[child_id] = node
            break
    return node


def _copy(self: Any, memo: dict[int, Any]) -> Any:
    """Return a copy of a part of an expression, and of all below it."""
    copied: Any = object.__new__(type(self))
    vars(copied).update(vars(self))
    if self.children is not None:
        copied.children = [copy.deepcopy(each, memo) for each in self.children]
        for each in copied.children:
            if _is_a(type(each), Node):
                each.parent = copied
    return copied


def _query_partition(self: Table, hash_key: DynamoType, *args: Any, **kwargs: Any) -> Any:
    """Query a copy of the table that has only the items with the partition key, or the index's."""
    indexed = [each for each, _ in kwargs["hash_key_conditions"]]
    if not indexed or self.range_key_attr is None:
        return _query(self, hash_key, *args, **kwargs)
    seen = copy.copy(self)
    seen.items = defaultdict(dict)
    name = indexed[0]
    if name == self.hash_key_attr:
        if hash_key in self.items:
            seen.items[hash_key] = self.items[hash_key]
    else:
        for partition, items in self.items.items():
            found = {key: each for key, each in items.items() if name in each.attrs and each.attrs[name] == hash_key}
            if found:
                seen.items[partition] = found
    return _query(seen, hash_key, *args, **kwargs)


class _Result(moto.dynamodb.responses.DynamoResult):
    """A response of DynamoDB; `json` writes its items as they are stored."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def execute_result(self, context: ActionContext) -> Any:
        if context.operation_model.name not in _OF_ITEMS:
            self._result = dynamo_to_dict(self._result)
            return super().execute_result(context)
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(self._result, default=_wire)


def _wire(value: object) -> Mapping[str, Any] | str:
    """Return an attribute value in the form that DynamoDB sends; a binary one is stored decoded after a projection."""
    if isinstance(value, DynamoType):
        return {value.type: value.value}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)


def _private_key(key_spec: str) -> Any:
    """Return the private key of an asymmetric key; a symmetric one signs nothing."""
    return None if key_spec == "SYMMETRIC_DEFAULT" else _generate_private_key(key_spec)


def _random_string(self: MotoRandom, length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
    drawn = "".join(self.choices(string.ascii_letters + string.digits * include_digits, k=length))
    return drawn.lower() if lower_case else drawn

"""A SuperLink's list of nodes in memory, driven by the words ``flwr supernode`` takes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fl_runtime.errors import FlowerCommandError


class NodeRegistry:
    """Takes every key once, and answers as Flower does.

    Attributes:
        name_by_node_id: Nodes that are registered.
        refuses: Whether every command fails, as when the SuperLink is down.
    """

    def __init__(self) -> None:
        self.name_by_node_id: dict[str, str] = {}
        self.refuses = False
        self._keys: set[bytes] = set()
        self._num_registered = 0

    def forget(self) -> None:
        """Loses everything, as a SuperLink without its database."""
        self.name_by_node_id.clear()
        self._keys.clear()

    def __call__(self, words: Sequence[str]) -> Mapping[str, Any]:
        """Runs one command."""
        if self.refuses:
            raise FlowerCommandError("flwr supernode: unreachable")
        match list(words):
            case ["supernode", "register", key, "fleet", "--name", name, "--format", "json"]:
                return self._register(Path(key).read_bytes(), name)
            case ["supernode", "unregister", node_id, "fleet", "--format", "json"]:
                del self.name_by_node_id[node_id]
                return {"success": True}
            case ["supernode", "list", "fleet", "--format", "json"]:
                nodes = [{"node-id": node_id, "status": "registered"} for node_id in self.name_by_node_id]
                return {"success": True, "nodes": nodes}
        raise AssertionError(f"no command of Flower: {words}")

    def _register(self, key: bytes, name: str) -> Mapping[str, Any]:
        assert key not in self._keys, "Flower never takes a key twice"
        self._keys.add(key)
        self._num_registered += 1
        node_id = str(2**63 + self._num_registered)
        self.name_by_node_id[node_id] = name
        return {"success": True, "node-id": node_id}

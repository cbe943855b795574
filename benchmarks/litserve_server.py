"""A model served by LitServe: `python -m benchmarks.litserve_server MODULE:CLASS PORT`."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import litserve
import msgspec

from benchmarks.contenders import loaded
from shared.model import AnyModel


class Served(litserve.LitAPI):  # type: ignore[misc]
    """The model behind LitServe's steps; it batches as large as the model takes, and waits 2 ms for more."""

    def __init__(self, model: AnyModel) -> None:
        super().__init__(max_batch_size=model.max_batch, batch_timeout=0.002)
        self._model = model

    def setup(self, device: str) -> None:
        """Load the model in LitServe's worker process."""
        self._held = loaded(self._model)

    def decode_request(self, request: dict[str, Any]) -> Any:
        """Read a request."""
        return msgspec.convert(request, self._model.request)

    def batch(self, inputs: list[Any]) -> list[Any]:
        """Keep the requests as they are."""
        return inputs

    def predict(self, x: Sequence[Any]) -> Sequence[Any]:
        """Answer a batch."""
        return self._held.predict(x)  # type: ignore[no-any-return]

    def unbatch(self, output: Sequence[Any]) -> list[Any]:
        """Take the answers one by one."""
        return list(output)

    def encode_response(self, output: Any) -> Any:
        """Write an answer."""
        return msgspec.to_builtins(output)


def main() -> None:
    """Serve until ended."""
    module, _, name = sys.argv[1].partition(":")
    model = getattr(importlib.import_module(module), name)
    server = litserve.LitServer(Served(model), accelerator="cpu")
    server.run(host="127.0.0.1", port=int(sys.argv[2]), generate_client_file=False, log_level="error")


if __name__ == "__main__":
    main()

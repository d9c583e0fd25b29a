"""What the framework does for each request and need not, measured with ``forecourt bench api``."""

from litestar import Litestar
from litestar.routes import HTTPRoute


def one_by_one(app: Litestar) -> None:
    """Resolve what routes name one after the other, without a task for each.

    The framework resolves side by side whatever does not depend on each other. Ours are plain
    functions that wait for nothing: a task group for three of them costs more than they do.
    """
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for _, model in route.route_handler_map.values():
                model.dependency_batches = [
                    {one} for batch in model.dependency_batches for one in batch
                ]

"""Tasks that respond with 202 until they are done.

The guide to the API documents the status 202, but no published operation uses it. So the path
`/v2/sandbox-tasks` exists in the local Sikoia only.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import not_found
from sikoia_async.sandbox.resources.field_rules import any_object, natural, object_of, optional
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.state import Record, State

_START = object_of({"polls": optional(natural), "result": optional(any_object)})
_DEFAULT_POLLS = 2


def routes(state: State) -> list[Route]:
    """Return the routes for the tasks."""
    tasks = Tasks(state)
    return [
        Route("/v2/sandbox-tasks", Resource(post=tasks.start)),
        Route("/v2/sandbox-tasks/{task_id}", Resource(get=tasks.get)),
    ]


class Tasks:
    """Handlers for `/v2/sandbox-tasks`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def start(self, request: Request) -> Response:
        """Start a task that stays pending for as many polls as the body says."""
        body = await read(request, _START)
        polls = body.get("polls")
        task: Record = {
            "task_id": self._state.new_id(),
            "polls": _DEFAULT_POLLS if polls is None else polls,
            "result": body.get("result") or {},
        }
        self._state.tasks[task["task_id"]] = task
        return _pending(task)

    async def get(self, request: Request) -> Response:
        """Respond with 202 while polls remain, then with the result."""
        task = self._state.tasks.get(request.path_params["task_id"])
        if task is None:
            raise not_found(request.path_params["task_id"])
        if task["polls"]:
            task["polls"] -= 1
            return _pending(task)
        return JSONResponse(
            {"task_id": task["task_id"], "status": "Complete", "result": task["result"]}
        )


def _pending(task: Record) -> Response:
    return JSONResponse(
        {"task_id": task["task_id"], "status": "Pending"},
        202,
        {"Location": f"/v2/sandbox-tasks/{task['task_id']}", "Retry-After": "0"},
    )

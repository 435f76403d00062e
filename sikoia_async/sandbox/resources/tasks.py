"""A task that takes its time: 202 until it is done, as the guide to the API documents it.

The guide explains the 202, and no published operation answers it.
So the path `/v2/sandbox-tasks` is ours, not the vendor's: never send it to Sikoia.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sikoia_async.sandbox.errors import not_found
from sikoia_async.sandbox.resources.field_rules import any_record, count, optional, record
from sikoia_async.sandbox.resources.routing import Resource, read
from sikoia_async.sandbox.state import Record, State

_START = record({"polls": optional(count), "result": optional(any_record)})
_DEFAULT_POLLS = 2


def routes(state: State) -> list[Route]:
    """Serve the tasks."""
    tasks = Tasks(state)
    return [
        Route("/v2/sandbox-tasks", Resource(post=tasks.start)),
        Route("/v2/sandbox-tasks/{task_id}", Resource(get=tasks.get)),
    ]


class Tasks:
    """Answers for `/v2/sandbox-tasks`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def start(self, request: Request) -> Response:
        """Start a task that stays pending for as many looks as the body says."""
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
        """Answer 202 while looks remain, then the result."""
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

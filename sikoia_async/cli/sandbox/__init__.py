"""`sikoia sandbox`: `options` has its options, `serve` runs it, `control` drives a running one."""

__all__: list[str] = []

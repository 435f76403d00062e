"""Integrations with other libraries; each module needs the library that it is named after.

They come with extras: `pip install 'sikoia-async[fastapi]'` or `'sikoia-async[aiohttp]'`.
"""

__all__: list[str] = []

"""What the coordinator keeps: a database for facts, a folder for clips and models. Knows nothing of HTTP.

Safe for several processes at once: the API and a training run open the same storage.
"""

from fl_server.storage.database import Storage, open_storage
from fl_server.storage.models import publish_model

__all__ = ["Storage", "open_storage", "publish_model"]

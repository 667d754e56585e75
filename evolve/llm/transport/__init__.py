"""Transport to models: requests, replies, concurrency and cost."""

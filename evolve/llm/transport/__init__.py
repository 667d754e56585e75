"""How a model is reached: requests, replies, concurrency, cost."""

"""Report of a real run in a browser."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.browser

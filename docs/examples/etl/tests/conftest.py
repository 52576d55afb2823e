from pathlib import Path

import pytest


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    file = tmp_path / "orders.csv"
    file.write_text("id,day,amount\n1,2026-01-30,10.5\n2,2026-01-30,4\n3,2026-01-31,8\n")
    return file

"""The same parameters give the same files, byte for byte, in any process."""

import hashlib
import os
import subprocess
import sys

from tests.fakes.networks import exported_fp32, exported_int8

PROGRAM = """
import hashlib
from tests.fakes.networks import exported_fp32, exported_int8
print(*(hashlib.sha256(file).hexdigest() for file in (exported_fp32(), exported_int8())))
"""


def test_export_is_byte_identical_in_another_process_with_another_hash_seed() -> None:
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    output = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, check=True).stdout
    here = [hashlib.sha256(file).hexdigest() for file in (exported_fp32(), exported_int8())]
    assert output.decode().split() == here

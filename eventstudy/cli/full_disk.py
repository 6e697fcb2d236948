"""Numbers of the system errors that a full disk or a broken one causes; the first lines of the program read them."""

from __future__ import annotations

import errno

FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EIO)

"""pymarc 5's interface over this package's records: `from mrrc_ct import pymarc`.

    from mrrc_ct.pymarc import MARCReader

    with open("records.mrc", "rb") as file:
        for record in MARCReader(file):
            print(record.title)

Every name of pymarc 5.4.0 is here, in modules of the same names. docs/migration.md lists what is
different. `install()` lets programs have it that say `import pymarc` themselves.
"""

from .constants import *
from .exceptions import *
from .field import *
from .leader import *
from .marc8 import MARC8ToUnicode, marc8_to_unicode
from .marcjson import *
from .marcxml import *
from .reader import *
from .record import *
from .writer import *


def install() -> None:
    """Be what `import pymarc` and `from pymarc.… import …` find from now on.

    A program calls it before the first import of pymarc, which itself need not be installed.
    """
    import sys

    for name, module in list(sys.modules.items()):
        if name == __name__ or name.startswith(f"{__name__}."):
            sys.modules[f"pymarc{name[len(__name__) :]}"] = module

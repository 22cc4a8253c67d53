"""The version of this package and where it is published, written down in this one place only."""

from typing import Final

__version__ = "0.1.0"

#: The URL of the public repository, such as "https://github.com/<owner>/pulumi-truto". The schema leaves each of these
#: three out while it is empty.
REPOSITORY: Final = ""
#: The publisher's name, as Pulumi's registry shows it.
PUBLISHER: Final = ""
#: The URL of the logo: a square PNG.
LOGO_URL: Final = ""

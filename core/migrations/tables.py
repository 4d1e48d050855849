"""Every table of the product, gathered for migrations and for the security layer."""

from core.bookings import models as _bookings  # noqa: F401
from core.deliveries import models as _deliveries  # noqa: F401
from core.links import models as _links  # noqa: F401
from core.messages import models as _messages  # noqa: F401
from core.money import models as _money  # noqa: F401
from core.people import models as _people  # noqa: F401
from core.platform import models as _platform  # noqa: F401
from core.platform.schema import Base
from core.tenancy.access import models as _access  # noqa: F401
from core.tenancy.identity import models as _identity  # noqa: F401
from core.tenancy.organizations import models as _organizations  # noqa: F401

metadata = Base.metadata

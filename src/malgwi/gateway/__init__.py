"""What all doors share: keys, limits, uploads, errors, health, metrics."""

from malgwi.gateway.app import Shape, new_app
from malgwi.gateway.crossing import Crossing
from malgwi.gateway.errors import Answer, Refusal, status_of
from malgwi.gateway.exposure import check_exposure, is_loopback
from malgwi.gateway.forms import BadField, FormModel, form_openapi, read_form, unknown_fields
from malgwi.gateway.health import Health, Readiness
from malgwi.gateway.keys import Keys, Lock, hash_of, new_key, presented, read_keys
from malgwi.gateway.limits import Limits
from malgwi.gateway.metrics import METRICS, Measured, Metric, Metrics, resident_bytes
from malgwi.gateway.middleware import has_body
from malgwi.gateway.origin import is_own_origin, is_own_page
from malgwi.gateway.server import address_of, listening, new_server, run
from malgwi.gateway.uploads import Form, Spool, Upload
from malgwi.gateway.urls import fetch, fetched

__all__ = [
    "METRICS",
    "Answer",
    "BadField",
    "Crossing",
    "Form",
    "FormModel",
    "Health",
    "Keys",
    "Limits",
    "Lock",
    "Measured",
    "Metric",
    "Metrics",
    "Readiness",
    "Refusal",
    "Shape",
    "Spool",
    "Upload",
    "address_of",
    "check_exposure",
    "fetch",
    "fetched",
    "form_openapi",
    "has_body",
    "hash_of",
    "is_loopback",
    "is_own_origin",
    "is_own_page",
    "listening",
    "new_app",
    "new_key",
    "new_server",
    "presented",
    "read_form",
    "read_keys",
    "resident_bytes",
    "run",
    "status_of",
    "unknown_fields",
]

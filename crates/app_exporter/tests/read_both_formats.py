"""Scrapes the page given as an argument in both formats and prints, as JSON, what is read."""

import json
import sys
import urllib.request

from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as text


def read(url, accept, parser):
    request = urllib.request.Request(url, headers={"Accept": accept})
    # Whatever proxy the machine uses is not for an address on the machine itself.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        content_type = answer.headers["Content-Type"]
        page = answer.read().decode("utf-8")
    families = {
        family.name: {
            "type": family.type,
            "help": family.documentation,
            "samples": [[s.name, s.labels, s.value] for s in family.samples],
        }
        for family in parser.text_string_to_metric_families(page)
    }
    return {"content_type": content_type, "families": families}


url = sys.argv[1]
json.dump(
    {
        "text": read(url, "text/plain;version=0.0.4", text),
        "openmetrics": read(
            url, "application/openmetrics-text;version=1.0.0", openmetrics
        ),
    },
    sys.stdout,
)

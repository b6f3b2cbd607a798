"""Reads the expositions of one registry in every format, with readers that are not ours.

Standard input has a JSON object with the texts by format, protobuf's in hexadecimal. Printed is, again as JSON
and by format, what was read: a list of [family, type, help, unit, samples], a sample being
[name, labels, value, timestamp or null, exemplar or null]. For protobuf, a native histogram is a sample
named as its family whose value is an object.
"""

import json
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal.decoder import _DecodeVarint32
from google.protobuf import timestamp_pb2
from prometheus_client import parser as text_parser
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.utils import floatToGoString

FIELD = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "double": FIELD.TYPE_DOUBLE,
    "string": FIELD.TYPE_STRING,
    "uint32": FIELD.TYPE_UINT32,
    "uint64": FIELD.TYPE_UINT64,
    "int64": FIELD.TYPE_INT64,
    "sint32": FIELD.TYPE_SINT32,
    "sint64": FIELD.TYPE_SINT64,
}
TYPES = ["COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM"]
TIME = "google.protobuf.Timestamp"

# The messages of client_model's metrics.proto: field number, name, type; `*` is repeated.
MESSAGES = {
    "LabelPair": [(1, "name", "string"), (2, "value", "string")],
    "Gauge": [(1, "value", "double")],
    "Counter": [(1, "value", "double"), (2, "exemplar", "Exemplar"), (3, "start", TIME)],
    "Quantile": [(1, "quantile", "double"), (2, "value", "double")],
    "Summary": [
        (1, "count", "uint64"),
        (2, "sum", "double"),
        (3, "quantile", "*Quantile"),
        (4, "start", TIME),
    ],
    "Untyped": [(1, "value", "double")],
    "Histogram": [
        (1, "count", "uint64"),
        (2, "sum", "double"),
        (3, "bucket", "*Bucket"),
        (5, "schema", "sint32"),
        (6, "zero_threshold", "double"),
        (7, "zero_count", "uint64"),
        (9, "negative_span", "*BucketSpan"),
        (10, "negative_delta", "*sint64"),
        (12, "positive_span", "*BucketSpan"),
        (13, "positive_delta", "*sint64"),
        (15, "start", TIME),
        (16, "exemplars", "*Exemplar"),
    ],
    "Bucket": [
        (1, "cumulative_count", "uint64"),
        (2, "upper_bound", "double"),
        (3, "exemplar", "Exemplar"),
    ],
    "BucketSpan": [(1, "offset", "sint32"), (2, "length", "uint32")],
    "Exemplar": [(1, "label", "*LabelPair"), (2, "value", "double"), (3, "timestamp", TIME)],
    "Metric": [
        (1, "label", "*LabelPair"),
        (2, "gauge", "Gauge"),
        (3, "counter", "Counter"),
        (4, "summary", "Summary"),
        (5, "untyped", "Untyped"),
        (6, "timestamp_ms", "int64"),
        (7, "histogram", "Histogram"),
    ],
    "MetricFamily": [
        (1, "name", "string"),
        (2, "help", "string"),
        (3, "type", "MetricType"),
        (4, "metric", "*Metric"),
        (5, "unit", "string"),
    ],
}


def metric_family_class():
    package = "io.prometheus.client"
    file = descriptor_pb2.FileDescriptorProto(
        name="metrics.proto", package=package, syntax="proto2", dependency=[timestamp_pb2.DESCRIPTOR.name]
    )
    types = file.enum_type.add(name="MetricType")
    for number, name in enumerate(TYPES):
        types.value.add(name=name, number=number)
    for message, fields in MESSAGES.items():
        described = file.message_type.add(name=message)
        for number, name, kind in fields:
            label = FIELD.LABEL_REPEATED if kind.startswith("*") else FIELD.LABEL_OPTIONAL
            kind = kind.lstrip("*")
            field = described.field.add(name=name, number=number, label=label)
            if kind in SCALARS:
                field.type = SCALARS[kind]
            elif kind == "MetricType":
                field.type, field.type_name = FIELD.TYPE_ENUM, f".{package}.{kind}"
            else:
                field.type = FIELD.TYPE_MESSAGE
                field.type_name = f".{kind}" if "." in kind else f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    found = pool.FindMessageTypeByName(f"{package}.MetricFamily")
    return message_factory.GetMessageClass(found)


def number(value):
    """A float as text, which JSON's readers leave as it is; marked, to be told from a label."""
    return None if value is None else {"float": repr(float(value))}


def labels_of(pairs):
    return {pair.name: pair.value for pair in pairs}


def seconds(time):
    return time.seconds + time.nanos / 1e9


def exemplar_of(holder):
    if not holder.HasField("exemplar"):
        return None
    exemplar = holder.exemplar
    return [labels_of(exemplar.label), number(exemplar.value), number(seconds(exemplar.timestamp))]


def buckets_of(spans, deltas):
    buckets, index, count, deltas = [], 0, 0, iter(deltas)
    for span in spans:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            if count:
                buckets.append([index, count])
            index += 1
    assert next(deltas, None) is None, "a delta without a span"
    return buckets


def samples_of(family, metric):
    labels = labels_of(metric.label)
    assert len(labels) == len(metric.label), "a label stands twice"
    time = metric.timestamp_ms / 1000 if metric.HasField("timestamp_ms") else None

    def sample(suffix, value, more={}, exemplar=None):
        name = family.name.removesuffix("_total") + suffix if suffix == "_created" else family.name + suffix
        return [name, {**labels, **more}, number(value), number(time), exemplar]

    held = [part for part in ("gauge", "counter", "summary", "untyped", "histogram") if metric.HasField(part)]
    assert len(held) == 1, held
    value = getattr(metric, held[0])
    if held[0] in ("gauge", "untyped"):
        yield sample("", value.value)
    elif held[0] == "counter":
        yield sample("", value.value, exemplar=exemplar_of(value))
    else:
        sum_name, count_name = ("_gsum", "_gcount") if TYPES[family.type] == "GAUGE_HISTOGRAM" else ("_sum", "_count")
        if value.HasField("count"):
            yield sample(count_name, value.count)
        if value.HasField("sum"):
            yield sample(sum_name, value.sum)
        for quantile in getattr(value, "quantile", []):
            yield sample("", quantile.value, {"quantile": floatToGoString(quantile.quantile)})
        for bucket in getattr(value, "bucket", []):
            more = {"le": floatToGoString(bucket.upper_bound)}
            yield sample("_bucket", bucket.cumulative_count, more, exemplar_of(bucket))
        if held[0] == "histogram" and value.HasField("schema"):
            assert value.positive_span or value.negative_span or value.zero_threshold, "seems classic"
            native = {
                "schema": value.schema,
                "zero_threshold": number(value.zero_threshold),
                "zero_count": value.zero_count,
                "negative": buckets_of(value.negative_span, value.negative_delta),
                "positive": buckets_of(value.positive_span, value.positive_delta),
                "exemplars": [[labels_of(e.label), number(e.value)] for e in value.exemplars],
            }
            yield [family.name, labels, native, number(time), None]
    if held[0] != "gauge" and held[0] != "untyped" and value.HasField("start"):
        yield sample("_created", seconds(value.start))


def read_protobuf(message):
    family_class, at, families = metric_family_class(), 0, []
    while at < len(message):
        length, at = _DecodeVarint32(message, at)
        family = family_class.FromString(message[at : at + length])
        at += length
        samples = [sample for metric in family.metric for sample in samples_of(family, metric)]
        families.append([family.name, TYPES[family.type].lower(), family.help, family.unit, samples])
    assert at == len(message)
    return families


def read_text(parser, exposition):
    def exemplar(of):
        return of and [of.labels, number(of.value), number(of.timestamp)]

    return [
        [
            family.name,
            family.type,
            family.documentation,
            family.unit,
            [
                [s.name, s.labels, number(s.value), number(s.timestamp), exemplar(s.exemplar)]
                for s in family.samples
            ],
        ]
        for family in parser.text_string_to_metric_families(exposition)
    ]


given = json.load(sys.stdin)
json.dump(
    {
        "text": read_text(text_parser, given["text"]),
        "text_utf8": read_text(text_parser, given["text_utf8"]),
        "openmetrics": read_text(openmetrics_parser, given["openmetrics"]),
        "protobuf": read_protobuf(bytes.fromhex(given["protobuf"])),
    },
    sys.stdout,
)

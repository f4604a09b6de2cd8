"""OTLP in JSON: what OpenTelemetry exporters and collectors write, one object, several, or a line each.

``importer`` takes bytes and hands out records, ``span`` makes a span into a trace with its errors, ``dialects``
says what attributes mean, ``values`` reads OTLP's typed values.

Source: opentelemetry-proto 1.x, the OTLP/JSON mapping (ids in hex, 64-bit integers as strings, enums as numbers;
names of enums, snake_case keys and ``instrumentationLibrarySpans`` of older writers are taken too).
"""

from tracetui.formats.otlp.dialects import map_span
from tracetui.formats.otlp.importer import OtlpImporter
from tracetui.formats.otlp.span import FORMAT
from tracetui.formats.otlp.values import attribute_value, nanoseconds

__all__ = ["FORMAT", "OtlpImporter", "attribute_value", "map_span", "nanoseconds"]
